"""Frames read once from beginning to end, their rows put aside by the keys they are needed by."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import pyarrow as pa

from lakehouse.engines.arrow_tables import lake_table
from lakehouse.engines.embedded.frames import DuckFrame, listed
from lakehouse.engines.embedded.on_table import Types
from lakehouse.engines.embedded.parts.buckets import Keys
from lakehouse.engines.embedded.parts.clustered import Clustered, Make
from lakehouse.engines.embedded.parts.spilled import Spilled
from lakehouse.engines.embedded.session import Session
from lakehouse.engines.table_files import TableFiles, table_files


@dataclass(frozen=True)
class Streamed:
    """What a stream left: its rows by each of some keys and, if wanted, all columns as they came.

    `ends` says after how many rows each batch ended, `nulls` how many nulls a column has.
    """

    by: Mapping[Keys, Clustered]
    own: Spilled | None
    schema: pa.Schema
    ends: Sequence[int]
    nulls: Counter[str]

    @property
    def rows(self) -> int:
        return self.ends[-1] if self.ends else 0

    def drop_rows(self) -> None:
        """Free the room of the rows by keys, once nobody needs them any more."""
        for clustered in self.by.values():
            clustered.drop_rows()

    @property
    def types(self) -> Types:
        """The types of the columns that hold anything but nulls."""
        return {f.name: f.type for f in self.schema if self.nulls[f.name] < self.rows}


@dataclass(frozen=True)
class ToRead:
    """A frame to be read once, and the columns of it that are needed by each of some keys.

    Of a spine the order is kept, and all its columns, unless they lie in memory. `files` are what
    Arrow reads, where a frame is what lies in a table's files.
    """

    frame: DuckFrame
    needed: Mapping[Keys, Sequence[str]]
    is_spine: bool
    files: TableFiles | None

    @classmethod
    def of(
        cls, frame: DuckFrame, needed: Mapping[Keys, Sequence[str]], *, is_spine: bool = False
    ) -> ToRead:
        read = cls(frame, needed, is_spine, None)
        if frame.read is None:
            return read
        keys = {name for names in needed for name in names}
        return replace(read, files=table_files(frame.read, read.columns, keys))

    @property
    def keeps_columns(self) -> bool:
        return self.is_spine and not isinstance(self.frame.computed, pa.Table)

    @property
    def columns(self) -> list[str]:
        if self.keeps_columns:
            return self.frame.names
        return list(dict.fromkeys(name for columns in self.needed.values() for name in columns))

    def rows(self, session: Session) -> int:
        """How many rows there are, or at most are: files say it without being read."""
        return session.count(self.frame) if self.files is None else self.files.rows

    @contextmanager
    def batches(
        self, session: Session, most: int
    ) -> Iterator[tuple[pa.Schema, Iterable[pa.RecordBatch]]]:
        """Compute the columns: their types in the lake, and batches, in types of Arrow's choice.

        Keys that Arrow reads come with the dictionaries that they have in the files.
        """
        if self.files is not None:
            yield lake_table(self.files.schema.empty_table()).schema, self.files.batches(most)
            return
        sql = f"SELECT {listed(self.columns)} FROM ({self.frame.sql})"
        frame = DuckFrame(sql, (), self.frame.tables, self.frame.holds)
        with session.batches(frame, most) as reader:
            yield lake_table(reader.schema.empty_table()).schema, reader


def streamed(session: Session, read: ToRead, make: Make, batch_rows: int) -> Streamed:
    """Read a frame, and put aside for each of the keys the columns that are needed by them."""
    with read.batches(session, batch_rows) as (schema, batches):
        own = make() if read.keeps_columns else None
        by = {
            key: Clustered(
                key, pa.schema([schema.field(n) for n in names]), make, keep_order=read.is_spine
            )
            for key, names in read.needed.items()
        }
        ends: list[int] = []
        nulls = Counter[str]()
        for table in _sliced(batches, batch_rows):
            for cluster in by.values():
                cluster.add(session, table)
            if own is not None:
                own.put(lake_table(table))
            ends.append(len(table) + (ends[-1] if ends else 0))
            nulls.update({name: table.column(name).null_count for name in schema.names})
    return Streamed(by, own, schema, ends, nulls)


def _sliced(batches: Iterable[pa.RecordBatch], most: int) -> Iterator[pa.Table]:
    """What is read, in tables of at most so many rows; DuckDB's batches may be larger."""
    for batch in batches:
        table = pa.Table.from_batches([batch])
        for begin in range(0, len(table), most):
            yield table.slice(begin, most)
