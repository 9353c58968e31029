"""Keys with more rows than one kernel should hold: their moments are split into slices of time.

A slice gets the rows that its moments may need: those that any window can reach, and, for a latest
value without a time to live, the one row that is the latest where the slice begins. So a key's
work is spread over as many tasks as it has slices, and each holds a bounded share of it. Where a
window may reach back over all rows nothing is split (`can_split`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from lakehouse.declare.features import LatestView, StoredView
from lakehouse.engines.spark.frames import SparkFrame, quoted
from lakehouse.language.provenance import KNOWN_AT

if TYPE_CHECKING:
    from pyspark.sql import Column, SparkSession

MOST_SLICES = 64
_FIRST, _LAST = -(2**62), 2**62
SLICE, _BEGIN, _END = "__slice", "__begin_us", "__end_us"


@dataclass(frozen=True)
class HotKeys:
    """The slices of each hot key: a small frame of its keys, `__slice` and two times in µs.

    The keys stand under names of their own, as columns of their widest type.
    """

    frame: SparkFrame
    keys: tuple[str, ...]

    def matches(self, keys: Sequence[Column]) -> Column:
        """The condition that a row's keys are those of a slice; a null is equal to nothing."""
        pairs = zip(keys, self.keys, strict=True)
        return _all([k == self.frame[quoted(name)] for k, name in pairs])


def find(
    session: SparkSession,
    sides: Sequence[tuple[SparkFrame, Sequence[Column], Column]],
    most_rows: int,
) -> HotKeys | None:
    """Return the slices of the keys that have more than `most_rows` rows, None if there are none.

    `sides` are the spine and the views' rows: a frame, its keys in their widest types, its time in
    microseconds. Slices hold about as many rows each, by their times.
    """
    from pyspark.sql.functions import array, col, count, lit, percentile_approx

    names = tuple(f"__key_{n}" for n in range(len(sides[0][1])))
    listed = [
        frame.select(*(k.alias(n) for k, n in zip(keys, names, strict=True)), at.alias("at_us"))
        for frame, keys, at in sides
    ]
    every = reduce(lambda one, other: one.unionByName(other), listed).dropna(subset=list(names))
    counts = every.groupBy(*names).agg(count(lit(1)).alias("rows")).where(col("rows") > most_rows)
    hot = counts.toArrow()
    if not hot.num_rows:
        return None
    parts = min(-(-max(hot.column("rows").to_pylist()) // most_rows), MOST_SLICES)
    kept = session.createDataFrame(hot.select(list(names)))
    same = _all([every[n] == kept[n] for n in names])
    ends = array(*(lit(n / parts) for n in range(1, parts)))
    found = (
        every.join(kept.hint("broadcast"), same, "leftsemi")
        .groupBy(*names)
        .agg(percentile_approx("at_us", ends, lit(10_000)).alias("ends"))
        .toArrow()
    )
    return HotKeys(session.createDataFrame(_slices(found, names)), names)


def sliced_spine(hot: HotKeys, spine: SparkFrame, keys: Sequence[Column], at: Column) -> SparkFrame:
    """Return the spine with the `__slice` that each row's moment falls in, null if not hot."""
    condition = hot.matches(keys) & (at >= hot.frame[_BEGIN]) & (at < hot.frame[_END])
    slices = hot.frame.hint("broadcast")
    joined = spine.join(slices, condition, "left")
    return joined.select(*(spine[quoted(c)] for c in spine.columns), hot.frame[SLICE])


def sliced_rows(
    hot: HotKeys, rows: SparkFrame, keys: Sequence[Column], views: Sequence[StoredView]
) -> SparkFrame:
    """Return the rows with the `__slice` each is needed in, once for every such slice.

    Rows of keys that are not hot come once, with a null.
    """
    from pyspark.sql.functions import col, greatest, lit, struct, unix_micros
    from pyspark.sql.functions import max as greatest_of

    known = unix_micros(rows[KNOWN_AT])
    happens = views[0].of.event_time
    at = known - 1 if happens is None else unix_micros(rows[quoted(happens)])
    begin, end = hot.frame[_BEGIN], hot.frame[_END]
    slices = hot.frame.hint("broadcast")
    reached = at >= begin - _reach_us(views)
    visible = greatest(at + 1, known)
    without_end = [v for v in views if isinstance(v, LatestView) and v.reach_us is None]
    needed = reached | (visible >= begin) if without_end else reached
    columns = [rows[quoted(c)].alias(c) for c in rows.columns]
    same = hot.matches(keys)
    ordinary = rows.join(slices, same, "leftanti").withColumn(SLICE, lit(None).cast("int"))
    in_slices = rows.join(slices, same & (at < end) & (known < end) & needed, "inner")
    parts = [ordinary, in_slices.select(*columns, hot.frame[SLICE])]
    for view in without_end:
        # The order in which the kernels take one of several rows for the latest.
        ranked = struct(
            at.alias("at"),
            known.alias("known"),
            *(rows[quoted(c)].alias(f"tie_{n}") for n, c in enumerate(view.order)),
            struct(*columns).alias("row"),
        )
        earlier = rows.join(slices, same & (visible < begin) & ~reached, "inner")
        last = earlier.groupBy(hot.frame[SLICE]).agg(greatest_of(ranked).alias("last"))
        parts.append(last.select("last.row.*", col(SLICE)))
    return reduce(lambda one, other: one.unionByName(other), parts)


def _all(conditions: Sequence[Column]) -> Column:
    return reduce(lambda one, other: one & other, conditions)


def can_split(views: Sequence[StoredView]) -> bool:
    """Whether a slice of time needs less than all that came before it.

    A window of rows, and one of all that was, need rows of any age: a key's slices together
    would take more than the key in one piece.
    """
    return all(view.bounded for view in views)


def _reach_us(views: Sequence[StoredView]) -> int:
    """How long before a moment the rows lie that the views' windows can use."""
    return max((view.reach_us or 0 for view in views), default=0) + 1


def _slices(hot_keys: Any, names: Sequence[str]) -> pa.Table:
    """One row for each slice of each hot key; every moment lies in one slice of its key."""
    chosen: list[int] = []
    numbers: list[int] = []
    begins: list[int] = []
    ends: list[int] = []
    for place, bounds in enumerate(hot_keys.column("ends").to_pylist()):
        inner = sorted(set(bounds))
        for begin, end in zip([_FIRST, *inner], [*inner, _LAST], strict=True):
            chosen.append(place)
            numbers.append(len(numbers))
            begins.append(begin)
            ends.append(end)
    table = hot_keys.select(list(names)).take(pa.array(chosen, pa.int64()))
    for name, values, kind in (
        (SLICE, numbers, pa.int32()),
        (_BEGIN, begins, pa.int64()),
        (_END, ends, pa.int64()),
    ):
        table = table.append_column(name, pa.array(values, kind))
    return table
