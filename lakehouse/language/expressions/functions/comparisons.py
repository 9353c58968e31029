"""Comparisons of two values of one type, and those written with them: `in`, `between`."""

from __future__ import annotations

import operator
from collections.abc import Callable
from functools import partial, reduce
from typing import Any

from lakehouse.language.expressions.function import Function, Takes
from lakehouse.language.expressions.nodes import Call, Literal, Node
from lakehouse.language.expressions.python_forms import by_kind
from lakehouse.language.expressions.sql_forms import infix
from lakehouse.language.expressions.values import comparable
from lakehouse.language.kinds import Kind

SHARED = Takes(shared=True)


def _compared(test: Callable[[Any, Any], bool], kind: Kind | None) -> Callable[[Any, Any], bool]:
    by = comparable(kind)
    return lambda a, b: test(by(a), by(b))


def _comparison(name: str, test: Callable[[Any, Any], bool]) -> Function:
    return Function(
        name=name,
        written=f"x {name} y",
        gives="a condition",
        takes=(SHARED, SHARED),
        kind="bool",
        sql=infix,
        python=by_kind(partial(_compared, test)),
        operator=True,
    )


def _between(call: Call) -> Node:
    value, low, high = call.arguments
    return Call("and", (Call(">=", (value, low)), Call("<=", (value, high))))


def _any_equal(call: Call) -> Node:
    """Compare with each item by itself: in a list, all would first take one type."""
    value, *items = call.arguments
    tests: list[Node] = [Call("=", (value, item)) for item in items]
    return reduce(lambda left, right: Call("or", (left, right)), tests)


def _in(call: Call, write: Callable[[Node], str]) -> str:
    """A list of constants stays one, so that rows can be pruned by it."""
    value, *items = call.arguments
    if not all(isinstance(item, Literal) for item in items):
        return write(_any_equal(call))
    return f"({write(value)} IN ({', '.join(map(write, items))}))"


FUNCTIONS = (
    _comparison("=", operator.eq),
    _comparison("<>", operator.ne),
    _comparison("<", operator.lt),
    _comparison("<=", operator.le),
    _comparison(">", operator.gt),
    _comparison(">=", operator.ge),
    Function(
        name="in",
        written="x in (y, …)",
        gives="a condition",
        takes=(SHARED, SHARED),
        repeats=1,
        kind="bool",
        sql=_in,
        means=_any_equal,
        operator=True,
    ),
    Function(
        name="between",
        written="x between y and z",
        gives="a condition",
        takes=(SHARED, SHARED, SHARED),
        kind="bool",
        means=_between,
        operator=True,
    ),
)
