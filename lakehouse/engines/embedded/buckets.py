"""Shares of the entities by a hash of their keys: what features are computed in parts by.

A part is some neighbouring buckets, so rows in the order of their buckets hold it as one stretch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from lakehouse.engines.embedded.frames import DuckFrame, listed, quoted
from lakehouse.engines.kernels.ordering import Int64

Keys = tuple[str, ...]

BUCKETS = 1024
"""More than a large table has parts, so that these come out even, and few enough for a radix sort
of 16 bits to put rows in their order."""

_INTEGERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")


def with_buckets(
    frame: DuckFrame, columns: Sequence[str], by: Sequence[Keys]
) -> tuple[DuckFrame, list[str]]:
    """Return columns of a frame and the buckets of some keys, and how these columns are called."""
    kinds = dict(frame.columns)
    names: list[str] = []
    for number in range(len(by)):
        name = f"_bucket_{number}"
        while name in columns:
            name += "_"
        names.append(name)
    buckets = [f"{bucket_sql(k, kinds)} AS {quoted(n)}" for k, n in zip(by, names, strict=True)]
    selected = ", ".join([*([listed(columns)] if columns else []), *buckets])
    sql = f"SELECT {selected} FROM ({frame.sql})"
    return DuckFrame(sql, (), frame.tables, frame.holds), names


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


def in_buckets(bucket: Any) -> tuple[Int64, Int64]:
    """Return the rows in the order of their buckets, and how many rows each bucket has.

    Rows of one bucket stay in their order. Those whose bucket is null, and which belong to no
    entity, are spread over all of them.
    """
    numbers = bucket.fill_null(-1).to_numpy(zero_copy_only=False)
    nowhere = np.flatnonzero(numbers < 0)
    if len(nowhere):
        numbers = numbers.copy()
        numbers[nowhere] = nowhere % BUCKETS
    return np.argsort(numbers, kind="stable"), np.bincount(numbers, minlength=BUCKETS)


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
