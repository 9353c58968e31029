"""The types of portable SQL, and what two of them have in common."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

MOST_DIGITS = 38
"""Digits of a decimal within a query, on every engine; a table holds fewer."""
_KEPT_SCALE = 6
"""Digits behind the point that Spark keeps, however many stand before it."""


@dataclass(frozen=True)
class SqlType:
    """A type by its name in portable SQL; a DECIMAL with all its digits and those behind the point.

    >>> str(SqlType("DECIMAL", 18, 2))
    'DECIMAL(18, 2)'
    """

    name: str
    digits: int = 0
    scale: int = 0

    def __str__(self) -> str:
        return f"DECIMAL({self.digits}, {self.scale})" if self.name == "DECIMAL" else self.name

    @property
    def is_exact(self) -> bool:
        """Whether it is a number without rounding: whole or decimal."""
        return self.name in ("INT", "BIGINT", "DECIMAL")

    @property
    def is_number(self) -> bool:
        return self.is_exact or self.name == "DOUBLE"

    @property
    def is_time(self) -> bool:
        return self.name in ("DATE", "TIMESTAMP")


INT, BIGINT, DOUBLE = SqlType("INT"), SqlType("BIGINT"), SqlType("DOUBLE")
STRING, BOOLEAN = SqlType("STRING"), SqlType("BOOLEAN")
DATE, TIMESTAMP, INTERVAL = SqlType("DATE"), SqlType("TIMESTAMP"), SqlType("INTERVAL")
NULL = SqlType("NULL")
"""The type of NULL alone, which is a value of every type."""

_WHOLE_DIGITS = {"INT": 10, "BIGINT": 19}


class Unlike(ValueError):
    """Two types that no value has in common, or digits beyond what an engine holds."""


def decimal(digits: int, scale: int) -> SqlType:
    """A decimal type of at most 38 digits; a value that does not fit raises on every engine.

    Raises Unlike where one engine would cut digits behind the point to hold more before it.

    >>> str(decimal(39, 2))
    'DECIMAL(38, 2)'
    """
    if digits > MOST_DIGITS:
        if scale <= _KEPT_SCALE:
            return SqlType("DECIMAL", MOST_DIGITS, scale)
        raise Unlike(
            f"a DECIMAL of {digits} digits is beyond the {MOST_DIGITS} that engines hold: CAST to "
            "DECIMALs of fewer digits, or to DOUBLE, first"
        )
    return SqlType("DECIMAL", digits, scale)


def as_decimal(kind: SqlType) -> SqlType:
    """The decimal type that holds every value of an exact type.

    >>> str(as_decimal(INT))
    'DECIMAL(10, 0)'
    """
    return kind if kind.name == "DECIMAL" else decimal(_WHOLE_DIGITS[kind.name], 0)


def of_number(text: str) -> SqlType:
    """The type of a number as it is written.

    >>> [str(of_number(n)) for n in ("7", "3000000000", "-0.05", "1e3")]
    ['INT', 'BIGINT', 'DECIMAL(2, 2)', 'DOUBLE']
    """
    if "e" in text.lower():
        return DOUBLE
    number = Decimal(text)
    _, digits, exponent = number.as_tuple()
    scale = -int(exponent)
    if "." not in text:
        if -(2**31) <= number < 2**31:
            return INT
        return BIGINT if -(2**63) <= number < 2**63 else decimal(len(digits), 0)
    return decimal(max(len(digits), scale, 1), scale)


def common(kinds: Iterable[SqlType]) -> SqlType:
    """The type in which values of all these types meet; raises Unlike if there is none.

    >>> str(common([INT, SqlType("DECIMAL", 5, 2), NULL]))
    'DECIMAL(12, 2)'
    """
    found = NULL
    for kind in kinds:
        found = _of_two(found, kind)
    return found


def _of_two(one: SqlType, other: SqlType) -> SqlType:
    if one == other or other == NULL:
        return one
    if one == NULL:
        return other
    if one.is_number and other.is_number:
        if "DOUBLE" in (one.name, other.name):
            return DOUBLE
        if "DECIMAL" not in (one.name, other.name):
            return BIGINT
        left, right = as_decimal(one), as_decimal(other)
        scale = max(left.scale, right.scale)
        return decimal(max(left.digits - left.scale, right.digits - right.scale) + scale, scale)
    if one.is_time and other.is_time:
        return TIMESTAMP
    raise Unlike(f"{one} and {other} have no type in common: CAST one of them")
