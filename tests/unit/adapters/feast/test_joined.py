"""Joins for views of the user's own are those of a plain reading, on awkward rows."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest

from lakehouse.adapters.feast import files
from lakehouse.adapters.feast.joined import Joined, join

NOON = datetime(2024, 3, 15, 12, tzinfo=UTC)
TTL = timedelta(hours=5)
Row = dict[str, Any]


def rows_of(chance: random.Random, size: int) -> list[Row]:
    return [
        {
            "a": chance.choice(["1", "11", None]),
            "b": chance.choice(["1", "11"]),
            "at": NOON + timedelta(hours=chance.randrange(30)),
            "made": NOON + timedelta(hours=chance.choice([0, 10, 40])),
            "value": chance.choice([None, *range(5)]),
        }
        for _ in range(size)
    ]


def naive(rows: list[Row], asked: Row, ttl: timedelta | None, known: bool, created: bool) -> Any:
    """The last row at or before the moment, then the last made, then the greatest, null least."""
    found = [
        row
        for row in rows
        if (row["a"], row["b"]) == (asked["x"], asked["y"])
        and row["at"] <= asked["at"]
        and not (known and row["made"] > asked["at"])
    ]

    def rank(row: Row) -> Any:
        value = row["value"]
        made = row["made"] if created else NOON
        return (row["at"], made, value is not None, value or 0)

    if None in (asked["x"], asked["y"]) or not found:
        return None
    last = max(found, key=rank)
    return None if ttl and last["at"] < asked["at"] - ttl else last["value"]


@pytest.mark.parametrize("ttl", [None, TTL])
@pytest.mark.parametrize(("created", "known"), [(False, False), (True, False), (True, True)])
@pytest.mark.parametrize("zone", [None, "UTC"])
def test_a_join_is_a_plain_reading(
    ttl: timedelta | None, created: bool, known: bool, zone: str | None
) -> None:
    chance = random.Random(2)
    rows = rows_of(chance, 150)
    asked = [
        {**dict(zip("xy", (r["a"], r["b"]), strict=True)), "at": r["at"]}
        for r in rows_of(chance, 120)
    ]
    kind = pa.timestamp("us", zone)
    times = {
        name: pa.array([r[name] for r in rows], pa.timestamp("us", "UTC"))
        for name in ("at", "made")
    }
    table = pa.table(
        {
            "a": [r["a"] for r in rows],
            "b": [r["b"] for r in rows],
            "value": pa.array([r["value"] for r in rows], pa.int64()),
            **{name: column.cast(kind) for name, column in times.items()},
        }
    )
    spine = pa.Table.from_pylist(asked).set_column(
        2, "at", pa.array([r["at"] for r in asked], pa.timestamp("us", "UTC"))
    )
    with files.connection() as db:
        db.register("view", table)
        view = Joined(
            "view", {"a": "x", "b": "y"}, ["value"], "at", "made" if created else None, ttl, known
        )
        found = join(db, spine, "at", view).column("value").to_pylist()
    expected = [naive(rows, row, ttl, known, created) for row in asked]
    assert found == expected
    assert sum(value is not None for value in expected) > 15


def test_keys_of_another_type_find_their_rows_and_others_none() -> None:
    rows = pa.table(
        {"id": [1, 2], "at": pa.array([NOON] * 2, pa.timestamp("us", "UTC")), "v": [5, 6]}
    )
    spine = pa.table({"id": ["2", "x", None], "t": pa.array([NOON] * 3, pa.timestamp("us", "UTC"))})
    with files.connection() as db:
        db.register("view", rows)
        found = join(db, spine, "t", Joined("view", {"id": "id"}, ["v"], "at", None, None))
    assert found.column("v").to_pylist() == [6, None, None]
