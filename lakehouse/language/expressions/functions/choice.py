"""The choice of one of several values: by what is null, equal, least or greatest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from lakehouse.language.expressions.function import Compiling, Evaluate, Function, Python, Takes
from lakehouse.language.expressions.nodes import Call, Node
from lakehouse.language.expressions.nulls import may_raise
from lakehouse.language.expressions.sql_forms import named
from lakehouse.language.expressions.values import comparable

SHARED = Takes(shared=True)


def _coalesce(call: Call, tree: Compiling) -> Evaluate:
    operands = tree.operands(call)

    def value(row: Mapping[str, Any]) -> Any:
        for operand in operands:
            given = operand(row)
            if given is not None:
                return given
        return None

    return value


def _coalesce_sql(call: Call, write: Callable[[Node], str]) -> str:
    """What stands before an argument that may raise is asked first.

    An engine that computes a part once wherever it stands several times would compute it for every
    row, but for what stands in CASE.
    """
    *before, last = map(write, call.arguments)
    if not any(map(may_raise, call.arguments[1:])):
        return f"COALESCE({', '.join([*before, last])})"
    for given in reversed(before):
        last = f"CASE WHEN {given} IS NULL THEN {last} ELSE {given} END"
    return last


def _nullif(call: Call, tree: Compiling) -> Evaluate:
    same = tree.build(Call("=", call.arguments))
    evaluate = tree.operands(call)[0]
    return lambda row: None if same(row) is True else evaluate(row)


def _nullif_sql(call: Call, write: Callable[[Node], str]) -> str:
    """NULLIF has the type of its first argument alone; here it is what both have in common."""
    same, (first, second) = write(Call("=", call.arguments)), map(write, call.arguments)
    return f"CASE WHEN {same} THEN NULL WHEN TRUE THEN {first} ELSE {second} END"


def _extreme(choose: Callable[..., Any]) -> Python:
    def python(call: Call, tree: Compiling) -> Evaluate:
        operands = tree.operands(call)
        by = comparable(tree.shared(call))

        def value(row: Mapping[str, Any]) -> Any:
            given = [v for v in (operand(row) for operand in operands) if v is not None]
            return choose(given, key=by) if given else None

        return value

    return python


FUNCTIONS = (
    Function(
        name="coalesce",
        written="coalesce(x, …)",
        gives="the first that is not null",
        takes=(SHARED,),
        repeats=1,
        kind="shared",
        sql=_coalesce_sql,
        python=_coalesce,
    ),
    Function(
        name="nullif",
        written="nullif(x, y)",
        gives="null where x = y, else x",
        takes=(SHARED, SHARED),
        kind="shared",
        sql=_nullif_sql,
        python=_nullif,
    ),
    Function(
        name="least",
        written="least(x, y, …)",
        gives="the least; nulls are skipped",
        takes=(SHARED, SHARED),
        repeats=1,
        kind="shared",
        sql=named,
        python=_extreme(min),
    ),
    Function(
        name="greatest",
        written="greatest(x, y, …)",
        gives="the greatest; nulls are skipped",
        takes=(SHARED, SHARED),
        repeats=1,
        kind="shared",
        sql=named,
        python=_extreme(max),
    ),
)
