"""An entity's rows of any age, brought down to what moments asked for can tell apart.

Windows of the last rows and of all that was reach back without an end, so that nothing they need
goes by its time. What keeps them bounded is done entity by entity, where rows join it: events
that so many others come after go, and tiles that every moment sees together become one.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import groupby

from lakehouse.features.online.layout.slots import (
    ENDING,
    EVENT,
    KNOWN,
    Grain,
    WindowLayout,
)
from lakehouse.features.online.stores.protocol import EntityChunks, Stored

CHUNK_BYTES = 1_400
"""About so long chunks are written."""
Numbers = list[int]
Merge = Callable[[Numbers, Numbers], Numbers]
"""Makes one row of two tiles."""


@dataclass
class _Counting:
    """How many rows are left to be found of those with a 1 at a place, or of all."""

    left: int
    place: int | None

    def counts(self, row: Numbers) -> bool:
        return self.place is None or row[self.place] > 0


class Settling:
    """Settles entities of a view, by the moments that its store tells now."""

    def __init__(self, stored: Stored, layout: WindowLayout, merge: Merge) -> None:
        self._layout, self._merge = layout, merge
        self._kept_from_us, self._horizon = stored.kept_from_us, stored.horizon

    @property
    def needed(self) -> bool:
        """Whether there is anything that is not kept by its time."""
        return bool(self._layout.last_rows) or self._layout.ever

    def settle(self, chunks: EntityChunks) -> None:
        """Leave out of an entity what no moment needs, and merge what none tells apart."""
        layout = self._layout
        before: dict[Grain, list[Numbers]] = {"event": _rows(chunks, "event", layout.width)}
        if layout.tile_us is not None:
            before["tile"] = _rows(chunks, "tile", layout.tile_width)
        after = {grain: self._settled(grain, rows) for grain, rows in before.items()}
        if all(len(after[grain]) == len(rows) for grain, rows in before.items()):
            return
        chunks.forget()
        for grain, rows in after.items():
            for begin, until, payload in _cut(rows):
                chunks.put(grain, begin, until, payload)

    def _settled(self, grain: Grain, rows: list[Numbers]) -> list[Numbers]:
        if grain == "event":
            return self._needed_events(rows)
        return self._merged_tiles(rows) if self._layout.ever else rows

    def _needed_events(self, rows: list[Numbers]) -> list[Numbers]:
        """The events of windows of time, and those that few enough come after."""
        whole_us, layout, at_us = self._horizon.whole("event"), self._layout, self._kept_from_us
        counting = [
            _Counting(last.rows, None if last.counted is None else layout.place(last.counted))
            for last in layout.last_rows
        ]
        kept = []
        for row in reversed(rows):
            needed = [one for one in counting if one.left and one.counts(row)]
            if needed or row[EVENT] >= whole_us:
                kept.append(row)
            if row[EVENT] < at_us - layout.delay_us and row[KNOWN] <= at_us:
                for one in needed:
                    one.left -= 1
        return kept[::-1]

    def _merged_tiles(self, rows: list[Numbers]) -> list[Numbers]:
        """One row of all tiles from before each counts by itself, that are known already."""
        whole_us, at_us = self._horizon.whole("tile"), self._kept_from_us
        old = [row for row in rows if row[EVENT] < whole_us and row[KNOWN] <= at_us]
        if len(old) < 2:
            return rows
        merged = old[0]
        for row in old[1:]:
            merged = self._merge(merged, row)
        merged[EVENT], merged[KNOWN] = old[-1][EVENT], max(row[KNOWN] for row in old)
        rest = [row for row in rows if row[EVENT] >= whole_us or row[KNOWN] > at_us]
        return sorted([merged, *rest], key=lambda row: (row[EVENT], row[KNOWN]))


def _rows(chunks: EntityChunks, grain: Grain, width: int) -> list[Numbers]:
    """All rows of an entity, in their order."""
    payloads = []
    held = chunks.holding(grain, ENDING)
    while held is not None:
        payloads.append(held.payload)
        held = chunks.holding(grain, held.begin - 1)
    numbers = memoryview(b"".join(reversed(payloads))).cast("q").tolist()
    return [numbers[at : at + width] for at in range(0, len(numbers), width)]


def _cut(rows: list[Numbers]) -> Iterator[tuple[int, int, bytes]]:
    """Rows as chunks, of which those of one event time stay together: begin, end and bytes."""
    begin, payload, until = 0, b"", 0
    for event_us, together in groupby(rows, key=lambda row: row[EVENT]):
        own = b"".join(struct.pack(f"<{len(row)}q", *row) for row in together)
        if payload and len(payload) + len(own) > CHUNK_BYTES:
            yield begin, until, payload
            payload = b""
        if not payload:
            begin = event_us
        payload, until = payload + own, event_us
    if payload:
        yield begin, until, payload
