"""Tiles of a FeatureView: an entity's events of one stretch of time, merged."""

from __future__ import annotations

import numpy as np

from lakehouse.declare.features import FeatureView
from lakehouse.features.online.layout.arrow_numbers import Int64
from lakehouse.features.online.layout.lines import LINE, lines_of
from lakehouse.features.online.layout.slots import (
    ABSENT,
    BEGINNING,
    ENTRY,
    EVENT,
    ID,
    KNOWN,
    Slot,
    WindowLayout,
)
from lakehouse.features.online.layout.stored_numbers import ValueOverflow


class Tiles:
    """Makes tiles of rows of events that are packed and sorted.

    A tile is asked for once the window's end has passed it, so all that is known by then is
    known together, at that moment; what is known later is kept apart by when.

    Tiles from before `merged_us` that are known at `kept_from_us` become one, the last of them:
    every moment asked for from then on sees all of them or, in a shorter window, none.
    """

    def __init__(
        self,
        view: FeatureView,
        layout: WindowLayout,
        tile_us: int,
        merged_us: int = BEGINNING,
        kept_from_us: int = BEGINNING,
    ) -> None:
        self._view, self._layout, self._tile_us = view, layout, tile_us
        self._merged_us, self._kept_from_us = merged_us, kept_from_us

    def of(self, entity: Int64, packed: Int64) -> tuple[Int64, Int64]:
        """The entity of each tile, and the tiles in the order of entity, beginning, known time."""
        layout = self._layout
        begin = packed[:, EVENT] // self._tile_us * self._tile_us
        known = np.maximum(packed[:, KNOWN], begin + self._tile_us + layout.delay_us)
        merged = (begin < self._merged_us) & (known <= self._kept_from_us)
        if merged.any():
            begin[merged], known[merged] = begin[merged].max(), known[merged].max()
        order = np.lexsort((known, begin, entity))  # stable: within a tile rows stay in order
        entity, begin, known, packed = entity[order], begin[order], known[order], packed[order]
        fresh = np.ones(len(order), dtype=np.bool_)
        for times in (entity, begin, known):
            fresh[1:] &= times[1:] == times[:-1]
        fresh = ~fresh
        fresh[:1] = True
        starts = np.flatnonzero(fresh)
        tiles = np.zeros((len(starts), layout.tile_width), dtype=np.int64)
        tiles[:, EVENT], tiles[:, KNOWN] = begin[starts], known[starts]
        if len(starts):
            for slot in layout.tile_slots:
                place = layout.tile_place(slot)
                tiles[:, place : place + slot.width] = self._merged(slot, packed, starts)
        return entity[starts], tiles

    def _merged(self, slot: Slot, packed: Int64, starts: Int64) -> Int64:
        if slot.merged in ("earliest", "latest"):
            return self._entries(slot, packed, starts)
        if slot.merged == "squares":
            return self._squares(slot, packed, starts)[:, None]
        if slot.merged == "line":
            return self._lines(slot, packed, starts)
        values = packed[:, self._layout.place(slot)]
        return self._reduced(slot, values, starts)[:, None]

    def _reduced(self, slot: Slot, values: Int64, starts: Int64) -> Int64:
        if slot.real:
            merge = {"sum": np.add, "min": np.fmin, "max": np.maximum}[slot.merged]
            with np.errstate(invalid="ignore", over="ignore"):  # inf - inf is NaN, no surprise
                reals = np.ascontiguousarray(values).view(np.float64)
                found: Int64 = merge.reduceat(reals, starts).view(np.int64)
            return found
        if slot.merged in ("min", "max"):
            least = np.minimum if slot.merged == "min" else np.maximum
            return np.asarray(least.reduceat(values, starts))
        largest = max(int(values.max()), -int(values.min()))
        if largest * int(np.diff(starts, append=len(values)).max()) >= 2**63:
            raise ValueOverflow(
                f"View '{self._view.name}': amounts of '{slot.column}' up to {largest} cannot be "
                "summed over a tile in 64 bits; declare the column with a smaller scale, or as a "
                "float."
            )
        return np.asarray(np.add.reduceat(values, starts))

    def _squares(self, slot: Slot, packed: Int64, starts: Int64) -> Int64:
        """The squares of the distances of a tile's values from their mean, as bits of floats."""
        of = {(s.merged, s.column, s.where): s for s in self._layout.slots}
        summed = of["sum", slot.column, slot.where]
        counts = packed[:, self._layout.place(of["count", slot.column, slot.where])]
        column = np.ascontiguousarray(packed[:, self._layout.place(summed)])
        values = column.view(np.float64) if summed.real else column.astype(np.float64)
        counted = counts > 0
        size = np.add.reduceat(counts, starts)
        tile = np.cumsum(np.isin(np.arange(len(values)), starts)) - 1
        with np.errstate(invalid="ignore", over="ignore"):
            total = np.add.reduceat(np.where(counted, values, 0.0), starts)
            mean = total / np.maximum(size, 1)
            apart = np.where(counted, (values - mean[tile]) ** 2, 0.0)
            found: Int64 = np.add.reduceat(apart, starts).view(np.int64)
        return found

    def _lines(self, slot: Slot, packed: Int64, starts: Int64) -> Int64:
        """The line of each tile's values that count; none where there is none."""
        of = {(s.merged, s.column, s.where): s for s in self._layout.slots}
        counts = packed[:, self._layout.place(of["count", slot.column, slot.where])]
        summed = np.ascontiguousarray(
            packed[:, self._layout.place(of["sum", slot.column, slot.where])]
        )
        lines = np.zeros((len(starts), LINE), dtype=np.int64)
        rows = np.flatnonzero(counts > 0)
        if len(rows):
            tile = starts.searchsorted(rows, side="right") - 1
            begins = np.flatnonzero(np.append(True, tile[1:] != tile[:-1]))
            values = summed.view(np.float64) if slot.real else summed.astype(np.float64)
            lines[tile[begins]] = lines_of(packed[rows, EVENT], values[rows], begins)
        return lines

    def _entries(self, slot: Slot, packed: Int64, starts: Int64) -> Int64:
        """Up to `many` entries of each tile, the first or the last values that count."""
        of = {(s.merged, s.column, s.where): s for s in self._layout.slots}
        counts = packed[:, self._layout.place(of["count", slot.column, slot.where])]
        value = self._layout.place(of["value", slot.column, slot.where])
        entries = np.zeros((len(starts), slot.many, ENTRY), dtype=np.int64)
        entries[:, :, EVENT] = ABSENT
        rows = np.flatnonzero(counts > 0)
        if len(rows):
            # Within a tile rows stand by event time, as they were packed.
            tile = starts.searchsorted(rows, side="right") - 1
            first = np.concatenate(([True], tile[1:] != tile[:-1]))
            begins = np.flatnonzero(first)
            rank = np.arange(len(rows)) - begins[np.cumsum(first) - 1]
            if slot.merged == "latest":
                sizes = np.diff(begins, append=len(rows))
                rank = sizes[np.cumsum(first) - 1] - 1 - rank
            kept = rank < slot.many
            taken = packed[rows[kept]][:, [EVENT, KNOWN, ID, value]]
            entries[tile[kept], rank[kept]] = taken
        return entries.reshape(len(starts), -1)
