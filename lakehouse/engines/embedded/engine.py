"""The embedded engine: the platform's verbs with DuckDB, delta-rs and Arrow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, Literal

import pyarrow as pa

from lakehouse.engines.arrow_tables import lake_table
from lakehouse.engines.batches import lake_batches, matrix, targets
from lakehouse.engines.committing import commit_once
from lakehouse.engines.embedded import landing, mapping, reading, writing
from lakehouse.engines.embedded.frames import DuckFrame, listed, portable_type, quoted
from lakehouse.engines.embedded.limits import Limits
from lakehouse.engines.embedded.session import Session
from lakehouse.engines.embedded.translate import to_duckdb
from lakehouse.engines.failures import QueryError
from lakehouse.engines.protocol import (
    BoundView,
    Fitted,
    Frame,
    Landed,
    LandedFile,
    MapBatches,
    Transaction,
)
from lakehouse.engines.table_files import Read
from lakehouse.errors import unknown
from lakehouse.language.provenance import DELETE
from lakehouse.language.sql import portable as portable_sql
from lakehouse.language.sql.typed import typed, typed_condition
from lakehouse.language.sql.types import SqlType
from lakehouse.storage.tables import TableRef

Columns = tuple[tuple[str, str], ...]
"""The columns of a frame with DuckDB's types."""


class EmbeddedEngine:
    """One DuckDB database in memory, its memory bounded, with delta-rs for commits.

    `memory_limit` is DuckDB's share; beyond it rows spill to a temporary folder that goes with
    the engine. Frames are `DuckFrame`s; an Arrow table is taken wherever a frame is. `limits` say
    from how many rows on features are computed in parts, and these are put aside in files.
    """

    name = "embedded"

    def __init__(
        self, memory_limit: str = "1500MB", threads: int = 2, limits: Limits | None = None
    ) -> None:
        self._session = Session(memory_limit, threads)
        self._threads = threads
        self._limits = limits or Limits()

    def land(self, files: Sequence[LandedFile], columns: Sequence[str]) -> Landed:
        """Read delivered files as text rows, spilled to disk; see `engines.protocol`."""
        return landing.land(self._session, files, columns, self._threads)

    def read(
        self,
        table: TableRef,
        version: int | None = None,
        columns: Sequence[str] | None = None,
        where: str | None = None,
    ) -> Frame:
        """Open a Delta table at a version, lazily; `where` is a portable SQL condition."""
        opened = reading.open_table(table, version)
        if where is None:
            sql = reading.table_sql(table, opened, columns)
        else:
            source = reading.table_sql(table, opened, None)
            condition = self._condition(where, source)
            wanted = "*" if columns is None else listed(columns)
            sql = f"SELECT {wanted} FROM ({source}) WHERE {condition}"
        frame = self._session.frame(sql, {}, ())
        return replace(frame, read=Read(table, opened.version(), where))

    def from_arrow(self, table: pa.Table) -> DuckFrame:
        """Take an Arrow table as a frame; naive times are times of UTC."""
        return self._session.held(lake_table(table))

    def to_arrow(self, frame: Frame) -> pa.Table:
        """Compute a frame as an Arrow table of the lake's types."""
        return self._session.arrow(self._taken(frame))

    def batches(self, frame: Frame, by: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Stream a frame's rows in ascending order of some columns; DuckDB sorts and spills."""
        keys = ", ".join(f"{quoted(name)} ASC NULLS FIRST" for name in by)
        ordered = self._derived(f"SELECT * FROM {{}} ORDER BY {keys}", self._taken(frame))
        with self._session.batches(ordered) as batches:
            yield from lake_batches(batches)

    def columns(self, frame: Frame) -> list[str]:
        return self._taken(frame).names

    def query(self, sql: str, frames: Mapping[str, Frame]) -> DuckFrame:
        """Run portable Spark SQL over named frames, lazily; raises QueryError where it is wrong."""
        for name in _tables(sql):
            if name.lower() not in {frame.lower() for frame in frames}:
                raise QueryError(unknown("table", name, frames, "This query"))
        taken = {name: self._taken(frame) for name, frame in frames.items()}
        translated = _translated(sql, tuple((n.lower(), f.columns) for n, f in taken.items()))
        if taken:
            named = ", ".join(f"{quoted(name)} AS ({f.sql})" for name, f in taken.items())
            translated = f"WITH {named} SELECT * FROM ({translated})"
        tables = {name: t for frame in taken.values() for name, t in frame.tables.items()}
        holds = tuple(thing for frame in taken.values() for thing in frame.holds)
        return self._session.frame(translated, tables, holds)

    def historical_features(self, spine: Frame, at: str, views: Sequence[BoundView]) -> Frame:
        """Add every feature of the views as `view__name`, at each row's moment `at`."""
        from lakehouse.engines.embedded import point_in_time

        frames = {id(bound.rows): self._taken(bound.rows) for bound in views}
        taken = [BoundView(bound.view, frames[id(bound.rows)]) for bound in views]
        answer = point_in_time.historical_features(
            self, self._session, self._limits, self._taken(spine), at, taken
        )
        return self._session.held(answer)

    def map_arrow(self, frame: Frame, function: MapBatches, schema: pa.Schema) -> DuckFrame:
        """Put a frame's rows through a function, batch by batch, and keep its answer on disk."""
        return mapping.map_arrow(self._session, self._taken(frame), function, schema)

    def fit(
        self,
        estimator: Any,
        frame: Frame,
        inputs: Sequence[str],
        label: str,
        by: Sequence[str],
        workers: int | None = None,  # noqa: ARG002, all is fitted in this process
    ) -> Fitted:
        """Fit a copy of an estimator in this process, to rows in ascending order of `by`."""
        from sklearn.base import clone

        rows = self.to_arrow(frame).sort_by([(name, "ascending") for name in by])
        X, y = matrix(rows, inputs), targets(rows.column(label))
        return Fitted(clone(estimator).fit(X, y), 1)

    def write(
        self,
        table: TableRef,
        frame: Frame,
        mode: Literal["append", "overwrite", "merge"],
        transaction: Transaction,
        metadata: Mapping[str, str] | None = None,
        keys: Sequence[str] = (),
    ) -> int:
        """Commit a frame once per transaction; see `engines.protocol`."""
        rows = self._taken(frame)

        def attempt() -> int:
            if mode == "merge":
                return self._merge(table, rows, transaction, metadata or {}, keys)
            with self._session.batches(rows) as batches:
                return writing.write(table, batches, mode, transaction, metadata or {})

        return commit_once(table, transaction, attempt)

    def _condition(self, where: str, source: str) -> str:
        columns = self._session.frame(f"SELECT * FROM ({source})", {}, ()).columns
        tree = portable_sql.read(where, "Condition of a read")
        return to_duckdb(typed_condition(tree, _types(columns)))

    def _merge(
        self,
        table: TableRef,
        rows: DuckFrame,
        transaction: Transaction,
        metadata: Mapping[str, str],
        keys: Sequence[str],
    ) -> int:
        by = listed(keys)
        twice = self._derived(f"SELECT {by} FROM {{}} GROUP BY {by} HAVING count(*) > 1", rows)
        found = self.to_arrow(twice).num_rows
        if found:
            raise QueryError(
                f"{found} keys ({', '.join(keys)}) stand in several rows to merge into {table}; "
                "give each key once."
            )
        if not table.exists():
            if DELETE in rows.names:
                others = listed(n for n in rows.names if n != DELETE)
                kept = f"SELECT {others} FROM {{}} WHERE {quoted(DELETE)} IS NOT TRUE"
                rows = self._derived(kept, rows)
            with self._session.batches(rows) as batches:
                return writing.write(table, batches, "append", transaction, metadata)
        return writing.merge(table, self.to_arrow(rows), keys, transaction, metadata)

    def _derived(self, sql: str, frame: DuckFrame) -> DuckFrame:
        return self._session.frame(sql.format(f"({frame.sql})"), frame.tables, frame.holds)

    def _taken(self, frame: Any) -> DuckFrame:
        return self.from_arrow(frame) if isinstance(frame, pa.Table) else frame


@lru_cache(maxsize=512)
def _tables(sql: str) -> list[str]:
    """The tables that portable SQL reads; stages repeat their SQL."""
    return portable_sql.input_names(portable_sql.read(sql, "Query"))


@lru_cache(maxsize=512)
def _translated(sql: str, tables: tuple[tuple[str, Columns], ...]) -> str:
    """Portable SQL over tables of these columns as DuckDB's."""
    types = {name: _types(columns) for name, columns in tables}
    return to_duckdb(typed(portable_sql.read(sql, "Query"), types))


def _types(columns: Columns) -> dict[str, SqlType | None]:
    return {name.lower(): portable_type(kind) for name, kind in columns}
