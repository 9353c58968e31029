"""Tables: what is written comes back, once for each transaction, at every version."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa

from lakehouse.engines.arrow_types import MICROSECONDS
from lakehouse.engines.protocol import TABLE_PROPERTIES, Engine, Transaction
from lakehouse.language.provenance import DELETE
from lakehouse.storage.tables import TableRef
from lakehouse.testing.conformance.comparing import require, require_equal, require_rows
from lakehouse.testing.conformance.world import NOON, fields_of

SCHEMA = pa.schema(
    [
        ("name", pa.string()),
        ("number", pa.int64()),
        ("amount", pa.decimal128(18, 2)),
        ("weight", pa.float64()),
        ("flag", pa.bool_()),
        ("day", pa.date32()),
        ("at", MICROSECONDS),
    ]
)
FIRST = Transaction("first", 1)
Values = tuple[Any, ...]


def _table(rows: Sequence[Values], schema: Any = SCHEMA) -> Any:
    columns = [
        pa.array([row[place] for row in rows], type=field.type)
        for place, field in enumerate(schema)
    ]
    return pa.table(columns, schema=schema)


def _named(*names: str, number: int = 0) -> Any:
    return _table([(name, number, None, None, None, None, NOON + number) for name in names])


def _rows(engine: Engine, ref: TableRef, **options: Any) -> list[Values]:
    table = engine.to_arrow(engine.read(ref, **options))
    return [tuple(row.values()) for row in fields_of(table)]


def _names(engine: Engine, ref: TableRef, **options: Any) -> list[tuple[str]]:
    return [(row[0],) for row in _rows(engine, ref, **options)]


def _write(
    engine: Engine,
    ref: TableRef,
    table: Any,
    transaction: Transaction = FIRST,
    mode: Any = "append",
    **options: Any,
) -> int:
    return engine.write(ref, engine.from_arrow(table), mode, transaction, **options)


def check_values_come_back_as_written(engine: Engine, folder: Path) -> None:
    """Types, nulls, and the ends of what each type holds."""
    edge = Decimal("9999999999999999.99")
    rows: list[Values] = [
        ("", 2**63 - 1, edge, 5e-324, True, date(9999, 12, 31), NOON + 1),
        ("Ω \t\n'\"\\", -(2**63), -edge, float("inf"), False, date(1, 1, 1), -62135596800000000),
        ("null", 0, Decimal("0.00"), -0.0, None, date(1970, 1, 1), 253402300799999999),
        (None, None, None, None, None, None, None),
        (None, None, None, None, None, None, None),
    ]
    ref = TableRef.in_folder(folder / "t")
    version = _write(engine, ref, _table(rows))
    require_equal(version, 0, "Version of a new table")
    require_rows(_rows(engine, ref), rows, "Rows read")
    read = engine.to_arrow(engine.read(ref)).schema
    for field in SCHEMA:
        require_equal(str(read.field(field.name).type), str(field.type), f"Type of '{field.name}'")


def check_a_transaction_is_applied_once(engine: Engine, folder: Path) -> None:
    """The same transaction again changes nothing; a later one and another application's do."""
    ref = TableRef.in_folder(folder / "t")
    versions = [
        _write(engine, ref, _named("a"), Transaction("x", 1)),
        _write(engine, ref, _named("a"), Transaction("x", 1)),
        _write(engine, ref, _named("b"), Transaction("y", 1)),
        _write(engine, ref, _named("c"), Transaction("x", 2)),
        _write(engine, ref, _named("c"), Transaction("x", 2)),
        _write(engine, ref, _named("a"), Transaction("x", 1)),
        _write(engine, ref, _named("z"), Transaction("y", 1), mode="overwrite"),
        _write(engine, ref, _named("z"), Transaction("y", 1), mode="merge", keys=["name"]),
    ]
    require_equal(versions, [0, 0, 1, 2, 2, 2, 2, 2], "Versions after each write")
    require_rows(_names(engine, ref), [("a",), ("b",), ("c",)], "Names after repeated writes")
    table = ref.opened()
    seen = [table.transaction_version(application) for application in ("x", "y", "z")]
    require_equal(seen, [2, 1, None], "Transactions in the table's log")


def check_every_version_can_be_read(engine: Engine, folder: Path) -> None:
    """An overwrite and a merge leave the versions before them as they were."""
    ref = TableRef.in_folder(folder / "t")
    _write(engine, ref, _named("a", "b"), Transaction("x", 1))
    _write(engine, ref, _named("c"), Transaction("x", 2), mode="overwrite")
    _write(engine, ref, _named("d"), Transaction("x", 3))
    _write(engine, ref, _named("c", number=9), Transaction("x", 4), mode="merge", keys=["name"])
    contents = [["a", "b"], ["c"], ["c", "d"], ["c", "d"]]
    for version, names in enumerate(contents):
        found = _names(engine, ref, version=version)
        require_rows(found, [(name,) for name in names], f"Names in version {version}")
    numbers = [_rows(engine, ref, version=v, where="name = 'c'")[0][1] for v in (2, 3)]
    require_equal(numbers, [0, 9], "A merged number before and after")
    require_rows(_names(engine, ref), [("c",), ("d",)], "Names in the newest version")


def check_empty_frames_make_commits(engine: Engine, folder: Path) -> None:
    """A batch of no rows is a commit like any other, and may be the first."""
    ref = TableRef.in_folder(folder / "t")
    versions = [
        _write(engine, ref, _named(), Transaction("x", 1)),
        _write(engine, ref, _named("a"), Transaction("x", 2)),
        _write(engine, ref, _named(), Transaction("x", 3)),
    ]
    require_equal(versions, [0, 1, 2], "Versions")
    require_rows(_names(engine, ref), [("a",)], "Names")
    require_rows(_names(engine, ref, version=0), [], "Names in the empty version")
    _write(engine, ref, _named(), Transaction("x", 4), mode="overwrite")
    read = engine.to_arrow(engine.read(ref))
    require_equal((read.num_rows, read.schema.names), (0, SCHEMA.names), "An emptied table")


def check_a_new_column_widens_the_table(engine: Engine, folder: Path) -> None:
    """Rows written before have null there, and rows that lack a column have null in it."""
    ref = TableRef.in_folder(folder / "t")
    narrow = _named("a").select(["name", "number"])
    wide = _named("b").select(["name"]).append_column("colour", pa.array(["red"]))
    _write(engine, ref, narrow, Transaction("x", 1))
    _write(engine, ref, wide, Transaction("x", 2))
    columns = engine.columns(engine.read(ref))
    require_equal(columns, ["name", "number", "colour"], "Columns of the widened table")
    expected = [("a", 0, None), ("b", None, "red")]
    found = _rows(engine, ref, columns=["name", "number", "colour"])
    require_rows(found, expected, "Rows of the widened table")
    before = engine.columns(engine.read(ref, 0))
    require_equal(before, ["name", "number"], "Columns of the version before")


def check_reads_are_pruned(engine: Engine, folder: Path) -> None:
    """`columns` are those asked for in that order; `where` keeps the rows it is true for."""
    ref = TableRef.in_folder(folder / "t")
    rows: list[Values] = []
    for batch in range(4):  # several files, so that whole files can be left out
        part: list[Values] = [
            (f"n{batch}{n}", batch * 10 + n, Decimal(n), n / 2, n > 1, None, NOON + batch * 10 + n)
            for n in range(4)
        ]
        part.append((None, None, None, None, None, None, None))
        rows += part
        _write(engine, ref, _table(part), Transaction("x", batch))
    found = _rows(engine, ref, columns=["weight", "name"])
    require_rows(found, [(row[3], row[0]) for row in rows], "Two columns")
    noon = "2024-03-15 12:00:00.0000"
    begin, end = f"TIMESTAMP '{noon}11+00:00'", f"TIMESTAMP '{noon}22+00:00'"
    for what, where, keeps in (
        ("a range of times", f"`at` >= {begin} AND `at` < {end}", range(11, 22)),
        ("one name", "name = 'n21'", (21,)),
        ("no row", "number > 1000", ()),
        ("a number and a flag", "number <= 12 AND flag", (2, 3, 12)),
    ):
        expected = [(row[0],) for row in rows if row[1] in keeps]
        found = [(name,) for (name,) in _rows(engine, ref, columns=["name"], where=where)]
        require_rows(found, expected, f"Rows for {what}")


def check_merge_replaces_adds_and_removes(engine: Engine, folder: Path) -> None:
    """By one key column or several; rows of other keys stay, nulls are values like others."""
    ref = TableRef.in_folder(folder / "t")
    _write(engine, ref, _named("a", "b", "c"), Transaction("x", 1))
    changes = _table(
        [
            ("a", 1, Decimal("1.00"), None, None, None, NOON),
            ("d", 1, None, None, None, None, NOON),
            ("b", 1, None, None, None, None, None),
            ("nobody", 1, None, None, None, None, None),
        ]
    ).append_column(DELETE, pa.array([False, None, True, True]))
    version = _write(engine, ref, changes, Transaction("x", 2), mode="merge", keys=["name"])
    require_equal(version, 1, "Version after the merge")
    found = [row[:3] for row in _rows(engine, ref)]
    expected = [("a", 1, Decimal("1.00")), ("c", 0, None), ("d", 1, None)]
    require_rows(found, expected, "Rows after the merge")
    require_equal(engine.columns(engine.read(ref)), SCHEMA.names, "Columns after the merge")
    pair = _table([("a", 2, Decimal(5), *[None] * 4), ("a", 1, Decimal(7), *[None] * 4)])
    _write(engine, ref, pair, Transaction("x", 3), mode="merge", keys=["name", "number"])
    found = [row[:3] for row in _rows(engine, ref, where="name = 'a'")]
    require_rows(found, [("a", 1, Decimal(7)), ("a", 2, Decimal(5))], "Rows by two keys")
    fresh = TableRef.in_folder(folder / "fresh")
    _write(engine, fresh, changes, Transaction("x", 1), mode="merge", keys=["name"])
    require_rows(_names(engine, fresh), [("a",), ("d",)], "A table made by a merge")


def check_tables_are_plain_delta(engine: Engine, folder: Path) -> None:
    """Any Delta reader opens them: no feature beyond the oldest protocols, long retention."""
    ref = TableRef.in_folder(folder / "t")
    _write(engine, ref, _named("a"), Transaction("x", 1), metadata={"made_by": "a check"})
    _write(engine, ref, _named("a"), Transaction("x", 2), mode="merge", keys=["name"])
    table = ref.opened()
    protocol = table.protocol()
    require(
        protocol.min_reader_version <= 2 and not protocol.reader_features,
        f"Readers need protocol {protocol}.",
    )
    require(protocol.min_writer_version <= 6, f"Writers need protocol {protocol}.")
    configured: Mapping[str, str | None] = table.metadata().configuration
    kept = {name: configured.get(name) for name in TABLE_PROPERTIES}
    require_equal(kept, dict(TABLE_PROPERTIES), "Table properties")
    first = ref.commits()[-1]
    require_equal(first.get("made_by"), "a check", "The commit's metadata")
    kinds = {field.name: str(field.type.type) for field in table.schema().fields}
    require_equal(kinds["at"], "timestamp", "Type of times, which is not timestamp_ntz,")


def check_queries_over_frames(engine: Engine, _: Path) -> None:
    """Frames of several queries are tables to the next, and may be used again."""
    left = engine.from_arrow(_named("a", "b", "c"))
    right = engine.from_arrow(_table([("b", 5, *[None] * 5), ("b", 6, *[None] * 5)]))
    joined = engine.query(
        "SELECT l.name, sum(r.number) AS total FROM one l LEFT JOIN other r ON r.name = l.name "
        "GROUP BY l.name",
        {"one": left, "other": right},
    )
    for _again in range(2):
        found = [tuple(row.values()) for row in engine.to_arrow(joined).to_pylist()]
        require_rows(found, [("a", None), ("b", 11), ("c", None)], "A join of two frames")
    top = engine.query("SELECT total FROM joined WHERE total > 0", {"joined": joined})
    require_equal(engine.columns(top), ["total"], "Columns of a query over a query")
    require_equal(engine.to_arrow(top).to_pylist(), [{"total": 11}], "A query over a query")
