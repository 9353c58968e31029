"""What the online store keeps of a view's rows: fixed slots of 64 bits, and where they are cut.

A windowed view keeps one row for each event: its event time, its known time, and one slot for
each thing its features merge. Where windows have an edge it also keeps tiles, rows of the same
slots that hold all events of one tile at once. Rows of an entity lie in buckets of event time, so
that what a moment needs is one range of them.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Literal

from lakehouse.declare.columns import Kind
from lakehouse.declare.durations import DAY, SECOND
from lakehouse.declare.features import Aggregate, FeatureView, LatestView, StoredView
from lakehouse.declare.tables import table_column
from lakehouse.features.stored_numbers import float_bits

Grain = Literal["event", "tile"]
Merged = Literal["count", "sum", "min", "max"]
EVENT, KNOWN, FIRST_SLOT = 0, 1, 2
ROWS_PER_CHUNK = 48
"""How many rows a bucket should hold at least, on average: reading one more costs a microsecond."""

_MERGES: dict[str, tuple[Merged, ...]] = {
    "count": ("count",),
    "sum": ("sum",),
    "mean": ("sum", "count"),
    "min": ("min", "count"),
    "max": ("max", "count"),
}


@dataclass(frozen=True)
class Slot:
    """One number of a row: what is merged, of which column, of the rows that fit `where`.

    `real` slots hold the bits of a float, others an integer; an amount is scaled by 10**`scale`.
    """

    merged: Merged
    column: str | None
    where: str | None
    real: bool = False
    scale: int = 0


@dataclass(frozen=True)
class WindowLayout:
    """How a FeatureView's rows are kept. Lengths of time are microseconds.

    `bucket_us` and `tile_bucket_us` cut events and tiles; `tile_us` is None without tiles. Tiles
    hold only for the `delay_us` they were made for.
    """

    slots: tuple[Slot, ...]
    delay_us: int
    tile_us: int | None
    bucket_us: int
    tile_bucket_us: int

    @property
    def width(self) -> int:
        """Slots of a row, its two times included."""
        return FIRST_SLOT + len(self.slots)


@dataclass(frozen=True)
class StoredColumn:
    """A column whose values are kept as they are."""

    name: str
    kind: Kind
    scale: int = 0


@dataclass(frozen=True)
class LatestLayout:
    """How a LatestView's rows are kept: the table's key and the view's columns.

    Of rows of equal times the one with the greater `columns` counts, in their order, null least.
    """

    columns: tuple[StoredColumn, ...]
    bucket_us: int


Layout = WindowLayout | LatestLayout


@dataclass(frozen=True)
class Extent:
    """How much a view's table holds: rows, entities, and the time from the first to the last."""

    rows: int
    entities: int
    span_us: int

    def bucket_us(self, reach_us: int) -> int:
        """The length of buckets for windows that reach so far back.

        Half a window long, so that a read takes little more than it needs; longer where entities
        have few rows.
        """
        filled = self.span_us * self.entities * ROWS_PER_CHUNK // max(self.rows, 1)
        return max(reach_us // 2, filled, SECOND)


UNKNOWN_EXTENT = Extent(1, 1, DAY // ROWS_PER_CHUNK)


def layout_of(view: StoredView, extent: Extent = UNKNOWN_EXTENT) -> Layout:
    """The layout for a view over a table of this extent."""
    if isinstance(view, LatestView):
        names = dict.fromkeys((*view.of.keys, *view.columns))
        columns = [table_column(view.of, name) for name in names]
        stored = tuple(StoredColumn(c.name, c.kind, c.scale or 0) for c in columns)
        return LatestLayout(stored, extent.bucket_us(0))
    slots = dict.fromkeys(
        slot for _, aggregate in view.aggregates for slot in slots_of(view, aggregate)
    )
    windows = [w for _, aggregate in view.aggregates for w in aggregate.over.windows]
    edges = [w.edge.us for w in windows if w.edge is not None]
    tile_us = math.gcd(*edges) if edges else None
    exact_us = max((w.length.us for w in windows if w.edge is None), default=tile_us or 0)
    edged_us = max((w.length.us for w in windows if w.edge is not None), default=0)
    # Whole tiles lie in one bucket, and whole buckets of events in one of tiles, so that a table
    # can be packed in slices of time.
    bucket_us = _rounded_up(extent.bucket_us(exact_us), tile_us or 1)
    return WindowLayout(
        tuple(slots),
        0 if view.delay is None else view.delay.us,
        tile_us,
        bucket_us,
        _rounded_up(extent.bucket_us(edged_us), bucket_us),
    )


def slice_us(layout: Layout) -> int:
    """The shortest slice of time, counted from 1970, that no chunk reaches across."""
    return layout.tile_bucket_us if isinstance(layout, WindowLayout) else layout.bucket_us


def _rounded_up(length: int, unit: int) -> int:
    return -(-length // unit) * unit


def slots_of(view: FeatureView, aggregate: Aggregate) -> tuple[Slot, ...]:
    """The slots that one aggregate of a view is computed from, the value's before the count."""
    real, scale = False, 0
    if aggregate.column is not None and aggregate.function != "count":
        column = table_column(view.of, aggregate.column)
        real, scale = column.kind == "float", column.scale or 0
    return tuple(
        Slot("count", aggregate.column, aggregate.where)
        if merged == "count"
        else Slot(merged, aggregate.column, aggregate.where, real, scale)
        for merged in _MERGES[aggregate.function]
    )


def criteria(layout: WindowLayout) -> dict[str, str]:
    """The name of the column that says of each row whether a `where` is true of it."""
    texts = dict.fromkeys(slot.where for slot in layout.slots if slot.where is not None)
    return {text: f"_where_{number}" for number, text in enumerate(texts)}


def neutral(slot: Slot) -> int:
    """The number in a slot that merging leaves as it is, for a row that does not count."""
    if slot.real:
        return float_bits({"min": math.nan, "max": -math.inf}.get(slot.merged, 0.0))
    return {"min": 2**63 - 1, "max": -(2**63)}.get(slot.merged, 0)


def to_data(layout: Layout) -> dict[str, Any]:
    """A layout as plain data, for the store to keep beside the rows."""
    return {"kind": type(layout).__name__, **asdict(layout)}


def from_data(data: dict[str, Any]) -> Layout:
    """The layout that `to_data` wrote."""
    fields = {name: value for name, value in data.items() if name != "kind"}
    if data["kind"] == "LatestLayout":
        columns = tuple(StoredColumn(**c) for c in fields["columns"])
        return LatestLayout(columns, fields["bucket_us"])
    slots = tuple(Slot(**s) for s in fields.pop("slots"))
    return WindowLayout(slots, **fields)
