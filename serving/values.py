"""Single values: brought into the form their column declares, checked, and written out."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Context, Decimal, Inexact, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

from lakehouse.declare.contract import Column
from lakehouse.language import patterns
from lakehouse.language.kinds import MAX_DECIMAL_PRECISION

FIRST_YEAR = 1000
"""Years of four digits, as in delivered files."""
_INT64 = 2**63
_EXACT = Context(prec=MAX_DECIMAL_PRECISION, traps=[Inexact, InvalidOperation])


class Unfit(Exception):
    """A value breaks a check of its column; the message says which, never the value."""


def plain(value: Any) -> Any:
    """A value as JSON carries it: decimals become text without an exponent, so they stay exact.

    >>> plain(Decimal("0E-8")), plain([Decimal("1.50")])
    ('0.00000000', ['1.50'])
    """
    kind = type(value)
    if kind is Decimal:
        return format(value, "f")
    return [plain(each) for each in value] if kind is list or kind is tuple else value


def exact(value: Any) -> Any:
    """A value as a log keeps it: as `plain`, and the floats that JSON has no number for as text.

    >>> exact(float("nan")), exact([1.5, -math.inf]), exact(None)
    ('nan', [1.5, '-inf'], None)
    """
    kind = type(value)
    if kind is float:
        return value if math.isfinite(value) else str(value)
    if kind is Decimal:
        return format(value, "f")
    return [exact(each) for each in value] if kind is list or kind is tuple else value


def finisher(column: Column) -> Callable[[Any], Any] | None:
    """Compile what a decoded value of this column still needs: exact form and checks.

    None where nothing is left to do. The function raises Unfit.
    """
    steps: list[Callable[[Any], Any]] = []
    if column.kind == "decimal":
        steps.append(_decimal(column.scale or 0))
    elif column.kind == "timestamp":
        steps.append(_timestamp(column.zone))
    elif column.kind == "int":
        steps.append(_int)
    elif column.kind == "date":
        steps.append(_date)
    elif column.kind == "string" and not column.nullable:
        steps.append(_filled)
    steps += _checks(column)
    if len(steps) <= 1:
        return steps[0] if steps else None

    def finish(value: Any) -> Any:
        for step in steps:
            value = step(value)
        return value

    return finish


def _decimal(scale: int) -> Callable[[Any], Any]:
    unit = Decimal(1).scaleb(-scale)
    digits = MAX_DECIMAL_PRECISION

    def exact(value: Decimal) -> Decimal:
        if not value.is_finite():
            raise Unfit("must be a finite number")
        try:
            return value.quantize(unit, context=_EXACT)
        except Inexact:
            raise Unfit(f"must have at most {scale} digits after the point") from None
        except InvalidOperation:
            raise Unfit(f"must have at most {digits - scale} digits before the point") from None

    return exact


def _timestamp(zone: str) -> Callable[[Any], Any]:
    """Times in UTC. Of a local hour that comes twice the first is meant, as in the files."""
    local = UTC if zone == "UTC" else ZoneInfo(zone)

    def in_utc(value: datetime) -> datetime:
        try:
            aware = value if value.tzinfo is not None else value.replace(tzinfo=local)
            at = aware.astimezone(UTC)
            if at.year < FIRST_YEAR:
                raise OverflowError
            if aware is not value and at.astimezone(local).replace(tzinfo=None) != value:
                raise Unfit(f"is in an hour that {zone} skips")
            return at
        except OverflowError:
            raise Unfit(f"must lie between the years {FIRST_YEAR} and 9999 in UTC") from None

    return in_utc


def _date(value: date) -> date:
    if value.year < FIRST_YEAR:
        raise Unfit(f"must lie between the years {FIRST_YEAR} and 9999")
    return value


def _filled(value: str) -> str:
    if not value:
        raise Unfit("must not be empty")
    return value


def _int(value: int) -> int:
    if not -_INT64 <= value < _INT64:
        raise Unfit("must fit into 64 bits")
    return value


def _checks(column: Column) -> list[Callable[[Any], Any]]:
    """The declared checks, in pandera's sense, each as a function that gives the value back."""
    found: list[Callable[[Any], Any]] = []

    def check(holds: Callable[[Any], bool], reason: str) -> None:
        def checked(value: Any) -> Any:
            if not holds(value):
                raise Unfit(reason)
            return value

        found.append(checked)

    if column.ge is not None:
        least = _bound(column, column.ge)
        check(lambda v: bool(v >= least), f"must be at least {column.ge}")
    if column.gt is not None:
        above = _bound(column, column.gt)
        check(lambda v: bool(v > above), f"must be more than {column.gt}")
    if column.le is not None:
        most = _bound(column, column.le)
        check(lambda v: bool(v <= most), f"must be at most {column.le}")
    if column.lt is not None:
        below = _bound(column, column.lt)
        check(lambda v: bool(v < below), f"must be less than {column.lt}")
    if column.isin is not None:
        allowed = frozenset(_bound(column, v) for v in column.isin)
        shown = ", ".join(str(v) for v in column.isin[:5])
        more = f" … and {len(column.isin) - 5} more" if len(column.isin) > 5 else ""
        check(lambda v: v in allowed, f"must be one of {shown}{more}")
    if column.str_matches is not None:
        pattern = patterns.parse(column.str_matches)
        check(pattern.matches, f"must match {pattern.written}")
    return found


def _bound(column: Column, bound: Any) -> Any:
    """A declared bound in the column's own type, so that 0.1 is the decimal 0.1."""
    if column.kind == "decimal":
        return Decimal(str(bound))
    if column.kind == "timestamp":
        return _timestamp(column.zone)(datetime.fromisoformat(str(bound)))
    if column.kind == "date":
        return date.fromisoformat(str(bound))
    return bound
