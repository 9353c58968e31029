"""Events and tiles of a FeatureView as chunks for the online store."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from lakehouse.declare.features import FeatureView
from lakehouse.declare.tables import table_column
from lakehouse.features.arrow_numbers import Bool, Int64, numbers, present, true
from lakehouse.features.entity_rows import EntityRows, cuts
from lakehouse.features.online import Chunk
from lakehouse.features.online_layout import (
    EVENT,
    FIRST_SLOT,
    KNOWN,
    Grain,
    Slot,
    WindowLayout,
    criteria,
    neutral,
)
from lakehouse.features.online_windows import ValueOverflow


def pack_windows(view: FeatureView, layout: WindowLayout, table: pa.Table) -> Iterator[Chunk]:
    """Yield a view's events, and then its tiles, by entity and bucket."""
    rows = EntityRows(view, table)
    packed = np.empty((len(rows.order), layout.width), dtype=np.int64)
    packed[:, EVENT], packed[:, KNOWN] = rows.event, rows.known
    for place, slot in enumerate(layout.slots, FIRST_SLOT):
        packed[:, place] = _slot(view, layout, slot, table)[rows.order]
    yield from _chunks("event", rows.keys, rows.entity, packed, layout.bucket_us)
    if layout.tile_us is not None:
        entity, tiles = _tiles(view, layout, layout.tile_us, rows.entity, packed)
        del packed
        yield from _chunks("tile", rows.keys, entity, tiles, layout.tile_bucket_us)


def _chunks(
    grain: Grain, keys: list[bytes], entity: Int64, packed: Int64, bucket_us: int
) -> Iterator[Chunk]:
    row_bytes = packed.shape[1] * 8
    whole = memoryview(packed.reshape(-1).data).cast("B")
    for cut in cuts(keys, entity, packed[:, EVENT], bucket_us):
        payload = whole[cut.low * row_bytes : cut.high * row_bytes]
        yield Chunk(grain, cut.entity, cut.bucket, payload)


def _slot(view: FeatureView, layout: WindowLayout, slot: Slot, table: pa.Table) -> Int64:
    """One slot of every row of the table: its value if the row counts, else what adds nothing."""
    counted: Bool = np.ones(table.num_rows, dtype=np.bool_)
    if slot.where is not None:
        counted &= true(table.column(criteria(layout)[slot.where]))
    if slot.column is not None:
        counted &= present(table.column(slot.column))
    if slot.column is None or slot.merged == "count":
        return counted.astype(np.int64)
    column = table_column(view.of, slot.column)
    found = numbers(table.column(slot.column), column.kind, column.scale or 0)
    return np.where(counted, found, neutral(slot))


def _tiles(
    view: FeatureView, layout: WindowLayout, tile_us: int, entity: Int64, packed: Int64
) -> tuple[Int64, Int64]:
    """Merge each entity's events of one tile that are known together.

    A tile is asked for once the window's end has passed it, so all that is known by then is
    known together, at that moment; what is known later is kept apart by when.
    """
    begin = packed[:, EVENT] // tile_us * tile_us
    known = np.maximum(packed[:, KNOWN], begin + tile_us + layout.delay_us)
    order = np.lexsort((known, begin, entity))
    entity, begin, known = entity[order], begin[order], known[order]
    fresh = np.ones(len(order), dtype=np.bool_)
    fresh[1:] = (entity[1:] != entity[:-1]) | (begin[1:] != begin[:-1]) | (known[1:] != known[:-1])
    starts = np.flatnonzero(fresh)
    tiles = np.empty((len(starts), layout.width), dtype=np.int64)
    tiles[:, EVENT], tiles[:, KNOWN] = begin[starts], known[starts]
    sizes = np.diff(starts, append=len(order))
    for place, slot in enumerate(layout.slots, FIRST_SLOT):
        if len(starts):
            tiles[:, place] = _merged(view, slot, packed[order, place], starts, sizes)
    return entity[starts], tiles


def _merged(view: FeatureView, slot: Slot, values: Int64, starts: Int64, sizes: Int64) -> Int64:
    if slot.real:
        merge = {"sum": np.add, "min": np.fmin, "max": np.maximum}[slot.merged]
        with np.errstate(invalid="ignore", over="ignore"):  # inf - inf is NaN, and no surprise
            found: Int64 = merge.reduceat(values.view(np.float64), starts).view(np.int64)
        return found
    if slot.merged in ("min", "max"):
        least = np.minimum if slot.merged == "min" else np.maximum
        return np.asarray(least.reduceat(values, starts))
    largest = max(int(values.max()), -int(values.min()))
    if largest * int(sizes.max()) >= 2**63:
        raise ValueOverflow(
            f"View '{view.name}': amounts of '{slot.column}' up to {largest} cannot be summed "
            "over a tile in 64 bits; declare the column with a smaller scale, or as a float."
        )
    return np.asarray(np.add.reduceat(values, starts))
