"""Shares of the entities by a hash of their keys: what features are computed in parts by.

A part is some neighbouring buckets, so rows in the order of their buckets hold it as one stretch.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from lakehouse.engines.embedded.frames import DuckFrame, quoted
from lakehouse.engines.embedded.session import Session
from lakehouse.engines.kernels.ordering import Int64

Keys = tuple[str, ...]

BUCKETS = 1024
"""More than a large table has parts, so that these come out even, and few enough for a radix sort
of 16 bits to put rows in their order."""


def buckets_of(session: Session, keys: pa.Table) -> Int64:
    """Return the bucket of each row of a table of keys without nulls.

    Keys that are equal share theirs, whatever their widths.
    """
    name = session.new_name("keys")
    values = ", ".join(_widest(field) for field in keys.schema)
    sql = f"SELECT CAST(hash({values}) % {BUCKETS} AS BIGINT) AS bucket FROM {quoted(name)}"
    found: Int64 = session.arrow(DuckFrame(sql, (), {name: keys})).column(0).to_numpy()
    return found


def _widest(key: pa.Field) -> str:
    name = quoted(key.name)
    if pa.types.is_integer(key.type):
        return f"CAST({name} AS BIGINT)"
    if pa.types.is_decimal(key.type):
        return f"CAST({name} AS DECIMAL(38,18))"
    if pa.types.is_floating(key.type):
        return f"CAST({name} AS DOUBLE) + 0.0"  # -0.0 becomes 0.0
    return name


def in_buckets(numbers: Int64) -> tuple[Int64, Int64]:
    """Return rows in the order of their buckets, and how many rows each bucket has.

    Rows of one bucket stay in their order.
    """
    order = np.argsort(numbers.astype(np.int16), kind="stable")  # of 16 bits: a radix sort
    return order, np.bincount(numbers, minlength=BUCKETS)


def even_ends(counts: Int64, most: int) -> Int64:
    """Return where parts of about equally many rows end, among buckets with these counts.

    A part has about `most` rows at most: more, if one bucket has.

    >>> even_ends(np.array([4, 1, 1, 9, 1, 2]), most=6).tolist()
    [3, 4, 6]
    >>> even_ends(np.zeros(3, dtype=np.int64), most=6).tolist()
    [3]
    """
    total = int(counts.sum())
    parts = max(1, -(-total // most))
    wanted = np.arange(1, parts) * total // parts
    ends = np.searchsorted(np.cumsum(counts), wanted) + 1
    return np.unique(np.append(ends, len(counts)))
