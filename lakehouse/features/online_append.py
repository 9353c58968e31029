"""A few new rows for the online store, packed in plain Python: the way of streams.

Rows are kept with their own times beside what is there. An older event that comes late takes its
place in time and overwrites nothing, and a row counts from when it is known.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from lakehouse.declare import expressions
from lakehouse.declare.features import FeatureView, LatestView, StoredView
from lakehouse.declare.tables import table_column
from lakehouse.engines.protocol import KNOWN_AT, Transaction
from lakehouse.errors import LakehouseError, NotFound
from lakehouse.features import expressions_python
from lakehouse.features.entity_keys import EntityKeys
from lakehouse.features.latest_rows import RowFormat, padded
from lakehouse.features.online import Chunk, OnlineStore, Replaced
from lakehouse.features.online_layout import (
    Grain,
    LatestLayout,
    Layout,
    Slot,
    WindowLayout,
    neutral,
)
from lakehouse.features.online_windows import StoredDifferently
from lakehouse.features.stored_numbers import NotStorable, us_of, writer

Row = Mapping[str, Any]
"""A row of the view's table by column, `_known_at` included; times are datetimes."""


def append(
    store: OnlineStore, view: StoredView, rows: Sequence[Row], transaction: Transaction
) -> bool:
    """Add rows of a view's table to the store, once per transaction; False if it was seen before.

    The view must have been materialised. Materialising it again puts the table's rows in the
    place of all, so whatever is appended must reach the table too. Raises NotStorable for a value
    of another type than is declared.
    """
    stored = store.stored(view.name)
    if stored is None:
        raise NotFound(f"View '{view.name}' is not in the online store; materialise it first.")
    try:
        return store.append(stored, chunks_of(view, stored.layout, rows), transaction)
    except Replaced:
        raise LakehouseError(
            f"View '{view.name}' was materialised while rows were added to it; add them again."
        ) from None


def chunks_of(view: StoredView, layout: Layout, rows: Sequence[Row]) -> list[Chunk]:
    """Pack rows into chunks of this layout, as `packing.pack` does with a table."""
    keys = EntityKeys.of_view(view)
    pack = _packer(view, layout)
    chunks: list[Chunk] = []
    for row in rows:
        key = keys.of(row)
        known = row[KNOWN_AT]
        event = known if view.of.event_time is None else row[view.of.event_time]
        if key is not None and known is not None and event is not None:
            # What has no event time happens one microsecond before it is known.
            event_us = us_of(event) - (view.of.event_time is None)
            chunks += [
                Chunk(g, key, b, packed) for g, b, packed in pack(row, event_us, us_of(known))
            ]
    return chunks


Packed = list[tuple[Grain, int, bytes]]
Pack = Callable[[Row, int, int], Packed]


def _packer(view: StoredView, layout: Layout) -> Pack:
    """The function from a row and its two times to (grain, bucket, payload)."""
    if isinstance(view, FeatureView) and isinstance(layout, WindowLayout):
        return _window_packer(view, layout)
    if isinstance(view, LatestView) and isinstance(layout, LatestLayout):
        return _latest_packer(view, layout)
    raise StoredDifferently(
        f"View '{view.name}': the online store holds another kind of view by this name; "
        "materialise the view as it is declared here."
    )


def _window_packer(view: FeatureView, layout: WindowLayout) -> Pack:
    fill = [_slot_filler(view, slot) for slot in layout.slots]
    form = f"<{layout.width}q"

    def pack(row: Row, event_us: int, known_us: int) -> Packed:
        slots = [number(row) for number in fill]
        packed: Packed = [
            ("event", event_us // layout.bucket_us, struct.pack(form, event_us, known_us, *slots))
        ]
        if layout.tile_us is not None:
            begin = event_us // layout.tile_us * layout.tile_us
            known = max(known_us, begin + layout.tile_us + layout.delay_us)
            tile = struct.pack(form, begin, known, *slots)
            packed.append(("tile", begin // layout.tile_bucket_us, tile))
        return packed

    return pack


def _slot_filler(view: FeatureView, slot: Slot) -> Callable[[Row], int]:
    """The function from a row to the number in a slot."""
    where = f"View '{view.name}'"
    kinds = {c.name: c.kind for c in view.of.columns}
    criterion = None
    if slot.where is not None:
        criterion = expressions_python.compile(expressions.parse(slot.where), kinds, where)
    name = slot.column
    counting = name is None or slot.merged == "count"
    column = None if name is None else table_column(view.of, name)
    write = None if counting or column is None else writer(column.kind, column.scale or 0)
    otherwise = neutral(slot)

    def number(row: Row) -> int:
        counted = criterion is None or criterion(row) is True
        if not counted or (name is not None and row[name] is None):
            return otherwise
        return 1 if write is None else _written(write, row, str(name), where)

    return number


def _latest_packer(view: LatestView, layout: LatestLayout) -> Pack:
    form = RowFormat(layout)
    where = f"View '{view.name}'"
    writers = [None if c.kind == "string" else writer(c.kind, c.scale) for c in layout.columns]

    def pack(row: Row, event_us: int, known_us: int) -> Packed:
        numbers = [event_us, known_us] + [0] * (form.width - 2)
        header = [1]
        texts = b""
        first_text = (form.header + form.width) * 8
        for number, (column, write) in enumerate(zip(layout.columns, writers, strict=True)):
            value, place = row[column.name], form.places[number]
            word, bit = form.null_bit(number)
            if value is None:
                numbers[word] |= 1 << bit
            elif write is not None:
                numbers[place] = _written(write, row, column.name, where)
            if column.kind == "string":
                text = b"" if value is None else str(value).encode()
                header.append(first_text)
                numbers[place], numbers[place + 1] = len(texts), len(texts) + len(text)
                texts += text
        packed = struct.pack(f"<{form.header + form.width}q", *header, *numbers) + texts
        return [("event", event_us // layout.bucket_us, padded(packed))]

    return pack


def _written(write: Callable[[Any], int], row: Row, name: str, where: str) -> int:
    try:
        return write(row[name])
    except NotStorable as error:
        raise NotStorable(f"{where}, column '{name}': {error}.") from error
