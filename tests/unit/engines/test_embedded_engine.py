"""The embedded engine's verbs on awkward tables; `test_raw.py` tests its reading of files."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import write_deltalake

from lakehouse.engines import protocol
from lakehouse.engines.embedded import EmbeddedEngine
from lakehouse.engines.failures import QueryError, WriteError
from lakehouse.engines.protocol import TABLE_PROPERTIES, Transaction
from lakehouse.engines.temporary import temporary_folder
from lakehouse.errors import LakehouseError, NotFound
from lakehouse.storage.tables import TableRef

UTC_MICROSECONDS = pa.timestamp("us", tz="UTC")
NOON = datetime(2020, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def table(tmp_path: Path) -> TableRef:
    """A path that needs quoting wherever it is used."""
    return TableRef.in_folder(tmp_path / "it's a table ü" / "day=1" / "t")


@pytest.fixture
def ask(engine: EmbeddedEngine) -> Callable[..., list[dict[str, Any]]]:
    """Rows of a query over named frames."""

    def ask_(sql: str, **frames: Any) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = engine.to_arrow(engine.query(sql, frames)).to_pylist()
        return rows

    return ask_


def append(engine: EmbeddedEngine, table: TableRef, version: int, **columns: list[Any]) -> int:
    return engine.write(table, pa.table(columns), "append", Transaction("test", version))


def rows(
    engine: EmbeddedEngine, table: TableRef, *read: Any, **named: Any
) -> list[tuple[Any, ...]]:
    found = engine.to_arrow(engine.read(table, *read, **named)).to_pylist()
    return sorted((tuple(row.values()) for row in found), key=str)


def test_the_engine_is_found_by_its_name() -> None:
    assert isinstance(protocol.load("embedded"), EmbeddedEngine)


def test_each_version_is_read_as_it_was(engine: EmbeddedEngine, table: TableRef) -> None:
    assert [append(engine, table, n, a=[n]) for n in (1, 2)] == [0, 1]
    assert rows(engine, table, 0) == [(1,)]
    assert rows(engine, table) == [(1,), (2,)]


def test_a_transaction_seen_before_changes_nothing(engine: EmbeddedEngine, table: TableRef) -> None:
    append(engine, table, 5, a=[1])
    assert append(engine, table, 5, a=[2]) == 0
    assert append(engine, table, 4, a=[3]) == 0
    frame = pa.table({"a": [4]})
    for mode in ("overwrite", "merge"):
        assert engine.write(table, frame, mode, Transaction("test", 5), keys=["a"]) == 0
    assert engine.write(table, frame, "append", Transaction("another", 1)) == 1
    assert rows(engine, table) == [(1,), (4,)]


def test_a_table_is_made_with_plain_delta_features(engine: EmbeddedEngine, table: TableRef) -> None:
    frame = pa.table({"at": pa.array([0], pa.timestamp("ns")), "d": [Decimal("1.50")]})
    engine.write(table, frame, "append", Transaction("test", 1), {"inputs": "raw@3"})
    made = table.opened()
    protocol_ = made.protocol()
    assert (protocol_.min_reader_version, protocol_.min_writer_version) == (1, 2)
    assert made.metadata().configuration == TABLE_PROPERTIES
    assert made.history()[0]["inputs"] == "raw@3"
    assert json.loads(made.schema().to_json())["fields"][0]["type"] == "timestamp"


def test_no_rows_are_a_commit_of_their_own(engine: EmbeddedEngine, table: TableRef) -> None:
    none: list[int] = []
    frame = pa.table({"a": pa.array(none, pa.int64())})
    engine.write(table, frame, "append", Transaction("test", 1))
    assert rows(engine, table) == []
    assert engine.columns(engine.read(table)) == ["a"]
    wider = frame.append_column("b", pa.array(none, pa.string()))
    assert engine.write(table, wider, "append", Transaction("test", 2)) == 1
    assert engine.columns(engine.read(table)) == ["a", "b"]
    assert engine.to_arrow(engine.read(table)).schema.types == [pa.int64(), pa.string()]


def test_a_new_column_widens_the_table_and_old_rows_have_none(
    engine: EmbeddedEngine, table: TableRef
) -> None:
    append(engine, table, 1, a=[1], b=["x"])
    append(engine, table, 2, a=[2], c=[date(2020, 1, 1)])
    assert rows(engine, table) == [(1, "x", None), (2, None, date(2020, 1, 1))]
    assert rows(engine, table, 0) == [(1, "x")]
    assert rows(engine, table, columns=["c", "a"], where="c IS NULL") == [(None, 1)]


def test_overwrite_replaces_rows_and_columns(engine: EmbeddedEngine, table: TableRef) -> None:
    append(engine, table, 1, a=[1])
    frame = engine.query(
        "SELECT CAST(a AS STRING) AS a, a + 1 AS b FROM t", {"t": engine.read(table)}
    )
    assert engine.write(table, frame, "overwrite", Transaction("test", 2)) == 1
    assert rows(engine, table) == [("1", 2)]
    assert rows(engine, table, 0) == [(1,)]
    assert table.opened().metadata().configuration == TABLE_PROPERTIES


def test_merge_replaces_adds_and_removes_by_key(engine: EmbeddedEngine, table: TableRef) -> None:
    keyed = {"k": ["a", "b", "c"], "n": [1, 1, 2], "v": [10, 20, 30]}
    made = pa.table(keyed | {"_delete": [False, False, True]})
    engine.write(table, made, "merge", Transaction("test", 1), keys=["k", "n"])
    assert rows(engine, table) == [("a", 1, 10), ("b", 1, 20)]
    change = pa.table(
        {
            "k": ["a", "b", "b", "x"],
            "n": [1, 1, 2, 0],
            "v": [11, 0, 22, 0],
            "w": ["new", None, "new", None],
            "_delete": [False, True, False, True],
        }
    )
    engine.write(table, change, "merge", Transaction("test", 2), keys=["k", "n"])
    assert rows(engine, table) == [("a", 1, 11, "new"), ("b", 2, 22, "new")]


def test_merge_refuses_a_key_that_stands_twice(engine: EmbeddedEngine, table: TableRef) -> None:
    append(engine, table, 1, k=[1], v=[1])
    twice = pa.table({"k": [1, 1], "v": [2, 3]})
    with pytest.raises(QueryError, match=r"1 keys \(k\) stand in several rows"):
        engine.write(table, twice, "merge", Transaction("test", 2), keys=["k"])
    assert rows(engine, table) == [(1, 1)]


def test_a_failing_row_leaves_the_table_as_it_was(engine: EmbeddedEngine, table: TableRef) -> None:
    append(engine, table, 1, a=[1])
    frame = engine.query("SELECT 10 DIV a AS a FROM t", {"t": pa.table({"a": [1] * 200_000 + [0]})})
    with pytest.raises(LakehouseError, match="Division by zero"):
        engine.write(table, frame, "append", Transaction("test", 2))
    assert rows(engine, table) == [(1,)]
    assert append(engine, table, 2, a=[2]) == 1


@pytest.mark.parametrize(
    ("column", "value"),
    [("n", 5.5), ("n", "5"), ("n", [1]), ("t", 5), ("d", Decimal("1.005")), ("at", NOON.date())],
)
@pytest.mark.parametrize("mode", ["append", "merge"])
def test_a_value_that_the_tables_type_would_change_is_refused(
    engine: EmbeddedEngine, table: TableRef, mode: Any, column: str, value: Any
) -> None:
    append(engine, table, 1, k=[1], n=[1], t=["x"], d=[Decimal("1.50")], at=[NOON])
    frame = pa.table({"k": [2], column: [value]})
    with pytest.raises(WriteError, match=f"column '{column}' is"):
        engine.write(table, frame, mode, Transaction("test", 2), keys=["k"])
    assert len(rows(engine, table)) == 1


def test_narrower_numbers_and_missing_values_fit(engine: EmbeddedEngine, table: TableRef) -> None:
    append(engine, table, 1, n=[1], t=["x"])
    narrow = {"t": pa.nulls(1), "n": pa.array([2], pa.int16())}
    assert engine.write(table, pa.table(narrow), "append", Transaction("test", 2)) == 1
    assert rows(engine, table) == [(1, "x"), (2, None)]


def test_what_is_not_there_is_named(engine: EmbeddedEngine, table: TableRef) -> None:
    with pytest.raises(NotFound, match="no table"):
        engine.read(table)
    append(engine, table, 1, amount=[1])
    with pytest.raises(NotFound, match="newest version is 0"):
        engine.read(table, 7)
    with pytest.raises(NotFound, match="did you mean 'amount'"):
        engine.read(table, columns=["amuont"])
    with pytest.raises(QueryError, match="no table 'nowhere'"):
        engine.query("SELECT 1 FROM nowhere", {"t": engine.read(table)})
    with pytest.raises(QueryError, match="nothing"):
        engine.query("SELECT nothing FROM t", {"t": engine.read(table)})


def test_a_table_that_others_partitioned_is_refused(
    engine: EmbeddedEngine, table: TableRef
) -> None:
    table.folder.mkdir(parents=True)
    write_deltalake(table.address, pa.table({"a": [1], "p": ["x"]}), partition_by=["p"])
    with pytest.raises(LakehouseError, match="partitioned by p"):
        engine.read(table)


def test_times_and_texts_have_the_lakes_types(engine: EmbeddedEngine) -> None:
    table = pa.table(
        {
            "naive": pa.array([0], pa.timestamp("ns")),
            "berlin": pa.array([0], pa.timestamp("s", "Europe/Berlin")),
            "large": pa.array(["x"], pa.large_string()),
            "view": pa.array(["x"], pa.string_view()),
            "kinds": pa.array(["x"]).dictionary_encode(),
            "empty": pa.nulls(1),
            "list": pa.array([["x"]], pa.list_(pa.large_string())),
        }
    )
    found = engine.to_arrow(engine.from_arrow(table))
    texts = pa.string()
    assert found.schema.types[:6] == [UTC_MICROSECONDS] * 2 + [texts] * 4
    assert found.schema.types[6].value_type == texts
    assert found.to_pylist()[0]["berlin"] == datetime(1970, 1, 1, tzinfo=UTC)


def test_times_finer_than_microseconds_are_refused(engine: EmbeddedEngine) -> None:
    with pytest.raises(LakehouseError, match="Column 'at' is timestamp"):
        engine.from_arrow(pa.table({"at": pa.array([1], pa.timestamp("ns"))}))


def test_sums_have_at_most_18_digits(ask: Callable[..., Any], engine: EmbeddedEngine) -> None:
    big = pa.table({"d": [Decimal("9999999999999999.99")] * 2, "i": [2**62] * 2})
    summed = engine.to_arrow(engine.query("SELECT sum(d / 4) f, sum(i - 1) i FROM t", {"t": big}))
    assert summed.schema.types == [pa.float64(), pa.int64()]
    with pytest.raises(QueryError):
        ask("SELECT sum(i) AS i FROM t", t=big)
    with pytest.raises(QueryError):
        ask("SELECT sum(d) AS d FROM t", t=big)


def test_a_frame_lives_as_long_as_it_is_held(engine: EmbeddedEngine) -> None:
    def frames() -> Iterator[Any]:
        for n in range(3):
            yield engine.query("SELECT a + 1 AS a FROM t", {"t": pa.table({"a": [n]})})

    held = list(frames())
    assert [engine.to_arrow(frame).to_pylist() for frame in held] == [
        [{"a": n + 1}] for n in range(3)
    ]


def test_names_of_frames_may_clash_with_anything(ask: Callable[..., Any]) -> None:
    frame = pa.table({"order": [1], "the `name`": [2]})
    nested = "WITH f AS (SELECT `order` + 1 AS x FROM f) SELECT x FROM f"
    assert ask(nested, f=frame) == [{"x": 2}]
    assert ask("SELECT `the ``name```, t.order FROM `select` t", select=frame) == [
        {"the `name`": 2, "order": 1}
    ]


def test_a_name_in_sql_is_never_a_python_variable(engine: EmbeddedEngine) -> None:
    secret = pa.table({"a": [1]})
    assert secret.num_rows == 1
    with pytest.raises(QueryError, match="no table 'secret'"):
        engine.query("SELECT * FROM secret", {})


def test_one_stream_does_not_end_another(engine: EmbeddedEngine, table: TableRef) -> None:
    """A frame is written while frames of the same engine are made and dropped."""
    source = engine.query("SELECT a FROM t", {"t": pa.table({"a": list(range(300_000))})})
    with engine._session.batches(source) as batches:
        first = batches.read_next_batch().num_rows
        engine.to_arrow(engine.query("SELECT 1 AS x", {}))
        assert first + sum(batch.num_rows for batch in batches) == 300_000


def test_plain_readers_open_the_table(engine: EmbeddedEngine, table: TableRef) -> None:
    append(engine, table, 1, a=[1], at=[NOON])
    assert table.opened().to_pyarrow_table().to_pylist() == [{"a": 1, "at": NOON}]
    (file,) = table.folder.glob("*.parquet")
    assert pq.read_schema(file).field("at").type == UTC_MICROSECONDS


def test_spilled_rows_of_a_killed_process_are_removed(tmp_path: Path) -> None:
    first, held = temporary_folder(tmp_path)
    killed, lock = temporary_folder(tmp_path)
    (killed / "rows.parquet").write_bytes(b"x")
    os.close(lock)  # as the operating system does when the process ends
    _, third = temporary_folder(tmp_path)
    assert (first.exists(), killed.exists()) == (True, False)
    os.close(held)
    os.close(third)
