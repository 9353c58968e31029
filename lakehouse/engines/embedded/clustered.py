"""Rows put together by their entity: a stream of them, each batch in the order of some buckets.

A bucket is a share of the entities, by a hash of their keys. What belongs to some neighbouring
buckets is a stretch of every batch, so a part of the rows is read without the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from lakehouse.engines.embedded.frames import quoted
from lakehouse.engines.embedded.spilled import Spilled
from lakehouse.engines.kernels.ordering import Int64

BUCKETS = 1024
"""Parts are made of whole buckets; more of them than a large table has parts, so that these come
out even, and few enough that a batch of rows is put in their order by a radix sort."""

ORDER = "_order"

Make = Callable[[pa.Schema], Spilled]
"""What makes a file for tables of a schema."""

_INTEGERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")


def bucket_sql(keys: Sequence[str], kinds: dict[str, str]) -> str:
    """Return the SQL of a row's bucket, null where a key is; `kinds` are DuckDB's types.

    Keys that are equal share theirs, whatever their widths.
    """
    unknown = " OR ".join(f"{quoted(key)} IS NULL" for key in keys)
    values = ", ".join(_widest(key, kinds[key]) for key in keys)
    bucket = f"CAST(hash({values}) % {BUCKETS} AS SMALLINT)"
    return f"CASE WHEN {unknown} THEN NULL ELSE {bucket} END"


def _widest(key: str, kind: str) -> str:
    name = quoted(key)
    if kind in _INTEGERS:
        return f"CAST({name} AS BIGINT)"
    if kind.startswith("DECIMAL"):
        return f"CAST({name} AS DECIMAL(38,18))"
    if kind in ("FLOAT", "DOUBLE"):
        return f"CAST({name} AS DOUBLE) + 0.0"  # -0.0 becomes 0.0
    return name


class Clustered:
    """Batches of rows with some columns, each put in the order of its rows' buckets.

    `counts[bucket]` says how many rows there are.
    """

    def __init__(self, schema: pa.Schema, make: Make) -> None:
        self.schema = schema
        self.counts: Int64 = np.zeros(BUCKETS, dtype=np.int64)
        self._spilled = make(schema.append(pa.field(ORDER, pa.int32())))
        self._starts: list[Int64] = []

    def add(self, batch: pa.Table, bucket: Any) -> None:
        """Put a batch aside; rows whose bucket is null are spread over all of them."""
        numbers = bucket.fill_null(-1).to_numpy(zero_copy_only=False)
        nowhere = np.flatnonzero(numbers < 0)
        if len(nowhere):
            numbers = numbers.copy()
            numbers[nowhere] = nowhere % BUCKETS
        order = np.argsort(numbers, kind="stable")
        counts = np.bincount(numbers, minlength=BUCKETS)
        self.counts += counts
        self._starts.append(np.concatenate(([0], np.cumsum(counts))))
        taken = batch.select(self.schema.names).take(pa.array(order))
        self._spilled.put(taken.append_column(ORDER, pa.array(order.astype(np.int32))))

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
                opened.table(number).select(self.schema.names).slice(start[first], length)
                for number, start in enumerate(self._starts)
                if (length := int(start[end] - start[first]))
            ]
            if not stretches:
                return self.schema.empty_table()
            return pa.concat_tables(stretches).combine_chunks()

    def order(self, number: int) -> Int64:
        """Return the rows of a batch, as it came, in the order of their buckets."""
        with self._spilled.opened() as opened:
            order: Int64 = opened.table(number).column(ORDER).to_numpy().astype(np.int64)
            return order
