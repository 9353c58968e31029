"""Events and tiles of a FeatureView as chunks for the online store."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa

from lakehouse.declare.computed import Computed
from lakehouse.declare.features import FeatureView
from lakehouse.declare.operands import operand
from lakehouse.engines.arrow_tables import one_array
from lakehouse.features.online.layout.arrow_numbers import Bool, Int64, numbers, present, true
from lakehouse.features.online.layout.row_ids import RowKeys, number_of
from lakehouse.features.online.layout.slots import (
    BEGINNING,
    EVENT,
    FIRST_SLOT,
    ID,
    KNOWN,
    Grain,
    LastRows,
    Slot,
    WindowLayout,
    computed_for,
    neutral,
)
from lakehouse.features.online.layout.stored_numbers import NAN
from lakehouse.features.online.stores.protocol import Chunk, Horizon
from lakehouse.features.online.write.entity_rows import EntityRows, cuts
from lakehouse.features.online.write.packing_tiles import Tiles

CHUNK_BYTES = 1_400
"""About so long chunks are packed: a read takes few of them, and a pushed row rewrites little."""


def pack_windows(
    view: FeatureView,
    layout: WindowLayout,
    table: pa.Table,
    texts: dict[int, bytes],
    horizon: Horizon,
    kept_from_us: int,
) -> Iterator[Chunk]:
    """Yield a view's events, and then its tiles, by entity and time.

    Left out, or merged into tiles of more, is what no moment from `kept_from_us` on tells apart.
    """
    rows = EntityRows(view, table)
    keys = _Keys(view, table, rows.order)
    if layout.ordered:
        tied, groups = rows.tied()
        if len(tied):
            rows.order[tied] = rows.order[tied][keys.order(tied, groups)]
            keys = _Keys(view, table, rows.order)
        texts.update(keys.texts())
    packed = np.empty((len(rows.order), layout.width), dtype=np.int64)
    packed[:, EVENT], packed[:, KNOWN], packed[:, ID] = rows.event, rows.known, keys.numbers
    computed = computed_for(view.of, layout)
    for place, slot in enumerate(layout.slots, FIRST_SLOT):
        packed[:, place] = _slot(computed, slot, table, texts)[rows.order]
    kept: Bool = rows.event >= horizon.whole("event")
    if not kept.all():
        for last in layout.last_rows:
            kept |= _among_last(layout, last, rows.entity, packed, kept_from_us)
    events, of = (packed, rows.entity) if kept.all() else (packed[kept], rows.entity[kept])
    yield from _chunks("event", rows.keys, of, events)
    if layout.tile_us is not None:
        merged_us = horizon.whole("tile") if layout.ever else BEGINNING
        made = Tiles(view, layout, layout.tile_us, merged_us, kept_from_us)
        entity, tiles = made.of(rows.entity, packed)
        kept = tiles[:, EVENT] >= horizon.tiles_us
        yield from _chunks("tile", rows.keys, entity[kept], tiles[kept])


def _among_last(
    layout: WindowLayout, last: LastRows, entity: Int64, packed: Int64, at_us: int
) -> Bool:
    """Which rows may be among an entity's last so many at some moment from `at_us` on.

    Those that count, and that at this moment fewer than so many of these come after.
    """
    counted: Bool = np.ones(len(packed), dtype=np.bool_)
    if last.counted is not None:
        counted = packed[:, layout.place(last.counted)] > 0
    seen = (packed[:, EVENT] < at_us - layout.delay_us) & (packed[:, KNOWN] <= at_us)
    running = np.cumsum(counted & seen)
    ends = np.flatnonzero(np.append(entity[1:] != entity[:-1], True))
    of_entity = np.repeat(running[ends], np.diff(ends, prepend=-1))
    return counted & (of_entity - running < last.rows)


def _chunks(grain: Grain, keys: list[bytes], entity: Int64, packed: Int64) -> Iterator[Chunk]:
    packed = np.ascontiguousarray(packed)
    row_bytes = packed.shape[1] * 8
    whole = memoryview(packed.reshape(-1).data).cast("B")
    for cut in cuts(keys, entity, packed[:, EVENT], max(CHUNK_BYTES // row_bytes, 1)):
        payload = whole[cut.low * row_bytes : cut.high * row_bytes]
        yield Chunk(grain, cut.entity, cut.begin, cut.until, payload)


class _Keys:
    """The keys of a table's rows in an order, and the numbers that stand for them."""

    def __init__(self, view: FeatureView, table: pa.Table, order: Int64) -> None:
        names = view.of.keys
        self.numbers: Int64 = np.zeros(len(order), dtype=np.int64)
        self._keys: list[bytes] = []
        if names:
            taken = table.select(list(names)).take(pa.array(order))
            encode = RowKeys(view.of).joined
            columns = [taken.column(name).to_pylist() for name in names]
            self._keys = [encode(values) for values in zip(*columns, strict=True)]
            self.numbers = np.array([number_of(key) for key in self._keys], dtype=np.int64)

    def texts(self) -> dict[int, bytes]:
        return dict(zip(self.numbers.tolist(), self._keys, strict=True)) if self._keys else {}

    def order(self, tied: Int64, groups: Int64) -> Int64:
        """The order of tied rows, group by group, by their keys."""
        keys = [
            (group, self._keys[at])
            for group, at in zip(groups.tolist(), tied.tolist(), strict=True)
        ]
        return np.array(sorted(range(len(keys)), key=keys.__getitem__), dtype=np.int64)


def _slot(computed: Computed, slot: Slot, table: pa.Table, texts: dict[int, bytes]) -> Int64:
    """One slot of every row of the table: its value if the row counts, else what adds nothing."""
    counted: Bool = np.ones(table.num_rows, dtype=np.bool_)
    if slot.where is not None:
        counted &= true(table.column(computed.column(slot.where)))
    if slot.column is not None:
        counted &= present(table.column(computed.column(slot.column)))
    if slot.column is None or slot.merged == "count":
        return counted.astype(np.int64)
    column = operand(computed.table, slot.column)
    values = table.column(computed.column(slot.column))
    if slot.texts:
        return np.where(counted, _text_numbers(values, texts), 0)
    found = numbers(values, column.kind, column.scale or 0)
    if slot.kind == "float":
        found = _canonical(found)
    return np.where(counted, found, neutral(slot))


def _text_numbers(values: Any, texts: dict[int, bytes]) -> Int64:
    encoded = one_array(one_array(values).dictionary_encode())
    known = [text.encode() for text in encoded.dictionary.to_pylist()]
    stands = [number_of(text) for text in known]
    texts.update(zip(stands, known, strict=True))
    codes = encoded.indices.fill_null(len(known)).to_numpy(zero_copy_only=False)
    return np.asarray(np.array([*stands, 0], dtype=np.int64)[codes])


def _canonical(bits: Int64) -> Int64:
    """Floats as they are compared: one NaN, one zero."""
    reals = bits.view(np.float64)
    found = np.where(reals == 0, 0, bits)
    found[np.isnan(reals)] = NAN
    return found
