"""Random expressions of every function the language has, and what three evaluators say of them.

What there is to draw from is read from the functions themselves: one that is added is tested.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from operator import itemgetter
from random import Random
from typing import Any

from lakehouse.engines.protocol import Engine
from lakehouse.errors import LakehouseError
from lakehouse.language.expressions import EVERY, Call, Literal, Name, Node, kind_of
from lakehouse.language.expressions.function import Function, Takes
from lakehouse.language.expressions.sql import to_sql
from lakehouse.language.kinds import NUMBERS, Kind
from tests.conformance.evaluators import (
    AWKWARD,
    KINDS,
    NAMES,
    error_name,
    in_python,
    run,
    same,
)

EVERY_KIND: tuple[Kind, ...] = ("int", "decimal", "float", "bool", "string", "timestamp", "date")
CONSTANTS: dict[Kind, list[Any]] = {
    "int": [0, 1, 2, 60],
    "decimal": [Decimal("0.0"), Decimal("1.50"), Decimal("0.1"), Decimal("2.5")],
    "string": ["DE", "", "it's", "a\\b", "%", "é"],
    "bool": [True, False],
    "timestamp": [datetime(2019, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)],
    "date": [date(2020, 2, 29)],
}
DEEPEST = 4
ERRORS = ("division by zero", "overflow")


def narrower(kind: Kind) -> tuple[Kind, ...]:
    """The kinds that become this one where they meet it."""
    return NUMBERS[: NUMBERS.index(kind) + 1] if kind in NUMBERS else (kind,)


def expression(chance: Random, kind: Kind, depth: int, root: bool = True) -> Node:
    """An expression that gives `kind`; numbers of other kinds meet in it where they may.

    What is approximate stands at the root alone: below, its last digit could decide.
    """
    named = [Name(name) for name, of in KINDS.items() if of == kind]
    leaves: list[Node] = [*named, *map(Literal, CONSTANTS.get(kind, []))]
    if depth == 0 or chance.random() < 0.12:
        return chance.choice(leaves)
    function = chance.choice([f for f in EVERY.values() if gives(f, kind) and (root or exact(f))])
    # Products of decimals stay below 38 digits, where engines begin to round.
    if function.name == "*" and kind == "decimal":
        return Call("*", (expression(chance, "int", depth - 1, False), chance.choice(named)))
    family = shared_kinds(chance, function, kind)
    count = function.fewest + chance.randint(0, 2) * (function.repeats or 1)
    if function.most is not None and count > function.most:
        count = function.most
    if function.closes is not None:
        count -= (count - 1) % 2
    takes = [function.argument(place, count) for place in range(count)]
    exactly = {next(p for p, t in enumerate(takes) if t.shared)} if family else set()
    arguments = [
        argument(chance, one, family[-1:] if place in exactly else family, depth - 1)
        for place, one in enumerate(takes)
    ]
    return Call(function.name, tuple(arguments))


def argument(chance: Random, takes: Takes, family: Sequence[Kind], depth: int) -> Node:
    if takes.constant is not None:
        return Literal(chance.choice(takes.constant.examples))
    kinds = family if takes.shared else takes.kinds or EVERY_KIND
    return expression(chance, chance.choice(list(kinds)), depth, False)


def exact(function: Function) -> bool:
    return not function.approximate


def gives(function: Function, kind: Kind) -> bool:
    if function.kind != "shared":
        return function.kind == kind
    return all(not t.shared or not t.kinds or kind in t.kinds for t in function.takes)


def shared_kinds(chance: Random, function: Function, kind: Kind) -> tuple[Kind, ...]:
    """The kinds from which the arguments that share one are drawn, the widest at the end."""
    of = {k for t in function.takes if t.shared for k in t.kinds or EVERY_KIND}
    if not of:
        return ()
    if function.kind == "shared":
        return narrower(kind)
    return tuple(k for k in narrower(chance.choice(sorted(of))) if k in of)


def expressions(chance: Random, count: int) -> list[Node]:
    """So many expressions of every kind, from one call to calls in calls four deep."""
    return [
        expression(chance, EVERY_KIND[n % len(EVERY_KIND)], 1 + n % DEEPEST) for n in range(count)
    ]


def rows(chance: Random, count: int) -> list[dict[str, Any]]:
    return [{name: chance.choice(values) for name, values in AWKWARD.items()} for _ in range(count)]


@dataclass(frozen=True)
class Compared:
    """How many values were compared, and how many refusals."""

    values: int
    refused: int


def compare(
    engine: Engine, nodes: list[Node], given: list[dict[str, Any]], chance: Random
) -> Compared:
    """Raise unless an engine gives each value that Python gives, and refuses what it refuses.

    Values are asked for many expressions in one query, where `CASE` keeps out the rows that have
    none; of each expression's refusals one is asked by itself.
    """
    python = [[in_python(node, row) for row in given] for node in nodes]
    fits = [[value not in ERRORS for value in values] for values in python]
    asked = [place for place, fit in enumerate(fits) if any(fit)]
    found = _values(engine, [(nodes[place], fits[place]) for place in asked], given)
    for place, values in zip(asked, found, strict=True):
        for row, wanted, value, fit in zip(given, python[place], values, fits[place], strict=True):
            if fit:
                _agree(nodes[place], row, wanted, value)
    refused = 0
    for node, values, fit in zip(nodes, python, fits, strict=True):
        if all(fit):
            continue
        number = chance.choice([n for n, fitting in enumerate(fit) if not fitting])
        ((value,),) = _values(engine, [(node, [True])], [given[number]])
        _agree(node, given[number], values[number], value)
        refused += 1
    return Compared(sum(map(sum, fits)), refused)


def _values(
    engine: Engine, asked: Sequence[tuple[Node, list[bool]]], given: list[dict[str, Any]]
) -> list[list[Any]]:
    """What SQL gives for each expression and row that fits, one by one where a query fails."""
    selected = [f"{_guarded(_written(node), fit)} AS c{n}" for n, (node, fit) in enumerate(asked)]
    try:
        answer = run(engine, f"SELECT `row`, {', '.join(selected)} FROM rows", given)
    except LakehouseError as error:
        if len(asked) > 1:
            half = len(asked) // 2
            return _values(engine, asked[:half], given) + _values(engine, asked[half:], given)
        if len(given) > 1:
            ((node, fit),) = asked
            one = [
                _values(engine, [(node, [True])], [row])[0][0] if fitting else None
                for row, fitting in zip(given, fit, strict=True)
            ]
            return [one]
        return [[error_name(error)]]
    columns = zip(*(row[1:] for row in sorted(answer, key=itemgetter(0))), strict=True)
    return [
        [value if value is None or not _is_decimal(node) else Decimal(value) for value in column]
        for (node, _), column in zip(asked, columns, strict=True)
    ]


def _is_decimal(node: Node) -> bool:
    return kind_of(node, KINDS, "test") == "decimal"


def _written(node: Node) -> str:
    """The SQL of an expression; of a decimal as text, for a table does not hold all its digits."""
    sql = to_sql(node, NAMES)
    return f"CAST({sql} AS STRING)" if _is_decimal(node) else sql


def _guarded(sql: str, fit: list[bool]) -> str:
    if all(fit):
        return sql
    listed = ", ".join(str(number) for number, fitting in enumerate(fit) if fitting)
    return f"CASE WHEN `row` IN ({listed}) THEN {sql} END"


def _agree(node: Node, row: dict[str, Any], python: Any, sql: Any) -> None:
    # Of several parts without a value, an engine may name another one.
    if python in ERRORS and sql in ERRORS:
        return
    if _is_decimal(node) and isinstance(python, int):
        python = Decimal(python)
    approximate = isinstance(node, Call) and EVERY[node.function].approximate
    told = f"{node}\n{to_sql(node, NAMES)}\n{row}\nPython {python!r}, SQL {sql!r}"
    assert same(python, sql, approximate), told
