"""SQL's operations on Python values other than null: numbers, order, times, letters."""

from __future__ import annotations

import operator
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Context, Decimal, Inexact, InvalidOperation
from typing import Any

from lakehouse.language.kinds import Kind
from lakehouse.language.letters import lower, upper

INT64 = range(-(2**63), 2**63)
# As wide as an engine's decimals; what does not fit raises instead of being rounded.
_EXACT = Context(prec=38, traps=[Inexact, InvalidOperation])


class Undefined(Exception):
    """Why there is no value; whoever evaluates adds where."""


def ordered(value: Any) -> tuple[bool, Any]:
    """Order NaN after every number and equal to itself, as the engines do."""
    return (True, 0.0) if value != value else (False, value)


def utc(value: datetime) -> datetime:
    """A time in UTC; one without a zone is UTC already."""
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _within(value: int) -> int:
    if value not in INT64:
        raise Undefined(
            f"overflow, {value} does not fit 64 bits; write float(…) around an operand."
        )
    return value


def _divide(a: Any, b: Any) -> float:
    divisor = float(b)
    if divisor == 0:
        raise Undefined(
            "division by zero; say what it gives then, as in 'case when b <> 0 then a / b end'."
        )
    return float(a) / divisor


def _remainder(a: int, b: int) -> int:
    """The remainder with the sign of `a`, as in SQL; Python's own has the sign of `b`."""
    if b == 0:
        raise Undefined(
            "remainder of a division by zero; say what it gives then, as in "
            "'case when b <> 0 then a % b end'."
        )
    remainder = abs(a) % abs(b)
    return -remainder if a < 0 else remainder


def _arithmetic(
    plain: Callable[..., Any], exact: Callable[..., Decimal]
) -> Callable[[Kind | None], Callable[..., Any]]:
    """The operation for the kind its operands have in common."""

    def of(kind: Kind | None) -> Callable[..., Any]:
        if kind == "decimal":
            return exact
        if kind == "float":
            return plain
        return lambda *operands: _within(plain(*operands))

    return of


COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "<>": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
ARITHMETIC = {
    "+": _arithmetic(operator.add, _EXACT.add),
    "-": _arithmetic(operator.sub, _EXACT.subtract),
    "*": _arithmetic(operator.mul, _EXACT.multiply),
    "neg": _arithmetic(operator.neg, _EXACT.minus),
    "abs": _arithmetic(operator.abs, _EXACT.abs),
}
FUNCTIONS: dict[str, Callable[..., Any]] = {
    "not": operator.not_,
    "/": _divide,
    "%": _remainder,
    "float": float,
    "hour": lambda at: utc(at).hour,
    "minute": lambda at: utc(at).minute,
    "day": lambda at: utc(at).day,
    "month": lambda at: utc(at).month,
    "weekday": lambda at: utc(at).weekday(),
    "lower": lower,
    "upper": upper,
    "length": len,
}
