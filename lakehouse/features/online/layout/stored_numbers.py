"""Column values as the 64-bit numbers that the online store keeps, and back.

Integers and truth values as they are, floats as their bits, amounts scaled, times as UTC
microseconds since 1970, dates as days since then. Text is kept elsewhere.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Context, Decimal, Inexact, InvalidOperation
from typing import Any

from lakehouse.errors import LakehouseError
from lakehouse.language.kinds import Kind

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_DAY = date(1970, 1, 1).toordinal()
_EXACT = Context(prec=40, traps=[InvalidOperation, Inexact])


class NotStorable(LakehouseError):
    """A value does not fit the type that its column is declared with."""


class ValueOverflow(LakehouseError):
    """A sum does not fit the digits that the lake's numbers have."""


def us_of(at: datetime) -> int:
    """Microseconds since 1970 of a time, exactly; one without a zone is UTC."""
    gone = (at if at.tzinfo is not None else at.replace(tzinfo=UTC)) - _EPOCH
    return (gone.days * 86_400 + gone.seconds) * 1_000_000 + gone.microseconds


def writer(kind: Kind, scale: int = 0) -> Callable[[Any], int]:
    """The function from a value of a kind to its number; it raises NotStorable for any other.

    >>> writer("decimal", 2)(Decimal("19.9")), writer("float")(1.0), writer("bool")(True)
    (1990, 4607182418800017408, 1)
    """
    if kind == "decimal":
        return lambda value: _scaled(value, scale)
    return _WRITERS[kind]


def reader(kind: Kind, scale: int = 0) -> Callable[[int], Any]:
    """The function from a number back to the value.

    >>> reader("decimal", 2)(1990), reader("float")(4607182418800017408), reader("bool")(1)
    (Decimal('19.90'), 1.0, True)
    """
    if kind == "decimal":
        return lambda number: Decimal(number).scaleb(-scale)
    return _READERS[kind]


def _scaled(value: Any, scale: int) -> int:
    if type(value) is not Decimal:
        raise NotStorable(f"a {type(value).__name__} where a Decimal belongs")
    try:
        return int(_EXACT.scaleb(value, scale).to_integral_exact(context=_EXACT))
    except (Inexact, InvalidOperation) as error:
        raise NotStorable(f"an amount with more than {scale} digits after its point") from error


def _of_type(kind: type, number: Callable[[Any], int]) -> Callable[[Any], int]:
    def write(value: Any) -> int:
        if type(value) is not kind:
            raise NotStorable(f"a {type(value).__name__} where a {kind.__name__} belongs")
        return number(value)

    return write


def float_bits(value: float) -> int:
    """A float's bits as an integer with sign."""
    return int(struct.unpack("<q", struct.pack("<d", value))[0])


def canonical(bits: int) -> int:
    """The bits of a float as those of its equals: every NaN is one, and -0.0 is 0.0."""
    value = float_of(bits)
    if value == 0:
        return 0
    return NAN if value != value else bits


def float_of(bits: int) -> float:
    """The float that has these bits."""
    return float(struct.unpack("<d", struct.pack("<q", bits))[0])


NAN = float_bits(math.nan)
"""The one NaN that values are kept as where they are compared."""
_WRITERS: dict[str, Callable[[Any], int]] = {
    "int": _of_type(int, int),
    "bool": _of_type(bool, int),
    "float": _of_type(float, float_bits),
    "timestamp": _of_type(datetime, us_of),
    "date": _of_type(date, lambda day: day.toordinal() - _FIRST_DAY),
}
_READERS: dict[str, Callable[[int], Any]] = {
    "int": int,
    "bool": bool,
    "float": float_of,
    "timestamp": lambda us: _EPOCH + timedelta(microseconds=us),
    "date": lambda days: date.fromordinal(_FIRST_DAY + days),
}
