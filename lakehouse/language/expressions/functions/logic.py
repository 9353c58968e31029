"""Conditions put together: `and`, `or`, `not`, `is null`, and the choice by `case`."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

from lakehouse.language.expressions.constants import is_always
from lakehouse.language.expressions.function import Compiling, Evaluate, Function, Python, Takes
from lakehouse.language.expressions.nodes import Call, Literal, Node
from lakehouse.language.expressions.nulls import may_raise
from lakehouse.language.expressions.python_forms import strict
from lakehouse.language.expressions.sql_forms import form

CONDITION = Takes(("bool",))
SHARED = Takes(shared=True)


def _guarded(by: bool, guard: str) -> Callable[[Call, Callable[[Node], str]], str]:
    """In SQL: what an earlier operand decides, a later one does not spoil.

    An engine may evaluate both sides of AND. Where a later operand can raise, CASE asks the
    earlier ones first.
    """

    def sql(call: Call, write: Callable[[Node], str]) -> str:
        if is_always(call, by):
            return write(Literal(by))
        operands = _operands(call, call.function)
        written = [write(operand) for operand in operands]
        plain = f"({f' {call.function.upper()} '.join(written)})"
        raising = [place for place, one in enumerate(operands) if place and may_raise(one)]
        if not raising:
            return plain
        decides = write(Literal(by))
        guards = " ".join(
            f"WHEN {guard.format(text)} THEN {decides}" for text in written[: raising[-1]]
        )
        return f"CASE {guards} ELSE {plain} END"

    return sql


def _decided(by: bool) -> Python:
    """In Python: `or` where True decides, `and` where False does; else null if any operand is."""

    def python(call: Call, tree: Compiling) -> Evaluate:
        if is_always(call, by):
            return lambda row: by
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


def _operands(node: Node, function: str) -> list[Node]:
    if isinstance(node, Call) and node.function == function:
        return [operand for a in node.arguments for operand in _operands(a, function)]
    return [node]


def _case_sql(call: Call, write: Callable[[Node], str]) -> str:
    *parts, otherwise = map(write, call.arguments)
    branches = " ".join(
        f"WHEN {condition} THEN {value}"
        for condition, value in zip(parts[::2], parts[1::2], strict=True)
    )
    return f"CASE {branches} ELSE {otherwise} END"


def _case(call: Call, tree: Compiling) -> Evaluate:
    *parts, otherwise = tree.operands(call)
    branches = list(zip(parts[::2], parts[1::2], strict=True))

    def value(row: Mapping[str, Any]) -> Any:
        for condition, result in branches:
            if condition(row) is True:
                return result(row)
        return otherwise(row)

    return value


def _is_null(call: Call, tree: Compiling) -> Evaluate:
    (tested,) = tree.operands(call)
    return lambda row: tested(row) is None


FUNCTIONS = (
    Function(
        name="or",
        written="x or y",
        gives="a condition; decided by a true left side",
        takes=(CONDITION, CONDITION),
        kind="bool",
        sql=_guarded(True, "{0}"),
        python=_decided(by=True),
        operator=True,
    ),
    Function(
        name="and",
        written="x and y",
        gives="a condition; decided by a false left side",
        takes=(CONDITION, CONDITION),
        kind="bool",
        sql=_guarded(False, "NOT {0}"),
        python=_decided(by=False),
        operator=True,
    ),
    Function(
        name="not",
        written="not x",
        gives="a condition",
        takes=(CONDITION,),
        kind="bool",
        sql=form("(NOT {0})"),
        python=strict(operator.not_),
        operator=True,
    ),
    Function(
        name="is_null",
        written="x is null",
        gives="a condition, never null",
        takes=(Takes(),),
        kind="bool",
        sql=form("({0} IS NULL)"),
        python=_is_null,
        operator=True,
    ),
    Function(
        name="case",
        written="case when x then y else z end",
        gives="the first that holds; null without `else`",
        takes=(CONDITION, SHARED),
        repeats=2,
        closes=SHARED,
        kind="shared",
        sql=_case_sql,
        python=_case,
        operator=True,
    ),
)
