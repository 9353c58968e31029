"""Rows of a LatestView as chunks for the online store."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from lakehouse.declare.features import LatestView
from lakehouse.features.arrow_numbers import Int64, numbers, one_array, present, row_order
from lakehouse.features.entity_rows import EntityRows
from lakehouse.features.latest_rows import RowFormat, padded
from lakehouse.features.online import Chunk
from lakehouse.features.online_layout import EVENT, KNOWN, LatestLayout


def pack_latest(view: LatestView, layout: LatestLayout, table: pa.Table) -> Iterator[Chunk]:
    """Yield a view's rows by entity and bucket, in the order in which they count."""
    rows = EntityRows(view, table)
    order = _ties_ordered(layout, table, rows)
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
    for cut in rows.cuts(layout.bucket_us):
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
        yield Chunk("event", cut.entity, cut.bucket, padded(payload))


def _texts(values: pa.Array, order: Int64) -> tuple[Int64, memoryview]:
    """Texts in this order, one after another: where each begins, and the bytes of all."""
    taken = one_array(values.cast(pa.large_string()).take(pa.array(order)).fill_null(""))
    _, offsets, text = taken.buffers()
    begins = np.frombuffer(offsets or bytes(8), np.int64)[taken.offset :][: len(taken) + 1]
    return begins, memoryview(text or b"")


def _ties_ordered(layout: LatestLayout, table: pa.Table, rows: EntityRows) -> Int64:
    """The table's rows in order, those of equal times by their values: null least, NaN greatest."""
    order = rows.order
    same = np.zeros(len(order) + 1, dtype=np.bool_)
    same[1:-1] = True
    for times in (rows.entity, rows.event, rows.known):
        same[1:-1] &= times[1:] == times[:-1]
    tied = np.flatnonzero(same[:-1] | same[1:])
    if not len(tied):
        return order
    groups = np.cumsum(~same[:-1])[tied]  # a row that is not as the one before begins a group
    among = table.select([c.name for c in layout.columns]).take(pa.array(order[tied]))
    among = among.append_column("", pa.array(groups))  # the first to order by; no column's name
    within = row_order(among, ["", *(c.name for c in layout.columns)])
    ordered = order.copy()
    ordered[tied] = order[tied][within]
    return ordered
