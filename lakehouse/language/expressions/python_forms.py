"""How functions are made from plain ones: null if any argument is, by the type they share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from lakehouse.language.expressions.function import Compiling, Evaluate, Python
from lakehouse.language.expressions.nodes import Call
from lakehouse.language.kinds import Kind


def strict(plain: Callable[..., Any]) -> Python:
    """A function of the arguments' values, null if any of them is."""
    return lambda call, tree: _strict(plain, tree.operands(call))


def by_kind(of: Callable[[Kind | None], Callable[..., Any]]) -> Python:
    """A function chosen by the type that the arguments share, null if any of them is."""
    return lambda call, tree: _strict(of(tree.shared(call)), tree.operands(call))


def decided(by: bool) -> Python:
    """`or` where True decides, `and` where False does; otherwise null if any operand is."""

    def python(call: Call, tree: Compiling) -> Evaluate:
        operands = tree.operands(call)

        def value(row: Mapping[str, Any]) -> bool | None:
            result: bool | None = not by
            for operand in operands:
                holds: bool | None = operand(row)
                if holds is by:
                    return by
                if holds is None:
                    result = None
            return result

        return value

    return python


def _strict(plain: Callable[..., Any], arguments: Sequence[Evaluate]) -> Evaluate:
    """Null if any argument is; each is evaluated, so that each may raise."""
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
