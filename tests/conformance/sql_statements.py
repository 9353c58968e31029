"""Statements of portable SQL that nest every listed function around and inside every other.

They are drawn by a seed from the functions' own entries, so that a new function is among them by
being declared. Each is one expression, or one condition, in one of the shapes of `SHAPES`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import cast

from lakehouse.language.sql.functions import ROWS, Argument, Function
from lakehouse.language.sql.types import SqlType

GROUPS = ("whole", "double", "decimal", "text", "boolean", "date", "time")
"""Kinds of values a generated expression has; whole and decimal numbers are of any width."""
NUMBERS = ("whole", "double", "decimal")
COLUMNS = {
    "whole": ("i", "n", "i", "2", "-1", "0"),
    "double": ("x", "y", "1.5D", "1e3"),
    "decimal": ("d", "e", "0.25", "1.50"),
    "text": ("s", "u", "'a'", "' É '", "''"),
    "boolean": ("b", "b", "true"),
    "date": ("day", "DATE '2020-02-29'"),
    "time": ("at", "TIMESTAMP '1969-12-31 23:59:59.5'"),
}
_GROUP_OF = {
    **{"INT": "whole", "BIGINT": "whole", "DOUBLE": "double", "STRING": "text"},
    **{"BOOLEAN": "boolean", "DATE": "date", "TIMESTAMP": "time"},
}
_ARGUMENT = re.compile(r"\{(\w+)\}")
_INTS = ("length({text})", "instr({text}, {text})", "month({date})", "dayofweek({date})")
_OPERATORS: dict[str, tuple[str, ...]] = {
    "whole": ("({i} + {i})", "({i} - {i})", "({i} * 2)", "({i} DIV 3)", "({i} % 7)", "(-{i})"),
    "double": ("({number} / 4)", "({double} * {double})", "({double} - {number})"),
    "decimal": ("({d} + {i})", "({d} * 2)", "({d} - {d})", "({d} % 1.5)", "(-{d})"),
    "text": ("({text} || {text})", "CAST({whole} AS STRING)", "CAST({date} AS STRING)"),
    "boolean": (
        *("({number} < {number})", "({text} = {text})", "({date} >= {time})", "(NOT {boolean})"),
        *("({boolean} AND {boolean})", "({boolean} OR {boolean})", "({number} <=> {number})"),
        *("({number} IN (1, 2.5, NULL))", "({number} BETWEEN {number} AND {number})"),
        *("({text} LIKE '%a_%')", "({any} IS NULL)", "({boolean} IS NOT TRUE)"),
        *("({text} IS DISTINCT FROM {text})", "({date} > '1970-01-01')"),
    ),
    "date": ("CAST({time} AS DATE)", "({date} + INTERVAL 1 DAY)", "({date} - INTERVAL 1 MONTH)"),
    "time": ("CAST({date} AS TIMESTAMP)", "({time} + INTERVAL 90 MINUTE)"),
}
_CASTS: dict[str, tuple[str, ...]] = {
    "whole": ("TRY_CAST({text} AS INT)", "CAST({boolean} AS BIGINT)", "TRY_CAST({number} AS INT)"),
    "double": ("CAST({number} AS DOUBLE)", "TRY_CAST({text} AS DOUBLE)"),
    "decimal": ("TRY_CAST({number} AS DECIMAL(18, 3))", "TRY_CAST({text} AS DECIMAL(9, 2))"),
    "text": ("CAST({decimal} AS STRING)", "CAST({time} AS STRING)", "CAST({boolean} AS STRING)"),
    "boolean": ("CAST({number} AS BOOLEAN)", "TRY_CAST({text} AS BOOLEAN)"),
    "date": ("TRY_CAST({text} AS DATE)",),
    "time": ("TRY_CAST({text} AS TIMESTAMP)",),
}

Leaf = Callable[[Random, str], str]


@dataclass(frozen=True)
class Statement:
    """One generated statement: an expression, in a shape."""

    shape: str
    expression: str


@dataclass(frozen=True)
class Shape:
    """Where an expression stands. `leaf` gives the values it is made of, `sql` many at once.

    A shape of conditions gives the rows that fulfil each, under the place of the condition.
    """

    leaf: Leaf
    of_conditions: bool
    sql: Callable[[Sequence[str]], str]


def statements(seed: int, count: int) -> list[Statement]:
    """Draw so many statements; every form of every function leads one after another."""
    chance = Random(seed)
    forms = list(_leading(chance))
    found = []
    for number in range(count):
        name = list(SHAPES)[number % len(SHAPES)]
        shape = SHAPES[name]
        if shape.of_conditions:
            expression = expression_of(chance, "boolean", 3, shape.leaf)
        else:
            form = forms[number % len(forms)]
            expression = _filled(chance, form, 2, shape.leaf)
        found.append(Statement(name, expression))
    return found


def expression_of(chance: Random, group: str, depth: int, leaf: Leaf) -> str:
    """Draw an expression of a group."""
    if depth == 0 or chance.random() < 0.1:
        return leaf(chance, group)
    drawn = chance.random()
    if drawn < 0.2:
        form = chance.choice(_OPERATORS[group])
    elif drawn < 0.3:
        form = chance.choice(_CASTS[group])
    elif drawn < 0.4:
        condition = expression_of(chance, "boolean", depth - 1, leaf)
        one, other = (expression_of(chance, group, depth - 1, leaf) for _ in range(2))
        return f"CASE WHEN {condition} THEN {one} ELSE {other} END"
    else:
        form = chance.choice(_forms(group))
    return _filled(chance, form, depth, leaf, group)


def _leading(chance: Random) -> Iterator[str]:
    forms = [form for row in ROWS if row.role == "value" for form in row.forms]
    chance.shuffle(forms)
    yield from forms


def _forms(group: str) -> list[str]:
    return [f for row in ROWS if row.role == "value" and group in groups_of(row) for f in row.forms]


def groups_of(row: Function) -> tuple[str, ...]:
    """What a function gives: one group, or that of its arguments."""
    if isinstance(row.result, SqlType):
        return (_GROUP_OF[row.result.name],)
    of_numbers = "{number}" in row.forms[0] or "{numbers}" in row.forms[0]
    return NUMBERS if of_numbers else GROUPS


def _filled(chance: Random, form: str, depth: int, leaf: Leaf, group: str | None = None) -> str:
    same = group or chance.choice(GROUPS)

    def drawn(match: re.Match[str]) -> str:
        kind = cast("Argument", match[1])
        return _argument(chance, kind, same, depth - 1, leaf)

    if form.startswith("make_date"):
        return f"make_date({chance.randint(1, 9999)}, {chance.randint(1, 12)}, 28)"
    return _ARGUMENT.sub(drawn, form)


def _argument(chance: Random, kind: str, same: str, depth: int, leaf: Leaf) -> str:
    if kind in ("digits", "count"):
        return str(chance.randint(0, 3) if kind == "digits" else chance.randint(1, 6))
    if kind in ("int", "bigint", "i"):
        if depth > 0 and chance.random() < 0.4:
            return _filled(chance, chance.choice(_INTS), depth, leaf)
        return str(chance.randint(-3, 9)) if kind != "i" else leaf(chance, "small")
    if kind == "d":
        return leaf(chance, "decimal")
    if kind in ("number", "double", "numbers"):
        group = "double" if kind == "double" and chance.random() < 0.5 else None
        of_same = same if kind == "numbers" and same in NUMBERS else None
        return expression_of(chance, group or of_same or chance.choice(NUMBERS), depth, leaf)
    if kind == "any":
        return expression_of(chance, chance.choice(GROUPS), depth, leaf)
    if kind == "common":
        if same in NUMBERS and chance.random() < 0.3:
            return expression_of(chance, chance.choice(NUMBERS), depth, leaf)
        return "NULL" if chance.random() < 0.1 else expression_of(chance, same, depth, leaf)
    return expression_of(chance, kind, depth, leaf)


def _column(chance: Random, group: str) -> str:
    return "i" if group == "small" else chance.choice(COLUMNS[group])


def _aggregate(chance: Random, group: str) -> str:
    """An aggregate of an expression of columns, of a group."""
    if group == "small":
        return "max(i)"
    wanted = [row for row in ROWS if row.role == "aggregate" and group in groups_of(row)]
    form = chance.choice([f for row in wanted for f in row.forms])
    if "sum(" in form or "avg(" in form:  # sums of extremes are left to the sums' own tests
        return form.format(number=_column(chance, group), double="y")
    return _filled(chance, form, 2, _column, group)


def _over(chance: Random, group: str) -> str:
    if group == "small":
        return "row_number() OVER (ORDER BY id)"
    window = chance.choice(
        ["PARTITION BY k ORDER BY id", "ORDER BY id DESC", "PARTITION BY k ORDER BY b, id"]
    )
    if chance.random() < 0.5:
        function = chance.choice(["lag", "lead"])
        return f"{function}({_column(chance, group)}, 1) OVER ({window})"
    aggregated = _aggregate(chance, group)
    return f"{aggregated.replace('DISTINCT ', '')} OVER ({window})"


def _subquery(chance: Random, group: str) -> str:
    if group == "small":
        return "(SELECT min(q.i) FROM {t} q)"
    inner = chance.choice(["", " WHERE q.k = o.k"])
    column = chance.choice([c for c in COLUMNS[group] if c.isalpha() and c != "true"])
    if chance.random() < 0.3:
        return _column(chance, group)
    return f"(SELECT max(q.{column}) FROM {{t}} q{inner})"


def _listed(expressions: Sequence[str]) -> str:
    return ", ".join(f"{expression} AS x{n}" for n, expression in enumerate(expressions))


def _union(query: str) -> Callable[[Sequence[str]], str]:
    def sql(conditions: Sequence[str]) -> str:
        return " UNION ALL ".join(
            query.replace("<n>", str(n)).replace("<x>", x) for n, x in enumerate(conditions)
        )

    return sql


SHAPES: dict[str, Shape] = {
    "plain": Shape(_column, False, lambda x: f"SELECT id, {_listed(x)} FROM {{t}}"),
    "of aggregates": Shape(
        _aggregate, False, lambda x: f"SELECT k, {_listed(x)} FROM {{t}} GROUP BY k"
    ),
    "of windows": Shape(_over, False, lambda x: f"SELECT id, {_listed(x)} FROM {{t}}"),
    "of subqueries": Shape(_subquery, False, lambda x: f"SELECT o.id, {_listed(x)} FROM {{t}} o"),
    "where": Shape(_column, True, _union("SELECT <n> AS place, id FROM {t} WHERE <x>")),
    "having": Shape(
        _aggregate, True, _union("SELECT <n> AS place, k AS id FROM {t} GROUP BY k HAVING <x>")
    ),
    "group by": Shape(
        _column,
        True,
        _union("SELECT <n> AS place, min(id) AS id FROM {t} GROUP BY k, <x>"),
    ),
    "exists": Shape(
        _column,
        True,
        _union(
            "SELECT <n> AS place, o.id FROM {t} o "
            "WHERE EXISTS (SELECT 1 FROM {t} WHERE k = o.k AND id <> o.id AND <x>)"
        ),
    ),
    "in": Shape(
        _column,
        True,
        _union("SELECT <n> AS place, o.id FROM {t} o WHERE o.n IN (SELECT i FROM {t} WHERE <x>)"),
    ),
}
