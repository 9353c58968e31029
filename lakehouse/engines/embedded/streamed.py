"""A frame read once from beginning to end, its rows put aside by the keys they are needed by."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from lakehouse.engines.arrow_tables import lake_table
from lakehouse.engines.embedded.buckets import Keys, with_buckets
from lakehouse.engines.embedded.clustered import Clustered, Make
from lakehouse.engines.embedded.frames import DuckFrame
from lakehouse.engines.embedded.on_table import Types
from lakehouse.engines.embedded.session import Session
from lakehouse.engines.embedded.spilled import Spilled


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


def streamed(
    session: Session,
    frame: DuckFrame,
    needed: Mapping[Keys, Sequence[str]],
    make: Make,
    batch_rows: int,
    is_spine: bool,
) -> Streamed:
    """Read a frame once, and put aside for each of the keys the columns that are needed by them.

    Of a spine the order is kept, and all its columns, unless they lie in memory.
    """
    keep = is_spine and not isinstance(frame.computed, pa.Table)
    wanted = list(dict.fromkeys(name for columns in needed.values() for name in columns))
    columns = frame.names if keep else wanted
    reading, buckets = with_buckets(frame, columns, list(needed))
    with session.batches(reading, batch_rows) as reader:
        schema = lake_table(reader.schema.empty_table()).schema
        own_schema = pa.schema([schema.field(name) for name in columns])
        own = make(own_schema) if keep else None
        by = {
            key: Clustered(pa.schema([schema.field(n) for n in names]), make, is_spine)
            for key, names in needed.items()
        }
        ends: list[int] = []
        nulls = Counter[str]()
        for table in _sliced(reader, batch_rows):
            for cluster, bucket in zip(by.values(), buckets, strict=True):
                cluster.add(table, table.column(bucket).combine_chunks())
            if own is not None:
                own.put(table.select(columns))
            ends.append(len(table) + (ends[-1] if ends else 0))
            nulls.update({name: table.column(name).null_count for name in columns})
    return Streamed(by, own, own_schema, ends, nulls)


def _sliced(reader: pa.RecordBatchReader, most: int) -> Iterator[pa.Table]:
    """The rows that are read, in tables of at most so many; DuckDB's batches may be larger."""
    for batch in reader:
        table = lake_table(pa.Table.from_batches([batch]))
        for begin in range(0, len(table), most):
            yield table.slice(begin, most)
