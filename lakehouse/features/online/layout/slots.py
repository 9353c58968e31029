"""What the online store keeps of a view's rows: fixed slots of 64 bits.

A windowed view keeps one row for each event: its event time, its known time, the number of its
key, and one slot for each thing its features merge. Where windows have an edge it also keeps
tiles, rows that hold all events of one tile at once.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import singledispatch
from typing import Any, Literal

from lakehouse.declare.aggregates.facts import Kept, Merged
from lakehouse.declare.computed import Computed
from lakehouse.declare.durations import DAY
from lakehouse.declare.features import (
    Aggregate,
    EverWindow,
    FeatureView,
    LatestView,
    StoredView,
    Window,
)
from lakehouse.declare.operands import operand
from lakehouse.declare.tables import Table, table_column
from lakehouse.declare.view import unknown_kind
from lakehouse.errors import LakehouseError
from lakehouse.features.online.layout.lines import LINE
from lakehouse.features.online.layout.stored_numbers import float_bits
from lakehouse.language.kinds import Kind

Grain = Literal["event", "tile"]
EVENT, KNOWN, ID, FIRST_SLOT = 0, 1, 2, 3
ENTRY = 4
"""Numbers of an entry of an `earliest` or `latest` slot: event time, known time, id, value."""
ABSENT = -(2**62)
"""The event time of an entry that is not there."""
BEGINNING = -(2**62)
"""Earlier than every time."""
ENDING = 2**62
"""Later than every time."""
TILE_OF_EVER_US = DAY
"""The size of tiles where no window's edge says another."""


@dataclass(frozen=True)
class Slot:
    """One number of a row: what is merged, of which column, of the rows that fit `where`.

    In the place of a column may stand an expression over the table's columns.
    `real` slots hold the bits of a float, others an integer; an amount is scaled by 10**`scale`.
    `squares` are those of the distances from the row's own mean, a `line` is what `lines` says of
    a tile's values over time. A `value` is kept as it is, a text as the number that stands for it
    (`texts`). `earliest` and `latest` hold up to `many` entries of a tile's first or last values.
    """

    merged: Merged
    column: str | None
    where: str | None
    real: bool = False
    scale: int = 0
    kind: Kind | None = None
    many: int = 1

    @property
    def texts(self) -> bool:
        """Whether its values are texts."""
        return self.kind == "string"

    @property
    def counts_all(self) -> bool:
        """Whether it is 1 in the row of every event."""
        return self.merged == "count" and self.column is None and self.where is None

    @property
    def width(self) -> int:
        """How many numbers of a row it takes."""
        if self.merged == "line":
            return LINE
        return ENTRY * self.many if self.merged in ("earliest", "latest") else 1


@dataclass(frozen=True)
class LastRows:
    """So many rows of an entity, its last that a criterion is true of, that are kept of any age.

    `counted` is the slot that says of which it is true; None for all of them.
    """

    rows: int
    counted: Slot | None

    def holds(self, other: LastRows) -> bool:
        """Whether other rows are among these."""
        return self.counted == other.counted and self.rows >= other.rows


@dataclass(frozen=True)
class WindowLayout:
    """How a FeatureView's rows are kept. Lengths of time are microseconds.

    `tile_us` is None without tiles, which hold only for the `delay_us` they were made for. Where
    rows are `ordered`, those of equal times stand in the order of their keys. Of what lies before
    all windows of a length of time an entity's `last_rows` are kept, and with `ever` what all its
    tiles make together.
    """

    slots: tuple[Slot, ...]
    tile_slots: tuple[Slot, ...]
    delay_us: int
    tile_us: int | None
    ordered: bool
    last_rows: tuple[LastRows, ...] = ()
    ever: bool = False

    @property
    def width(self) -> int:
        """Numbers of an event's row."""
        return FIRST_SLOT + len(self.slots)

    @property
    def tile_width(self) -> int:
        """Numbers of a tile's row."""
        return FIRST_SLOT + sum(slot.width for slot in self.tile_slots)

    def place(self, slot: Slot) -> int:
        """Where a slot stands in an event's row."""
        return FIRST_SLOT + self.slots.index(slot)

    def tile_place(self, slot: Slot) -> int:
        """Where a slot begins in a tile's row."""
        number = self.tile_slots.index(slot)
        return FIRST_SLOT + sum(before.width for before in self.tile_slots[:number])


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


Layout = WindowLayout | LatestLayout


@singledispatch
def layout_of(view: StoredView) -> Layout:
    """The layout for a view."""
    raise unknown_kind(view, "layout_of")


@layout_of.register
def _(view: LatestView) -> LatestLayout:
    columns = [table_column(view.of, name) for name in view.order]
    return LatestLayout(tuple(StoredColumn(c.name, c.kind, c.scale or 0) for c in columns))


@layout_of.register
def _(view: FeatureView) -> WindowLayout:
    aggregates = [aggregate for _, aggregate in view.aggregates]
    slots = dict.fromkeys(slot for a in aggregates for slot in slots_of(view, a))
    last_rows = _last_rows(aggregates)
    slots |= dict.fromkeys(last.counted for last in last_rows if last.counted is not None)
    windows = view.windows
    edges = [w.edge_us for w in windows if w.tiled and isinstance(w, Window)]
    ever = any(isinstance(w, EverWindow) for w in windows)
    tiled = [a for a in aggregates if any(w.tiled for w in a.over.windows)]
    tile_slots = dict.fromkeys(slot for a in tiled for slot in tile_slots_of(view, a))
    ordered = any(a.facts.ordered for a in aggregates)
    if ordered and not view.of.keys:
        raise LakehouseError(
            f"View '{view.name}' asks for the first or last values of table '{view.of.name}', "
            "whose rows have no key to order those of one time by; declare one with key(), or ask "
            "historical features alone."
        )
    return WindowLayout(
        tuple(slots),
        tuple(tile_slots),
        view.delay_us,
        math.gcd(*edges) if edges else TILE_OF_EVER_US if ever else None,
        ordered or bool(last_rows),
        last_rows,
        ever,
    )


def _last_rows(aggregates: Sequence[Aggregate]) -> tuple[LastRows, ...]:
    """What windows of so many rows need: the most rows of each criterion."""
    most: dict[Slot | None, int] = {}
    for aggregate in aggregates:
        counted = counted_slot(aggregate)
        for window in aggregate.over.windows:
            if window.rows is not None:
                most[counted] = max(window.rows, most.get(counted, 0))
    return tuple(LastRows(rows, counted) for counted, rows in most.items())


def counted_slot(aggregate: Aggregate) -> Slot | None:
    """The slot that says of each row whether a window of so many rows counts it; None: all."""
    where = aggregate.counted_where
    return None if where is None else Slot("count", None, where)


def slots_of(view: FeatureView, aggregate: Aggregate) -> tuple[Slot, ...]:
    """The slots of events that one aggregate is computed from, in the order of its facts."""
    return tuple(_slot(view, aggregate, kept) for kept in aggregate.facts.events)


def tile_slots_of(view: FeatureView, aggregate: Aggregate) -> tuple[Slot, ...]:
    """The slots of tiles that one aggregate is computed from, in the order of its facts."""
    if not aggregate.facts.tiles:
        raise LakehouseError(
            f"View '{view.name}': a tile cannot hold what {aggregate.function} is of; ask for it "
            "in windows without an edge."
        )
    return tuple(_slot(view, aggregate, kept) for kept in aggregate.facts.tiles)


def _slot(view: FeatureView, aggregate: Aggregate, kept: Kept) -> Slot:
    merged, where = kept.merged, None if kept.whatever_where else aggregate.where
    name = view.of.event_time if kept.of == "event time" else aggregate.column
    if merged == "count" or name is None:
        return Slot("count", name, where)
    column = operand(view.of, name)
    scale = column.scale or 0
    if merged == "squares":
        return Slot(merged, name, where, real=True)
    if merged in ("value", "earliest", "latest"):
        listed = merged != "value" and aggregate.facts.lists
        many = aggregate.argument if listed else 1
        return Slot(merged, name, where, False, scale, column.kind, many)
    return Slot(merged, name, where, column.kind == "float", scale)


def computed_for(table: Table, layout: Layout) -> Computed:
    """What is computed of each row of a table for a layout: criteria, and what slots are of."""
    if isinstance(layout, LatestLayout):
        return Computed.of(table, ())
    texts = (text for slot in layout.slots for text in (slot.where, slot.column))
    return Computed.of(table, (text for text in texts if text is not None))


def neutral(slot: Slot) -> int:
    """The number in a slot that merging leaves as it is, for a row that does not count."""
    if slot.real:
        return float_bits({"min": math.nan, "max": -math.inf}.get(slot.merged, 0.0))
    return {"min": 2**63 - 1, "max": -(2**63)}.get(slot.merged, 0)


def to_data(layout: Layout) -> dict[str, Any]:
    """A layout as plain data, for the store to keep beside the rows."""
    return {"layout": type(layout).__name__, **asdict(layout)}


def from_data(data: dict[str, Any]) -> Layout:
    """The layout that `to_data` wrote."""
    fields = {name: value for name, value in data.items() if name != "layout"}
    if data["layout"] == "LatestLayout":
        return LatestLayout(tuple(StoredColumn(**c) for c in fields["columns"]))
    for name in ("slots", "tile_slots"):
        fields[name] = tuple(Slot(**s) for s in fields[name])
    fields["last_rows"] = tuple(
        LastRows(one["rows"], None if one["counted"] is None else Slot(**one["counted"]))
        for one in fields.get("last_rows", ())
    )
    return WindowLayout(**fields)
