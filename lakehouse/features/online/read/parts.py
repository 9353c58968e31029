"""What a feature's value is merged from: the parts of a window, and where its numbers stand there.

What a window holds comes in parts: rows of tiles, then rows of events, or events alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from lakehouse.features.online.layout.slots import Slot
from lakehouse.features.online.layout.stored_numbers import reader
from lakehouse.features.online.read.rows import Rows, float_sum


class Part(NamedTuple):
    """A range of rows, never empty, and whether they are tiles."""

    rows: Rows
    low: int
    high: int
    tiles: bool


class SlotPlace(NamedTuple):
    """A slot, and where it stands in events and, if there, in tiles."""

    slot: Slot
    event: int
    tile: int

    def at(self, part: Part) -> int:
        return self.tile if part.tiles else self.event


class Places(NamedTuple):
    """The slots that a feature's function keeps of events and of tiles, each with its place.

    They stand in the order of the function's facts. `tiles` is empty where no tile serves the
    window.
    """

    events: Sequence[tuple[Slot, int]]
    tiles: Sequence[tuple[Slot, int]]

    def both(self, number: int) -> SlotPlace:
        """The slot of this number, the same in events and in tiles."""
        slot, event = self.events[number]
        return SlotPlace(slot, event, self.tiles[number][1] if self.tiles else -1)


Evaluate = Callable[[Sequence[Part]], Any]
"""From the parts of a window, at least one, to a value; a text comes as its number."""


def whole_sum(place: SlotPlace, parts: Sequence[Part]) -> int:
    """The sum of a slot's integers, exactly."""
    if len(parts) == 1:
        rows, low, high, tiles = parts[0]
        return rows.total(place.tile if tiles else place.event, low, high)
    return sum([part.rows.total(place.at(part), part.low, part.high) for part in parts])


def real_sum(place: SlotPlace, parts: Sequence[Part]) -> float:
    """The sum of a slot's floats."""
    sums = [part.rows.real_total(place.at(part), part.low, part.high) for part in parts]
    return sums[0] if len(sums) == 1 else float_sum(sums)


def value_reader(slot: Slot) -> Callable[[int], Any]:
    """The function from a slot's number back to the value; a text stays its number."""
    if slot.kind is None or slot.texts:
        return int
    return reader(slot.kind, slot.scale)
