"""Nodes of DuckDB's SQL."""

from __future__ import annotations

import itertools
from collections.abc import Callable

from sqlglot import exp

_VALUES = itertools.count()
"""Names of values while a body is made; then each is named by its depth, the same in every run."""


def call(name: str, *arguments: exp.Expr) -> exp.Expr:
    """A call of one of DuckDB's functions."""
    return exp.Anonymous(this=name, expressions=list(arguments))


def text(value: str) -> exp.Expr:
    return exp.Literal.string(value)


def number(value: int) -> exp.Expr:
    return exp.Literal.number(value)


def plus(left: exp.Expr, right: exp.Expr) -> exp.Expr:
    return exp.Paren(this=exp.Add(this=exp.paren(left, copy=False), expression=right))


def plain_cast(value: exp.Expr, kind: str, attempt: bool = False) -> exp.Expr:
    """A cast of DuckDB's own."""
    made = exp.TryCast if attempt else exp.Cast
    return made(this=value, to=exp.DataType.build(kind, dialect="duckdb"))


def error(message: str) -> exp.Expr:
    """A value that is never given: to compute it raises."""
    return call("error", text(message))


def when(condition: exp.Expr, then: exp.Expr, otherwise: exp.Expr | None = None) -> exp.Expr:
    return exp.Case(ifs=[exp.If(this=condition, true=then)], default=otherwise)


def once(value: exp.Expr, body: Callable[[exp.Expr], exp.Expr]) -> exp.Expr:
    """What `body` makes of a value, which is computed once however often it stands there.

    A column or constant is repeated. Anything else is bound to a name, as the element of a list
    of one: it may hold an aggregate, a window or a query, and to repeat those would cost as much
    again at every level of nesting.
    """
    if isinstance(value, exp.Column | exp.Literal):
        return body(value)
    name = exp.to_identifier(f"_value_{next(_VALUES)}", quoted=True)
    made = body(exp.Column(this=name))
    depth = max(_depth(value), _depth(made))
    own = [column for column in made.find_all(exp.Column) if column.name == name.name]
    for column in own:
        column.set("this", exp.to_identifier(f"_v{depth}", quoted=True))
    parameter = exp.to_identifier(f"_v{depth}", quoted=True)
    bound = exp.Lambda(this=made, expressions=[parameter], colon=True)
    bound.meta["bound"] = depth + 1
    listed = call("list_transform", call("list_value", value), bound)
    return call("list_extract", listed, number(1))


def both(
    one: exp.Expr, other: exp.Expr, body: Callable[[exp.Expr, exp.Expr], exp.Expr]
) -> exp.Expr:
    """What `body` makes of two values, each computed once.

    They are bound side by side, for DuckDB takes no query inside what a name is bound in.
    """
    if isinstance(one, exp.Column | exp.Literal):
        return once(other, lambda value: body(one.copy(), value))
    if isinstance(other, exp.Column | exp.Literal):
        return once(one, lambda value: body(value, other.copy()))

    def bound(pair: exp.Expr) -> exp.Expr:
        first, second = (call("struct_extract", pair.copy(), number(n)) for n in (1, 2))
        return body(first, second)

    return once(call("row", one, other), bound)


def _depth(node: exp.Expr) -> int:
    """How many names are bound within a node, so that the next is another."""
    return max((inner.meta.get("bound", 0) for inner in node.walk()), default=0)
