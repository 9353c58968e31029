"""What an expression is once it is read: a tree of constants, names and calls."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True)
class Literal:
    """A constant: int, Decimal (written with a point), str, bool or None."""

    value: int | Decimal | str | bool | None


@dataclass(frozen=True)
class Name:
    """A column, plain (`amount_eur`) or of a feature view (`card_spend.payments_1d`)."""

    name: str


@dataclass(frozen=True)
class Call:
    """An operator or function applied to its arguments, by its lower-case name.

    Operators are `+ - * / % = <> < <= > >= and or not neg is_null in between case`; `case` takes
    condition, value, condition, value, …, else.
    """

    function: str
    arguments: tuple[Node, ...]


Node = Literal | Name | Call

FUNCTIONS: dict[str, tuple[int, int | None]] = {
    "coalesce": (1, None),
    "nullif": (2, 2),
    "abs": (1, 1),
    "least": (2, None),
    "greatest": (2, None),
    "hour": (1, 1),
    "minute": (1, 1),
    "day": (1, 1),
    "month": (1, 1),
    "weekday": (1, 1),
    "lower": (1, 1),
    "upper": (1, 1),
    "length": (1, 1),
    "float": (1, 1),
}
"""Functions and how many arguments they take; `weekday` is 0 for Monday, times are UTC."""


def names(node: Node) -> Iterator[str]:
    """Yield every column name used in an expression, in order, repeated as written."""
    if isinstance(node, Name):
        yield node.name
    elif isinstance(node, Call):
        for argument in node.arguments:
            yield from names(argument)
