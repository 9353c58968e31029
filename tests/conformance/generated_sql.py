"""Generated statements of portable SQL, run on both engines and compared.

    uv run python -m tests.conformance.generated_sql 500

Answers are equal, of the same Arrow types, floats within `TOLERANCE` of the greater of the two and
1; or both engines refuse the statement, be it the query or a value of it.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa

from lakehouse.engines.embedded import EmbeddedEngine
from lakehouse.engines.protocol import Engine
from lakehouse.errors import LakehouseError
from lakehouse.language.sql.portable import parse, render
from tests.conformance.sql_statements import SHAPES, Statement, statements

SEED = 20201231
SMALL, FULL = 54, 500
"""How many statements the suite runs, and the proof."""
TOLERANCE = 1e-9
BATCH = 50
"""So many statements make one query, for Spark takes long over each."""

Rows = dict[str, list[Any]]


def _decimals(values: Sequence[str | None], scale: int) -> pa.Array:
    return pa.array([None if v is None else Decimal(v) for v in values], pa.decimal128(18, scale))


def values() -> pa.Table:
    """Rows of awkward values, three of a kind in most groups of `k`."""
    instants = [
        *("1969-12-31T23:59:59.999999", "1970-01-01T00:00:00", "2020-02-29T12:30:00"),
        *("1900-01-01T00:00:00.000001", "2019-12-31T23:59:59.5", "2024-12-30T00:00:00", None),
        *("1582-10-20T00:00:00", "2200-06-15T08:00:00.25", "2021-03-28T01:30:00"),
        *("2000-02-29T00:00:00", None),
    ]
    times = [t and datetime.fromisoformat(t).replace(tzinfo=UTC) for t in instants]
    return pa.table(
        {
            "id": pa.array(range(12), pa.int32()),
            "k": pa.array([0, 0, 0, 1, 1, 1, 2, 2, 2, None, None, 3], pa.int32()),
            "i": pa.array([0, 1, -1, 7, 12, None, 3, -8, 100, 28, 2, 5], pa.int32()),
            "n": pa.array([0, 10**12, -(10**15), 7, None, -1, 2, 3**20, 5, 86400, 1, 12]),
            "x": [0.0, -0.0, 1.005, -2.5, None, 1e17, 0.1, 1e-7, float("nan"), 123456.125, 2.0, -1],
            "y": [1.0, 0.5, -0.25, 2.0, 3.0, None, 1.5, -8.0, 100.0, 0.125, 7.0, 2.25],
            "d": _decimals(
                [
                    *("0.00", "1.25", "-1.25", "9999999999999999.99", None, "0.05"),
                    *("2.50", "-0.01", "100.00", "-9999999999999999.99", "3.33", "7.00"),
                ],
                2,
            ),
            "e": _decimals(
                ["0.5", "-2.5", "1.005", None, "0.0005", "10", "7", "3.1", *["-1"] * 4], 6
            ),
            "s": [
                *("a", "", " A b ", "Straße", None, "ÉCOLE"),
                *("𝒳y", "a_b%", "2020-02-29", "aXaXa", "é", "tab\there"),
            ],
            "u": ["1", " 12 ", "1.5", "x", None, "-7", "true", "1e3", "", "ab", "2020-01-01", "0"],
            "b": [True, False, None, True, True, False, None, True, False, False, True, None],
            "day": pa.array([t and date(t.year, t.month, t.day) for t in times], pa.date32()),
            "at": pa.array(times, pa.timestamp("us", "UTC")),
        }
    )


def answers(engine: Engine, table: pa.Table, asked: Sequence[Statement]) -> list[Any]:
    """What an engine answers to each statement: its type and values, or "refused".

    Statements of one shape are asked in one query; one that fails is halved until those that are
    refused are found.
    """
    if len({statement.shape for statement in asked}) > 1:
        raise ValueError("Ask for statements of one shape.")
    if not asked:
        return []
    shape = SHAPES[asked[0].shape]
    sql = shape.sql([statement.expression for statement in asked])
    try:
        frame = engine.query(render(parse(sql, "Generated")), {"t": table})
        found = engine.to_arrow(frame)
    except LakehouseError as error:
        if len(asked) == 1:
            return [f"refused: {error}"]
        middle = len(asked) // 2
        return answers(engine, table, asked[:middle]) + answers(engine, table, asked[middle:])
    if shape.of_conditions:
        rows = sorted((row["place"], row["id"]) for row in _rows(found))
        return [[row for place, row in rows if place == n] for n in range(len(asked))]
    ordered = found.sort_by([(found.column_names[0], "ascending")])
    return [
        (str(ordered.schema.field(f"x{n}").type), _column(ordered, n)) for n in range(len(asked))
    ]


def _rows(table: pa.Table) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = table.to_pylist()
    return [{k: -1 if v is None else v for k, v in row.items()} for row in found]


def _column(table: pa.Table, n: int) -> list[Any]:
    column = table.column(f"x{n}")
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.int64())  # Python has no years before 1 or after 9999
    elif pa.types.is_date(column.type):
        column = column.cast(pa.int32())
    found: list[Any] = column.to_pylist()
    return found


def same(one: Any, other: Any) -> bool:
    """Whether two engines' answers are equal, or both refused."""
    refused = [isinstance(answer, str) and answer.startswith("refused") for answer in (one, other)]
    if any(refused):
        return all(refused)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, float) and isinstance(other, float):
        if math.isnan(one) or math.isnan(other) or math.isinf(one) or math.isinf(other):
            return repr(one) == repr(other)
        return abs(one - other) <= TOLERANCE * max(1.0, abs(one), abs(other))
    return bool(one == other)


def differences(spark: Engine, asked: Sequence[Statement]) -> list[str]:
    """Every statement to which the engines answer differently, with both answers."""
    embedded, table = EmbeddedEngine(memory_limit="500MB"), values()
    found = []
    for shape in SHAPES:
        began = time.perf_counter()
        of_shape = [statement for statement in asked if statement.shape == shape]
        here = [
            answer
            for start in range(0, len(of_shape), BATCH)
            for answer in answers(embedded, table, of_shape[start : start + BATCH])
        ]
        refused = [isinstance(answer, str) for answer in here]
        there: dict[Statement, Any] = {}
        for is_refused in (False, True):
            rest = [s for s, r in zip(of_shape, refused, strict=True) if r == is_refused]
            size = 1 if is_refused else BATCH
            for start in range(0, len(rest), size):
                part = rest[start : start + size]
                there |= dict(zip(part, answers(spark, table, part), strict=True))
        found += [
            f"{statement.shape}: {statement.expression}\n  embedded {one}\n"
            f"  spark    {there[statement]}"
            for statement, one in zip(of_shape, here, strict=True)
            if not same(one, there[statement])
        ]
        print(
            shape, len(of_shape), sum(refused), f"{time.perf_counter() - began:.1f} s", flush=True
        )
    return found


def main() -> int:
    """Run so many statements of the seed on both engines; exits with 1 if any answers differ."""
    from lakehouse.engines.spark import SparkEngine

    count = int(sys.argv[1]) if len(sys.argv) > 1 else FULL
    found = differences(SparkEngine(), statements(SEED, count))
    print("\n".join(found))
    print(f"{count} statements, {len(found)} answered differently")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
