"""What tasks read of a Delta table by themselves is what the table holds."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import TableFeatures, write_deltalake
from pyarrow import parquet

from lakehouse.engines.conditions import arrow_condition
from lakehouse.engines.spark.table_tasks import shares
from lakehouse.engines.table_files import Read, TableFiles, table_files
from lakehouse.storage.tables import TableRef

FIRST = datetime(2026, 1, 1, tzinfo=UTC)
COLUMNS = ["n", "key", "at", "amount"]


def day(number: int) -> pa.Table:
    """A day's ten rows."""
    hours = [FIRST + timedelta(days=number, hours=h) for h in range(10)]
    return pa.table(
        {
            "n": pa.array(range(number * 10, number * 10 + 10), pa.int64()),
            "key": [f"k{h % 3}" if h else None for h in range(10)],
            "at": pa.array(hours, pa.timestamp("us", "UTC")),
            "amount": pa.array([Decimal(h) / 4 for h in range(10)], pa.decimal128(18, 2)),
            "on": [date(2026, 1, 1 + number)] * 10,
        }
    )


@pytest.fixture
def table(tmp_path: Path) -> TableRef:
    """Four days, each in a file of its own."""
    table = TableRef.in_folder(tmp_path / "odd name ü")
    for number in range(4):
        write_deltalake(table.address, day(number), mode="append")
    return table


def files(table: TableRef, where: str | None = None, version: int = 3) -> TableFiles:
    found = table_files(Read(table, version, where), COLUMNS)
    assert found is not None
    return found


def rows(found: TableFiles) -> list[dict[str, Any]]:
    read = pa.Table.from_batches(found.batches(), found.schema)
    return sorted(read.to_pylist(), key=lambda row: row["n"])


def test_every_row_of_a_version_is_read(table: TableRef) -> None:
    days = pa.concat_tables(day(number) for number in range(4)).select(COLUMNS)
    assert rows(files(table)) == days.to_pylist()
    assert rows(files(table, version=1)) == days.slice(0, 20).to_pylist()
    assert files(table).rows == 40


@pytest.mark.parametrize("tasks", [1, 2, 3, 9])
def test_shares_hold_every_row_once(table: TableRef, tasks: int) -> None:
    shared = shares(files(table), tasks)
    assert len(shared) == min(tasks, 4)
    assert all(share.pieces for share in shared)
    found = sorted(row["n"] for share in shared for row in rows(share))
    assert found == list(range(40))


@pytest.mark.parametrize(
    ("where", "read", "left"),
    [
        ("`at` >= TIMESTAMP '2026-01-03 00:00:00+00:00'", 20, range(20, 40)),
        ("`at` < TIMESTAMP '2026-01-01 02:00:00'", 10, range(2)),
        ("`on` IN (DATE '2026-01-02', DATE '2026-01-04')", 20, [*range(10, 20), *range(30, 40)]),
        ("(`n` > 18) AND (`n` <= 21 OR `n` = CAST(-1 AS BIGINT))", 20, range(19, 22)),
        ("`key` IN ('k0', 'k9')", 40, [n for n in range(40) if n % 10 and n % 10 % 3 == 0]),
        ("false", 0, []),
    ],
)
def test_a_condition_leaves_files_and_rows_out(
    table: TableRef, where: str, read: int, left: Any
) -> None:
    found = files(table, where)
    assert found.rows == read
    assert [row["n"] for row in rows(found)] == list(left)


def test_no_file_is_an_empty_share(table: TableRef) -> None:
    (share,) = shares(files(table, "false"), 2)
    assert rows(share) == []


def test_files_older_than_a_column_have_nulls_in_it(table: TableRef) -> None:
    wider = day(4).append_column("extra", pa.array([1.5] * 10))
    write_deltalake(table.address, wider, mode="append", schema_mode="merge")
    found = table_files(Read(table, 4, "`n` >= 30"), ["extra"])
    assert found is not None
    read = pa.Table.from_batches(found.batches(), found.schema)
    assert sorted(read.column("extra").to_pylist(), key=str) == [1.5] * 10 + [None] * 10


def test_times_of_an_older_kind_of_file_are_exact(tmp_path: Path) -> None:
    times = [datetime(year, 1, 1, tzinfo=UTC) for year in (1600, 2026, 3000)]
    rows = pa.table({"at": pa.array(times, pa.timestamp("us", "UTC"))})
    write_deltalake(str(tmp_path), rows)
    (file,) = tmp_path.glob("*.parquet")
    parquet.write_table(rows, file, use_deprecated_int96_timestamps=True)
    found = table_files(Read(TableRef.in_folder(tmp_path), 0, None), ["at"])
    assert found is not None
    assert pa.Table.from_batches(found.batches(), found.schema).equals(rows)


@pytest.mark.parametrize(
    "where",
    [
        *("upper(`key`) = 'K0'", "`n` + 1 > 3", "`key` IS NULL", "NOT (`n` > 3)", "`n` < 2.5"),
        *("`n` = '3'", "`at` < '2026-01-02'", "`on` IN ('2026-01-02')", "`N` > 3", "`amount` > 1"),
    ],
)
def test_other_conditions_are_left_to_an_engine(table: TableRef, where: str) -> None:
    assert arrow_condition(where, day(0).schema) is None
    assert table_files(Read(table, 3, where), COLUMNS) is None


def test_tables_of_other_makes_are_left_to_an_engine(tmp_path: Path, table: TableRef) -> None:
    partitioned, other = tmp_path / "partitioned", tmp_path / "other"
    write_deltalake(str(partitioned), day(0), partition_by=["key"])
    assert table_files(Read(TableRef.in_folder(partitioned), 0, None), ["n"]) is None
    kinds = {"n": pa.array([1]), "naive": pa.array([0], pa.timestamp("us"))}
    write_deltalake(str(other), pa.table(kinds))
    assert table_files(Read(TableRef.in_folder(other), 0, None), ["naive"]) is None
    assert table_files(Read(table, 3, None), ["N"]) is None
    table.opened().alter.add_feature(
        TableFeatures.DeletionVectors, allow_protocol_versions_increase=True
    )
    assert table_files(Read(table, 4, None), COLUMNS) is None
