"""Rows put together by their entity: a stream of them, each batch in the order of its buckets.

What belongs to some neighbouring buckets is a stretch of every batch, so a part of the rows is
read without the rest.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa

from lakehouse.engines.embedded.buckets import BUCKETS, in_buckets
from lakehouse.engines.embedded.spilled import Spilled
from lakehouse.engines.kernels.ordering import Int64
from lakehouse.errors import LakehouseError

_ORDERS = pa.schema([("row", pa.int32())])

Make = Callable[[pa.Schema], Spilled]
"""What makes a file for tables of a schema."""


class Clustered:
    """Batches of rows with some columns, each put in the order of its rows' buckets.

    `counts[bucket]` says how many rows there are. Only with `keep_order` can a batch's `order` be
    asked for.
    """

    def __init__(self, schema: pa.Schema, make: Make, keep_order: bool) -> None:
        self.schema = schema
        self.counts: Int64 = np.zeros(BUCKETS, dtype=np.int64)
        self._spilled = make(schema)
        self._orders = make(_ORDERS) if keep_order else None
        self._starts: list[Int64] = []

    def add(self, batch: pa.Table, bucket: Any) -> None:
        """Put a batch aside."""
        order, counts = in_buckets(bucket)
        self.counts += counts
        self._starts.append(np.concatenate(([0], np.cumsum(counts))))
        self._spilled.put(batch.select(self.schema.names).take(pa.array(order)))
        if self._orders is not None:
            self._orders.put(pa.table([pa.array(order.astype(np.int32))], schema=_ORDERS))

    def sizes(self, ends: Int64) -> Int64:
        """Return how many rows each batch (a row) has in each part (a column).

        Parts are the buckets up to each of `ends`, from where the part before ended.
        """
        starts = np.array(self._starts, dtype=np.int64).reshape(-1, BUCKETS + 1)
        return np.diff(starts[:, np.concatenate(([0], ends))], axis=1)

    def rows(self, first: int, end: int) -> pa.Table:
        """Return the rows of buckets from `first` up to, without, `end`, in the stream's order."""
        with self._spilled.opened() as opened:
            stretches = [
                opened.table(number).slice(start[first], length)
                for number, start in enumerate(self._starts)
                if (length := int(start[end] - start[first]))
            ]
            if not stretches:
                return self.schema.empty_table()
            return pa.concat_tables(stretches).combine_chunks()

    def order(self, number: int) -> Int64:
        """Return the rows of a batch, as it came, in the order of their buckets."""
        if self._orders is None:
            raise LakehouseError("These rows were put aside without their order.")
        with self._orders.opened() as opened:
            order: Int64 = opened.table(number).column(0).to_numpy().astype(np.int64)
            return order

    def drop_rows(self) -> None:
        """Free the room of the rows, and keep their order."""
        self._spilled.remove()
