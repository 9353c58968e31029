"""How functions are made from plain ones: of values, by the type they share, null first."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from lakehouse.language.expressions.function import Evaluate, Strict
from lakehouse.language.kinds import Kind


def strict(plain: Callable[..., Any]) -> Strict:
    """A function of the arguments' values, null exactly where any of them is."""
    return Strict(lambda kind: plain)


def by_kind(of: Callable[[Kind | None], Callable[..., Any]]) -> Strict:
    """A function chosen by the type that the arguments share, null exactly where any of them is."""
    return Strict(of)


def of_values(plain: Callable[..., Any], arguments: Sequence[Evaluate]) -> Evaluate:
    """A function of the arguments' values, null if any argument is; each is evaluated."""
    if len(arguments) == 1:
        (only,) = arguments

        def value_of_one(row: Mapping[str, Any]) -> Any:
            a = only(row)
            return None if a is None else plain(a)

        return value_of_one
    if len(arguments) == 2:
        first, second = arguments

        def value_of_two(row: Mapping[str, Any]) -> Any:
            a, b = first(row), second(row)
            return None if a is None or b is None else plain(a, b)

        return value_of_two

    def value_of_many(row: Mapping[str, Any]) -> Any:
        values = [argument(row) for argument in arguments]
        return None if None in values else plain(*values)

    return value_of_many


def unless_null(operands: Sequence[Evaluate], computed: Evaluate) -> Evaluate:
    """Null where any of the operands is, else what is computed of them."""
    if len(operands) == 1:
        (only,) = operands
        return lambda row: None if only(row) is None else computed(row)

    def value(row: Mapping[str, Any]) -> Any:
        for one in operands:
            if one(row) is None:
                return None
        return computed(row)

    return value
