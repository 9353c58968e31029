"""A few rows of a view's table, packed in plain Python for the online store: the way of streams."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Mapping
from functools import singledispatch
from typing import Any, NamedTuple

from lakehouse.declare.computed import Computed, with_computed
from lakehouse.declare.features import FeatureView, LatestView, StoredView
from lakehouse.declare.operands import operand
from lakehouse.declare.tables import Table
from lakehouse.declare.view import unknown_kind
from lakehouse.features.online.layout.entity_keys import EntityKeys
from lakehouse.features.online.layout.kinds import of_kind
from lakehouse.features.online.layout.latest_rows import LatestRow
from lakehouse.features.online.layout.lines import NO_LINE, Line
from lakehouse.features.online.layout.row_ids import RowKeys, number_of
from lakehouse.features.online.layout.slots import (
    ABSENT,
    ENTRY,
    LatestLayout,
    Layout,
    Slot,
    WindowLayout,
    computed_for,
    neutral,
)
from lakehouse.features.online.layout.stored_numbers import (
    NotStorable,
    canonical,
    float_of,
    reader,
    us_of,
    writer,
)
from lakehouse.language.provenance import KNOWN_AT

Row = Mapping[str, Any]
"""A row of the view's table by column, `_known_at` included; times are datetimes."""


class RowPlace(NamedTuple):
    """What places a row of a table in any view of it: its times and its key.

    `id` is the number that stands for the key, 0 where there is none.
    """

    event_us: int
    known_us: int
    key: bytes
    id: int


class RowPlaces:
    """The places of a table's rows."""

    def __init__(self, table: Table) -> None:
        self.keys = RowKeys(table)
        self._has_key, self._event_time = bool(table.keys), table.event_time

    def of(self, row: Row) -> RowPlace | None:
        """Where a row belongs; None if it counts at no moment."""
        known = row[KNOWN_AT]
        event = known if self._event_time is None else row[self._event_time]
        if known is None or event is None:
            return None
        key, known_us = self.keys.of(row), us_of(known)
        # What has no event time happens one microsecond before it is known.
        event_us = known_us - 1 if self._event_time is None else us_of(event)
        return RowPlace(event_us, known_us, key, number_of(key) if self._has_key else 0)


class NewRow(NamedTuple):
    """A row that counts at some moment: whose it is, when, and what is kept of it.

    `id` stands for the table's key, 0 where there is none. `kept` is the packed event, or a row
    of latest values; `tile` the numbers of a tile that holds this event alone. `text` is the row as
    it is listed until its table has it, None where it is not to be listed.
    """

    entity: bytes
    event_us: int
    known_us: int
    id: int
    key: bytes
    kept: bytes | LatestRow
    tile: list[int] | None
    text: bytes | None = None


class RowPacker:
    """Packs rows of one view's table; `texts` gathers what numbers in them stand for."""

    def __init__(self, view: StoredView, layout: Layout) -> None:
        self.view, self.layout = view, layout
        self.texts: dict[int, bytes] = {}
        self._entities = EntityKeys.of_view(view)
        self.places = RowPlaces(view.of)
        self._kept = _kept(view, layout, self.texts)
        self._ordered = isinstance(layout, WindowLayout) and layout.ordered

    def pack(self, row: Row) -> NewRow | None:
        """A row as it is kept; None if it counts at no moment.

        Raises NotStorable for a value of another type than is declared.
        """
        return self.pack_at(row, self.places.of(row))

    def pack_at(self, row: Row, place: RowPlace | None, text: bytes | None = None) -> NewRow | None:
        """The same of a row whose place is known, with its text if it is to be listed."""
        entity = self._entities.of(row)
        if entity is None or place is None:
            return None
        event_us, known_us, key, number = place
        if self._ordered:
            self.texts[number] = key
        kept, tile = self._kept(row, (event_us, known_us), number)
        return NewRow(entity, event_us, known_us, number, key, kept, tile, text)


Kept = tuple[bytes | LatestRow, list[int] | None]
Keep = Callable[[Row, tuple[int, int], int], Kept]
"""From a row, its event and known time and the number of its key to what is kept of it."""


class _WindowPacker:
    def __init__(self, view: FeatureView, layout: WindowLayout, texts: dict[int, bytes]) -> None:
        self._layout, self._texts = layout, texts
        of = computed_for(view.of, layout)
        self._computed = of.evaluators(f"View '{view.name}'")
        self._fill = [_filler(view, of, slot, texts) for slot in layout.slots]
        self._tile = [_tile_filler(view, of, slot, texts) for slot in layout.tile_slots]
        self._pack = struct.Struct(f"<{layout.width}q").pack

    def kept(self, row: Row, times: tuple[int, int], number: int) -> Kept:
        event_us, known_us = times
        if self._computed:
            row = with_computed(row, self._computed)
        packed = self._pack(event_us, known_us, number, *[fill(row) for fill in self._fill])
        tile_us = self._layout.tile_us
        if tile_us is None:
            return packed, None
        begin = event_us // tile_us * tile_us
        # A tile is asked for once the window's end has passed it: what is known by then is
        # known together, at that moment.
        known = max(known_us, begin + tile_us + self._layout.delay_us)
        tile = [begin, known, 0]
        for fill in self._tile:
            tile += fill(row, event_us, known_us, number)
        return packed, tile


def _filler(
    view: FeatureView, computed: Computed, slot: Slot, texts: dict[int, bytes]
) -> Callable[[Row], int]:
    """The function from a row, with what is computed of it, to the number in a slot."""
    counts = _counts(computed, slot)
    if slot.merged == "count":
        return lambda row: 1 if counts(row) else 0
    write, otherwise = _value_writer(view, computed, slot, texts), neutral(slot)
    return lambda row: write(row) if counts(row) else otherwise


def _tile_filler(
    view: FeatureView, computed: Computed, slot: Slot, texts: dict[int, bytes]
) -> Callable[[Row, int, int, int], list[int]]:
    """The function from a row, its times and id to the numbers of a slot of its tile."""
    if slot.merged == "squares":
        return lambda row, event_us, known_us, number: [0]
    if slot.merged not in ("earliest", "latest", "line"):
        fill = _filler(view, computed, slot, texts)
        return lambda row, event_us, known_us, number: [fill(row)]
    counts, write = _counts(computed, slot), _value_writer(view, computed, slot, texts)
    if slot.merged == "line":
        read = float_of if slot.real else float

        def line(row: Row, event_us: int) -> Line:
            return Line.of_one(event_us, read(write(row))) if counts(row) else NO_LINE

        return lambda row, event_us, known_us, number: line(row, event_us).numbers()
    nothing = [ABSENT] + [0] * (ENTRY - 1)

    def entries(row: Row, event_us: int, known_us: int, number: int) -> list[int]:
        if not counts(row):
            return nothing * slot.many
        own = [event_us, known_us, number, write(row)]
        return own + nothing * (slot.many - 1)

    return entries


def _counts(computed: Computed, slot: Slot) -> Callable[[Row], bool]:
    """Whether a row counts for a slot: its criterion is true and its column is not null."""
    name = None if slot.column is None else computed.column(slot.column)
    if slot.where is None:
        return (lambda row: True) if name is None else lambda row: row[name] is not None
    criterion = computed.column(slot.where)
    return lambda row: row[criterion] is True and (name is None or row[name] is not None)


def _value_writer(
    view: FeatureView, computed: Computed, slot: Slot, texts: dict[int, bytes]
) -> Callable[[Row], int]:
    """The function from a row to the number that its value is kept as."""
    text, where = str(slot.column), f"View '{view.name}'"
    name, write = computed.column(text), _number_writer(view, slot, texts)
    return lambda row: _written(write, row[name], text, where)


def _number_writer(view: FeatureView, slot: Slot, texts: dict[int, bytes]) -> Callable[[Any], int]:
    column = operand(view.of, str(slot.column))
    if column.kind == "string":

        def text(value: Any) -> int:
            if type(value) is not str:
                raise NotStorable(f"a {type(value).__name__} where a str belongs")
            encoded = value.encode()
            number = number_of(encoded)
            texts[number] = encoded
            return number

        return text
    write = writer(column.kind, column.scale or 0)
    if slot.kind == "float":  # a value as it is compared: one NaN, one zero
        return lambda value: canonical(write(value))
    return write


class _LatestPacker:
    def __init__(self, view: LatestView, layout: LatestLayout) -> None:
        self._where = f"View '{view.name}'"
        self._writers = [
            (c.name, None if c.kind == "string" else writer(c.kind, c.scale))
            for c in layout.columns
        ]

    def kept(self, row: Row, times: tuple[int, int], number: int) -> Kept:  # noqa: ARG002
        for name, write in self._writers:
            if write is not None and row[name] is not None:
                _written(write, row[name], name, self._where)
        return LatestRow(*times, [row[name] for name, _ in self._writers]), None


def _written(write: Callable[[Any], int], value: Any, name: str, where: str) -> int:
    try:
        return write(value)
    except NotStorable as error:
        raise NotStorable(f"{where}, column '{name}': {error}.") from error


_dumps = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class RowText:
    """Rows of a table as text, to be kept until the table has them."""

    def __init__(self, table: Table) -> None:
        self._where = f"Table '{table.name}'"
        self._columns = [
            (c.name, None, None)
            if c.kind == "string"
            else (c.name, writer(c.kind, c.scale or 0), reader(c.kind, c.scale or 0))
            for c in table.columns
        ]

    def write(self, row: Row) -> bytes:
        """A row as text; raises NotStorable for a value of another type than is declared."""
        known = row[KNOWN_AT]
        numbers = [None if known is None else us_of(known)]
        for name, write, _ in self._columns:
            value = row[name]
            if write is not None and value is not None:
                value = _written(write, value, name, self._where)
            numbers.append(value)
        return _dumps(numbers).encode()

    def read(self, text: bytes) -> dict[str, Any]:
        known_us, *numbers = json.loads(text)
        row = {
            name: value if read is None or value is None else read(value)
            for (name, _, read), value in zip(self._columns, numbers, strict=True)
        }
        known = None if known_us is None else reader("timestamp")(known_us)
        return row | {KNOWN_AT: known}


@singledispatch
def _kept(view: StoredView, layout: Layout, texts: dict[int, bytes]) -> Keep:  # noqa: ARG001
    """How a row of a view is packed; raises StoredDifferently for a layout of another kind."""
    raise unknown_kind(view, "_kept")


@_kept.register
def _(view: FeatureView, layout: Layout, texts: dict[int, bytes]) -> Keep:
    return _WindowPacker(view, of_kind(WindowLayout, view, layout), texts).kept


@_kept.register
def _(view: LatestView, layout: Layout, texts: dict[int, bytes]) -> Keep:  # noqa: ARG001
    return _LatestPacker(view, of_kind(LatestLayout, view, layout)).kept
