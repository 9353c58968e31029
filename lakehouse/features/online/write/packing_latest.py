"""Rows of a LatestView as chunks for the online store."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from lakehouse.declare.features import LatestView
from lakehouse.engines.arrow_tables import one_array
from lakehouse.features.online.layout.arrow_numbers import Bool, Int64, numbers, present, row_order
from lakehouse.features.online.layout.latest_rows import RowFormat, padded
from lakehouse.features.online.layout.slots import EVENT, KNOWN, LatestLayout
from lakehouse.features.online.stores.protocol import Chunk
from lakehouse.features.online.write.entity_rows import EntityRows, cuts


def pack_latest(
    view: LatestView, layout: LatestLayout, table: pa.Table, kept_from_us: int
) -> Iterator[Chunk]:
    """Yield a view's rows by entity and event time, in the order in which they count.

    Left out are rows that others, known at the first moment asked for, come after.
    """
    rows = EntityRows(view, table)
    order = _ties_ordered(layout, table, rows)
    if len(order):
        order = order[rows.keep(_not_superseded(rows, kept_from_us))]
    form = RowFormat(layout)
    packed = np.zeros((len(order), form.width), dtype=np.int64)
    packed[:, EVENT], packed[:, KNOWN] = rows.event, rows.known
    texts: list[tuple[Int64, memoryview]] = []
    for number, (column, place) in enumerate(zip(layout.columns, form.places, strict=True)):
        values = one_array(table.column(column.name))
        word, bit = form.null_bit(number)
        packed[:, word] |= (~present(values)[order]).astype(np.int64) << bit
        if column.kind == "string":
            offsets, text = _texts(values, order)
            packed[:, place], packed[:, place + 1] = offsets[:-1], offsets[1:]
            texts.append((offsets, text))
        else:
            packed[:, place] = numbers(values, column.kind, column.scale)[order]
    for cut in cuts(rows.keys, rows.entity, rows.event, 1):
        own = packed[cut.low : cut.high].tobytes()
        header = [cut.high - cut.low]
        parts = []
        place = form.header * 8 + len(own)
        for offsets, text in texts:
            begin, end = int(offsets[cut.low]), int(offsets[cut.high])
            header.append(place - begin)
            parts.append(text[begin:end])
            place += end - begin
        payload = b"".join((struct.pack(f"<{form.header}q", *header), own, *parts))
        known = int(rows.known[cut.high - 1])
        yield Chunk("event", cut.entity, cut.begin, known, padded(payload))


def _not_superseded(rows: EntityRows, kept_from_us: int) -> Bool:
    """Which rows count at some moment from then on: the last one known then, and all after it."""
    place = np.arange(len(rows.order))
    known_then = (rows.event < kept_from_us) & (rows.known <= kept_from_us)
    first = np.concatenate(([True], rows.entity[1:] != rows.entity[:-1]))
    begins = np.flatnonzero(first)
    last = np.maximum.reduceat(np.where(known_then, place, -1), begins)
    return np.asarray(place >= last[np.cumsum(first) - 1], dtype=np.bool_)


def _texts(values: pa.Array, order: Int64) -> tuple[Int64, memoryview]:
    """Texts in this order, one after another: where each begins, and the bytes of all."""
    taken = one_array(values.cast(pa.large_string()).take(pa.array(order)).fill_null(""))
    _, offsets, text = taken.buffers()
    begins = np.frombuffer(offsets or bytes(8), np.int64)[taken.offset :][: len(taken) + 1]
    return begins, memoryview(text or b"")


def _ties_ordered(layout: LatestLayout, table: pa.Table, rows: EntityRows) -> Int64:
    """The table's rows in order, those of equal times by their values: null least, NaN greatest."""
    order = rows.order
    tied, groups = rows.tied()
    if not len(tied):
        return order
    among = table.select([c.name for c in layout.columns]).take(pa.array(order[tied]))
    among = among.append_column("", pa.array(groups))  # the first to order by; no column's name
    within = row_order(among, ["", *(c.name for c in layout.columns)])
    ordered = order.copy()
    ordered[tied] = order[tied][within]
    return ordered
