"""The constants of a contract: bounds and members, as values of their column's type."""

from __future__ import annotations

import math
import re
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from lakehouse.declare.columns import Column
from lakehouse.errors import DeclarationError
from lakehouse.language.kinds import MAX_DECIMAL_PRECISION

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

INT64 = 2**63
_DAY = "[0-9]{4}-[0-9]{2}-[0-9]{2}"


def constant(column: Column, value: Any) -> Any:
    """Return a bound or member as a value of the column's type: int, Decimal, datetime in UTC, …

    Raises DeclarationError, without the column's name, for one that the column cannot hold.

    >>> constant(Column(kind="timestamp", zone="Europe/Berlin"), "2018-07-01").isoformat()
    '2018-06-30T22:00:00+00:00'
    """
    fitting = _value(column, value)
    if fitting is None:
        raise DeclarationError(f"{value!r} is no {column.kind}; write {_EXAMPLES[column.kind]}.")
    return fitting


def as_declared(value: Any) -> Any:
    """Return a constant as the declaration keeps it: times and dates as their ISO text."""
    return value.isoformat() if isinstance(value, date) else value


@lru_cache
def zone_of(name: str) -> ZoneInfo:
    """Return an IANA time zone; raises KeyError or ValueError if there is none of that name."""
    from zoneinfo import ZoneInfo  # only a contract with a zone pays for it

    return ZoneInfo(name)


_EXAMPLES = {
    "string": "a text",
    "bool": "True or False",
    "int": "a whole number of 64 bits",
    "float": "a finite number",
    "decimal": "a number with no more digits than the column has",
    "timestamp": "a time as '2018-04-01T06:30:00Z'",
    "date": "a date as '2018-04-01'",
}


def _value(column: Column, value: Any) -> Any:
    """The value, or None where the constant is not one of this kind."""
    if column.kind == "string":
        return value if isinstance(value, str) else None
    if column.kind == "bool":
        return value if isinstance(value, bool) else None
    if column.kind in ("timestamp", "date"):
        return _time(column, value) if isinstance(value, str) else None
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    if not math.isfinite(value):
        return None
    if column.kind == "int":
        return value if isinstance(value, int) and -INT64 <= value < INT64 else None
    if column.kind == "float":
        return float(value)
    return _decimal(Decimal(str(value)), column.scale or 0)


def _decimal(value: Decimal, scale: int) -> Decimal | None:
    exponent = value.normalize().as_tuple().exponent
    assert isinstance(exponent, int)  # finite
    fits = abs(value) < 10 ** (MAX_DECIMAL_PRECISION - scale)
    return value if fits and -exponent <= scale else None


def _time(column: Column, text: str) -> datetime | date | None:
    pattern = _DAY if column.kind == "date" else f"{_DAY}([T ].+)?"
    if not re.fullmatch(pattern, text):
        return None
    try:
        if column.kind == "date":
            return date.fromisoformat(text)
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC if column.zone == "UTC" else zone_of(column.zone))
    return at.astimezone(UTC)
