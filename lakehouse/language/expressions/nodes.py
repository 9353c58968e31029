"""What an expression is once it is read: a tree of constants, names and calls."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal


@dataclass(frozen=True)
class Literal:
    """A constant: int, Decimal (written with a point), str, bool, date, datetime in UTC or None."""

    value: int | Decimal | str | bool | date | datetime | None


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


def names(node: Node) -> Iterator[str]:
    """Yield every column name used in an expression, in order, repeated as written."""
    if isinstance(node, Name):
        yield node.name
    elif isinstance(node, Call):
        for argument in node.arguments:
            yield from names(argument)
