"""Rows put together by their entity: a stream of them, each batch in the order of its buckets.

What belongs to some neighbouring buckets is a stretch of every batch, so a part of the rows is
read without the rest. A batch's distinct keys stand in the same order beside it, and its rows have
their numbers: a key that many rows have is written, and later compared, once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lakehouse.engines.arrow_tables import lake_table, one_array
from lakehouse.engines.embedded.parts.buckets import BUCKETS, buckets_of, in_buckets
from lakehouse.engines.embedded.parts.distinct_keys import distinct_keys
from lakehouse.engines.embedded.parts.spilled import Spilled
from lakehouse.engines.embedded.session import Session
from lakehouse.engines.kernels.entity_codes import UNKNOWN
from lakehouse.engines.kernels.ordering import Int64
from lakehouse.errors import LakehouseError

Make = Callable[[], Spilled]
"""What makes a file for tables."""


class Clustered:
    """Batches of rows with some columns, each put in the order of its rows' buckets.

    `counts[bucket]` says how many rows there are. Only with `keep_order` can a batch's `order` be
    asked for.
    """

    def __init__(
        self, keys: Sequence[str], schema: pa.Schema, make: Make, *, keep_order: bool
    ) -> None:
        self._keys = list(keys)
        self._others = [name for name in schema.names if name not in keys]
        self._none = schema.empty_table()
        self.counts: Int64 = np.zeros(BUCKETS, dtype=np.int64)
        self._rows, self._distinct = make(), make()
        self._orders = make() if keep_order else None
        self._starts: list[Int64] = []
        self._key_starts: list[Int64] = []

    def add(self, session: Session, batch: pa.Table) -> None:
        """Put a batch aside."""
        found = distinct_keys(batch, self._keys)
        key_buckets = buckets_of(session, found.keys)
        key_order, key_counts = in_buckets(key_buckets)
        self._distinct.put(found.keys.take(pa.array(key_order)))
        self._key_starts.append(_starts(key_counts))

        # One more for rows of no entity: these are spread over all buckets, below.
        number = np.full(len(key_order) + 1, UNKNOWN, dtype=np.int32)
        number[key_order] = np.arange(len(key_order))
        buckets = np.append(key_buckets, 0)[found.of_row]
        nowhere = np.flatnonzero(found.of_row == UNKNOWN)
        buckets[nowhere] = nowhere % BUCKETS
        order, counts = in_buckets(buckets)
        self.counts += counts
        self._starts.append(_starts(counts))
        numbers = number[found.of_row[order]]
        others = lake_table(batch.select(self._others)).take(pa.array(order))
        key = pa.array(numbers, mask=numbers == UNKNOWN if len(nowhere) else None)
        self._rows.put(pa.table([*others.columns, key], [*self._others, "key"]))
        if self._orders is not None:
            self._orders.put(pa.table([pa.array(order.astype(np.int32))], ["row"]))

    def sizes(self, ends: Int64) -> Int64:
        """Return how many rows each batch (a row) has in each part (a column).

        Parts are the buckets up to each of `ends`, from where the part before ended.
        """
        starts = np.array(self._starts, dtype=np.int64).reshape(-1, BUCKETS + 1)
        return np.diff(starts[:, np.concatenate(([0], ends))], axis=1)

    def rows(self, first: int, end: int) -> pa.Table:
        """Return the rows of buckets from `first` up to, without, `end`, in the stream's order.

        Their keys come with dictionaries.
        """
        others: list[pa.Table] = []
        keys: list[list[Any]] = [[] for _ in self._keys]
        with self._rows.opened() as rows, self._distinct.opened() as distinct:
            for number, start in enumerate(self._starts):
                length = int(start[end] - start[first])
                if not length:
                    continue
                stretch = rows.table(number).slice(start[first], length)
                begin, after = (int(self._key_starts[number][at]) for at in (first, end))
                known = distinct.table(number).slice(begin, after - begin)
                places = pc.subtract(one_array(stretch.column(-1)), pa.scalar(begin, pa.int32()))
                for chunks, column in zip(keys, known.columns, strict=True):
                    values = one_array(column)
                    chunks.append(pa.DictionaryArray.from_arrays(places, values, safe=False))
                others.append(stretch.select(self._others))
        return self._table(others, keys)

    def order(self, number: int) -> Int64:
        """Return the rows of a batch, as it came, in the order of their buckets."""
        if self._orders is None:
            raise LakehouseError("These rows were put aside without their order.")
        with self._orders.opened() as opened:
            order: Int64 = opened.table(number).column(0).to_numpy().astype(np.int64)
            return order

    def drop_rows(self) -> None:
        """Free the room of the rows, and keep their order."""
        self._rows.remove()
        self._distinct.remove()

    def _table(self, others: Sequence[pa.Table], keys: Sequence[Sequence[Any]]) -> pa.Table:
        if not others:
            return self._none
        table = pa.concat_tables(others).combine_chunks()
        for name, chunks in zip(self._keys, keys, strict=True):
            table = table.append_column(name, pa.chunked_array(chunks))
        return table


def _starts(counts: Int64) -> Int64:
    return np.concatenate(([0], np.cumsum(counts)))
