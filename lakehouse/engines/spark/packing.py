"""Rows that travel between Spark's tasks as Arrow batches, a bucket of entities in one binary.

Spark moves a few large values then, where it would turn every row into its own format, sort it
and turn it back into Arrow for the kernels.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from lakehouse.engines.arrow_types import MICROSECONDS
from lakehouse.engines.kernels.entity_codes import of_equal_bits
from lakehouse.engines.kernels.ordering import Int64

BUCKET, PART, ROWS = "bucket", "part", "rows"
PACKED = f"{BUCKET} int, {PART} int, {ROWS} binary"
"""The columns of packed rows, as Spark declares them; `part` is whose rows they are."""
_SCHEMA = pa.schema([(BUCKET, pa.int32()), (PART, pa.int32()), (ROWS, pa.binary())])

MOST_ROWS, MOST_BYTES = 250_000, 200_000_000
"""So many rows at most are gathered before they are put into buckets."""

_LZ4 = pa.ipc.IpcWriteOptions(compression="lz4", use_threads=False)

Batches = Iterator[pa.RecordBatch]


@dataclass(frozen=True)
class Packer:
    """Puts rows into `buckets` by a hash of their keys, and marks them as those of a `part`.

    Where rows have a column named `slice`, its number says which bucket beyond these they are in,
    if it is not null; it does not travel.
    """

    part: int
    keys: tuple[str, ...]
    buckets: int
    slice: str | None = None

    def batches(self, rows: Batches) -> Batches:
        """Pack a stream of rows; a task's part of them."""
        for table in _gathered(rows):
            yield from self.table(table).to_batches()

    def table(self, rows: pa.Table) -> pa.Table:
        """Pack a table: one row of the answer for each bucket that has any."""
        bucket = buckets_of([rows.column(key) for key in self.keys], self.buckets)
        if self.slice is not None:
            sliced = rows.column(self.slice).fill_null(-1).to_numpy()
            bucket = np.where(sliced < 0, bucket, self.buckets + sliced)
            rows = rows.drop_columns([self.slice])
        counts = np.bincount(bucket)
        there = np.flatnonzero(counts)
        ends = np.cumsum(counts[there])
        # Numbers of 16 bits are sorted by their digits.
        order = np.argsort(
            bucket.astype(np.uint16 if len(counts) < 2**16 else np.int64), kind="stable"
        )
        ordered = rows.take(pa.array(order))
        parts = [
            ordered.slice(end - size, size) for end, size in zip(ends, counts[there], strict=True)
        ]
        columns = [
            pa.array(there, pa.int32()),
            pa.array(np.full(len(there), self.part, dtype=np.int32)),
            as_binaries(parts),
        ]
        return pa.table(columns, schema=_SCHEMA)


def unpacked(packed: pa.Table, part: int, schema: pa.Schema | None = None) -> pa.Table | None:
    """Return the rows of a part; where there are none, an empty table of `schema`, if given."""
    numbers = packed.column(PART).to_numpy()
    rows = packed.column(ROWS)
    tables = [
        pa.ipc.open_stream(rows[place].as_buffer()).read_all()
        for place in np.flatnonzero(numbers == part).tolist()
    ]
    if tables:
        return pa.concat_tables(tables)
    return None if schema is None else schema.empty_table()


def none_packed() -> pa.Table:
    """Return packed rows of which there are none."""
    return _SCHEMA.empty_table()


def buckets_of(keys: Sequence[Any], buckets: int) -> Int64:
    """Return the bucket of each row's keys; keys that are equal, in whatever width, share theirs.

    Rows with a null among their keys belong to no entity, and are spread over all.

    >>> narrow, wide = pa.chunked_array([pa.array([7, None], pa.int8())]), pa.chunked_array([[7]])
    >>> int(buckets_of([narrow], 16)[0]) == int(buckets_of([wide], 16)[0])
    True
    """
    rows = len(keys[0])
    hashed = np.zeros(rows, dtype=np.uint64)
    nowhere = np.zeros(rows, dtype=np.bool_)
    for key in keys:
        column = key.combine_chunks() if isinstance(key, pa.ChunkedArray) else key
        if column.null_count:
            nowhere |= column.is_null().to_numpy(zero_copy_only=False)
        hashed = _mixed(hashed + _hashes(column))
    found = (hashed % np.uint64(buckets)).astype(np.int64)
    found[nowhere] = np.flatnonzero(nowhere) % buckets
    return found


def _mixed(values: Any) -> Any:
    """The finaliser of SplitMix64 (Steele, Lea and Flood, 2014), which spreads near numbers."""
    values = values + np.uint64(0x9E3779B97F4A7C15)
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def _hashes(column: Any) -> Any:
    """A number for each value, equal where values are; of a null it is any."""
    kind = column.type
    if pa.types.is_integer(kind):
        return _words(column.cast(pa.int64()))
    if pa.types.is_floating(kind):
        return _words(of_equal_bits(column.cast(pa.float64())))
    if pa.types.is_decimal(kind):
        words = _words(column.cast(pa.decimal128(38, 18)))
        return _mixed(words[::2]) ^ words[1::2]
    if pa.types.is_timestamp(kind):
        return _words(column.cast(MICROSECONDS if kind.tz else pa.timestamp("us")))
    coded = column.dictionary_encode()
    values = [0 if v is None else zlib.crc32(_bytes(v)) for v in coded.dictionary.to_pylist()]
    codes = coded.indices.fill_null(len(values)).to_numpy()
    return np.array([*values, 0], dtype=np.uint64)[codes]


def _words(column: Any) -> Any:
    """The values of a column of fixed width as numbers of 64 bits."""
    width = column.type.bit_width // 64
    begin = column.offset * width
    return np.frombuffer(column.buffers()[1], np.uint64)[begin : begin + len(column) * width]


def _bytes(value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()


def _gathered(rows: Batches) -> Iterator[pa.Table]:
    """The rows in tables of about `MOST_ROWS`, so that a bucket is not many small pieces."""
    held: list[pa.RecordBatch] = []
    count = size = 0
    for batch in rows:
        held.append(batch)
        count, size = count + len(batch), size + batch.nbytes
        if count >= MOST_ROWS or size >= MOST_BYTES:
            yield pa.Table.from_batches(held)
            held, count, size = [], 0, 0
    if count:
        yield pa.Table.from_batches(held)


def as_binaries(tables: Sequence[pa.Table]) -> pa.BinaryArray:
    """Each table as one binary in Arrow's stream format."""
    sink = pa.BufferOutputStream()
    ends = [0]
    for table in tables:
        with pa.ipc.new_stream(sink, table.schema, options=_LZ4) as writer:
            writer.write_table(table)
        ends.append(sink.tell())
    offsets = pa.py_buffer(np.array(ends, dtype=np.int32))
    return pa.Array.from_buffers(pa.binary(), len(tables), [None, offsets, sink.getvalue()])
