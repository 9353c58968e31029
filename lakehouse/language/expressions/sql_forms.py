"""How functions are written in portable SQL."""

from __future__ import annotations

from collections.abc import Callable

from lakehouse.language.expressions.function import Sql
from lakehouse.language.expressions.nodes import Call, Literal, Node


def form(template: str) -> Sql:
    """A text in which each `{0}`, `{1}`, … stands for an argument."""
    return lambda call, write: template.format(*map(write, call.arguments))


def infix(call: Call, write: Callable[[Node], str]) -> str:
    """An operator between two operands, by the name it has here."""
    left, right = map(write, call.arguments)
    return f"({left} {call.function} {right})"


def named(call: Call, write: Callable[[Node], str]) -> str:
    """A function that portable SQL has under the same name."""
    return f"{call.function.upper()}({', '.join(map(write, call.arguments))})"


def constant(call: Call, place: int) -> str:
    """The text of a constant argument as it stands, as of a unit."""
    argument = call.arguments[place]
    return str(argument.value) if isinstance(argument, Literal) else ""
