"""The evaluators of expressions side by side: awkward rows, and what each gives for them.

An engine evaluates an expression as SQL, plain Python as the service does.
"""

from __future__ import annotations

import math
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa

from lakehouse.engines.protocol import Engine
from lakehouse.errors import LakehouseError
from lakehouse.language.expressions import Node, kind_of, parse
from lakehouse.language.expressions import python as expressions_python
from lakehouse.language.expressions.sql import to_sql
from lakehouse.language.kinds import Kind

KINDS: dict[str, Kind] = {
    "visits": "int",
    "views.visits_1d": "int",
    "amount": "decimal",
    "rate": "decimal",
    "score": "float",
    "known": "bool",
    "country": "string",
    "word": "string",
    "at": "timestamp",
    "seen": "timestamp",
    "day_of": "date",
}
NAMES = {name: f"`{name.replace('.', '__')}`" for name in KINDS}
TYPES = {
    "int": pa.int64(),
    "float": pa.float64(),
    "bool": pa.bool_(),
    "string": pa.string(),
    "timestamp": pa.timestamp("us", tz="UTC"),
    "date": pa.date32(),
}
SCALES = {"amount": 2, "rate": 3}
AWKWARD: dict[str, list[Any]] = {
    "visits": [0, 1, -7, 3, 2**53 + 1, 2**63 - 1, -(2**63), None],
    "views.visits_1d": [2, 0, -3, 40, -13, None],
    "amount": [
        Decimal("0.00"),
        Decimal("-19.99"),
        Decimal("220.00"),
        Decimal("9007199254740993.07"),
        None,
    ],
    "rate": [Decimal("0.100"), Decimal("-0.001"), Decimal("3.333"), None],
    "score": [
        0.0,
        -0.0,
        0.1,
        -2.5,
        1.005,
        1e16,
        5e-324,
        1e308,
        math.inf,
        -math.inf,
        math.nan,
        None,
    ],
    "known": [True, False, None],
    "country": [
        "",
        "DE",
        "de",
        "Straße",
        "O'Neil \\ Söhne",
        "\U0001f9e6",
        "e\u0301é",
        "İı\n",
        None,
    ],
    "word": ["", "e", "D", "ß", "\U0001f9e6", "\u0301", "é", "%", None],
    "at": [
        datetime(2018, 4, 1, tzinfo=UTC),
        datetime(2019, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
        datetime(2020, 2, 29, 6, 0, tzinfo=UTC),
        datetime(1969, 12, 28, 12, 30, tzinfo=UTC),
        datetime(1582, 10, 10, 3, 4, 5, 6, tzinfo=UTC),
        datetime(1, 1, 1, tzinfo=UTC),
        datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
        None,
    ],
    "seen": [
        datetime(2018, 4, 1, 0, 0, 0, 1, tzinfo=UTC),
        datetime(2020, 1, 31, 5, 59, 59, 999_999, tzinfo=UTC),
        datetime(2021, 2, 28, 6, 0, tzinfo=UTC),
        datetime(2016, 12, 31, 23, 59, 59, tzinfo=UTC),
        None,
    ],
    "day_of": [
        *(date(2020, 2, 29), date(1969, 12, 31), date(2021, 1, 31), date(2018, 12, 31)),
        *(date(1, 1, 1), date(9999, 12, 31), None),
    ],
}


def column_type(name: str) -> Any:
    return pa.decimal128(18, SCALES[name]) if name in SCALES else TYPES[KINDS[name]]


def table(rows: list[dict[str, Any]]) -> Any:
    """Rows as a table, and in `row` the number of each."""
    return pa.table(
        {
            name.replace(".", "__"): pa.array([row[name] for row in rows], column_type(name))
            for name in KINDS
        }
        | {"row": pa.array(range(len(rows)))}
    )


def in_sql(engine: Engine, nodes: list[Node], rows: list[dict[str, Any]]) -> list[list[Any]]:
    """Values of each expression for each row, or for each an error's name."""
    try:
        selected = ", ".join(f"{to_sql(node, NAMES)} AS c{n}" for n, node in enumerate(nodes))
        return [
            list(c) for c in zip(*run(engine, f"SELECT {selected} FROM rows", rows), strict=True)
        ]
    except LakehouseError as error:
        if len(nodes) > 1:
            return [in_sql(engine, [node], rows)[0] for node in nodes]
        if len(rows) > 1:
            return [[in_sql(engine, nodes, [row])[0][0] for row in rows]]
        return [[error_name(error)]]


def run(engine: Engine, sql: str, rows: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    found = engine.to_arrow(engine.query(sql, {"rows": table(rows)}))
    return list(zip(*(column.to_pylist() for column in found.columns), strict=True))


def in_python(node: Node, row: dict[str, Any]) -> Any:
    try:
        return expressions_python.compile(node, KINDS)(row)
    except LakehouseError as error:
        return error_name(error)


def error_name(error: Exception) -> str:
    """The kind of an error; a decimal that is too long for its column has overflowed too."""
    text = str(error).lower().replace("remainder by zero", "division by zero")
    if "division by zero" in text:
        return "division by zero"
    overflows = ("overflow", "out of range", "cannot be represented as decimal", "failed to cast")
    assert any(said in text for said in overflows), text
    return "overflow"


def same(left: Any, right: Any, approximate: bool = False) -> bool:
    if isinstance(left, float) and isinstance(right, float):
        if approximate and math.isclose(left, right, rel_tol=1e-14):
            return True
        return left == right or (math.isnan(left) and math.isnan(right))
    return type(left) is type(right) and bool(left == right)


def assert_same(engine: Engine, nodes: list[Node], rows: list[dict[str, Any]]) -> None:
    """Raise unless each expression gives the same for each row.

    A table holds decimals of 18 digits; where one is longer, Python may still give it.
    """
    for node, expected in zip(nodes, in_sql(engine, nodes, rows), strict=True):
        decimal = kind_of(node, KINDS, "test") == "decimal"
        for row, wanted in zip(rows, expected, strict=True):
            found = in_python(node, row)
            if decimal and isinstance(found, int | Decimal):
                found = Decimal(found)
                wanted = Decimal(wanted) if isinstance(wanted, int) else wanted
                if wanted == "overflow" and len(found.as_tuple().digits) > 11:
                    continue
            where = f"{to_sql(node, NAMES)}\n{row}\nPython {found!r}, SQL {wanted!r}"
            assert same(found, wanted), where


def row(**values: Any) -> dict[str, Any]:
    """A row of nulls but for these values."""
    return dict.fromkeys(KINDS) | values


def both(engine: Engine, text: str, **values: Any) -> Any:
    """The value of an expression, which SQL and Python must agree on."""
    node = parse(text)
    assert_same(engine, [node], [row(**values)])
    return in_python(node, row(**values))
