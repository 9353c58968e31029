"""Which rows of a table came and went between two of its versions, read from its files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from lakehouse.context import Context
from lakehouse.declare.tables import Table, table_column
from lakehouse.engines.arrow_types import MICROSECONDS, arrow_type
from lakehouse.engines.protocol import Engine
from lakehouse.language.provenance import KNOWN_AT
from lakehouse.storage.tables import VersionGone

MOST_READ = 4_000_000
"""More rows of rewritten files than these are not compared."""


@dataclass(frozen=True)
class Changed:
    """Rows that came, and rows that went, of the columns asked for."""

    came: pa.Table
    went: pa.Table


def changed_rows(
    ctx: Context,
    table: Table,
    versions: tuple[int, int],
    columns: Sequence[str],
    most: int,
) -> Changed | None:
    """Return what changed from one version to a later one.

    None where that cannot be told, or is more than `most` rows: the earlier version or files of
    it are gone, or too much was rewritten.
    """
    ref = ctx.table_of(table)
    try:
        before, after = (set(ref.files(version)) for version in versions)
    except VersionGone:
        return None
    came, went = sorted(after - before), sorted(before - after)
    if not ref.holds(went):
        return None
    place = ref.filesystem()
    sizes = [
        sum(pq.read_metadata(file, filesystem=place).num_rows for file in files)
        for files in (came, went)
    ]
    if (sizes[0] > most and not went) or sum(sizes) > MOST_READ:
        return None
    schema = _schema(table, columns)
    read = [_read(place, files, schema) for files in (came, went)]
    changed = Changed(*read) if not went else _difference(ctx.engine, *read)
    if changed.came.num_rows + changed.went.num_rows > most:
        return None
    return changed


def _schema(table: Table, columns: Sequence[str]) -> pa.Schema:
    fields = []
    for name in columns:
        if name == KNOWN_AT:
            fields.append(pa.field(name, MICROSECONDS))
            continue
        column = table_column(table, name)
        fields.append(pa.field(name, arrow_type(column.kind, column.scale)))
    return pa.schema(fields)


def _read(place: Any, files: Sequence[str], schema: pa.Schema) -> pa.Table:
    parts = [schema.empty_table()]
    for file in files:
        there = set(pq.read_schema(file, filesystem=place).names)
        wanted = [n for n in schema.names if n in there]
        found = pq.read_table(file, columns=wanted, filesystem=place)
        arrays: list[Any] = [
            found.column(f.name).cast(f.type) if f.name in there else pa.nulls(len(found), f.type)
            for f in schema
        ]
        parts.append(pa.table(arrays, schema=schema))
    return pa.concat_tables(parts)


def _difference(engine: Engine, came: pa.Table, went: pa.Table) -> Changed:
    """Rows that stand on both sides only moved to another file."""
    listed = ", ".join(f"`{name}`" for name in came.column_names)
    sql = (
        f"SELECT {listed}, sum(`_sign`) AS `_net` FROM (SELECT {listed}, 1 AS `_sign` FROM came "
        f"UNION ALL SELECT {listed}, -1 AS `_sign` FROM went) AS both_sides GROUP BY {listed} "
        "HAVING sum(`_sign`) <> 0"
    )
    frames = {"came": engine.from_arrow(came), "went": engine.from_arrow(went)}
    found = engine.to_arrow(engine.query(sql, frames))
    net = found.column("_net").cast(pa.int64()).to_pylist()
    rows = found.drop_columns(["_net"]).cast(came.schema)
    # A row may stand in a table several times.
    more = [place for place, count in enumerate(net) for _ in range(max(count, 0))]
    less = [place for place, count in enumerate(net) for _ in range(max(-count, 0))]
    return Changed(rows.take(pa.array(more, pa.int64())), rows.take(pa.array(less, pa.int64())))
