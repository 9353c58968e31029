"""SQL's order, width and times of Python values other than null."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time
from decimal import ROUND_HALF_UP, Context, Inexact, InvalidOperation
from typing import Any

from lakehouse.language.kinds import Kind

INT64 = range(-(2**63), 2**63)
# As wide as an engine's decimals; what does not fit raises instead of being rounded.
EXACT = Context(prec=38, traps=[Inexact, InvalidOperation])
ROUNDING = Context(prec=76, rounding=ROUND_HALF_UP)


class Undefined(Exception):
    """Why there is no value; whoever evaluates adds where."""


def ordered(value: Any) -> tuple[bool, Any]:
    """Order NaN after every number and equal to itself, as the engines do."""
    return (True, 0.0) if value != value else (False, value)


def utc(value: date) -> datetime:
    """A time in UTC; one without a zone is UTC already, a date is its midnight."""
    if not isinstance(value, datetime):
        return datetime.combine(value, time(), UTC)
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def comparable(kind: Kind | None) -> Callable[[Any], Any]:
    """What values of a kind are compared by."""
    if kind == "timestamp":
        return utc
    return ordered if kind == "float" else lambda value: value


def within(value: int) -> int:
    """An int that fits 64 bits; raises Undefined for any other."""
    if value not in INT64:
        raise Undefined(
            f"overflow, {value} does not fit 64 bits; write float(…) around an operand."
        )
    return value
