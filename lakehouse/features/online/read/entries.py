"""The first or last values that tiles hold, each with its times."""

from __future__ import annotations

from lakehouse.features.online.layout.slots import ABSENT, ENTRY, Slot
from lakehouse.features.online.read.parts import Part


def entries(slot: Slot, place: int, part: Part) -> list[tuple[int, int, int]]:
    """The entries (event time, known time, value) of a slot, of each tile in its order."""
    found = []
    for number in range(slot.many):
        at = place + number * ENTRY
        events, known, values = (
            part.rows.numbers(at + of, part.low, part.high) for of in (0, 1, 3)
        )
        found += [entry for entry in zip(events, known, values, strict=True) if entry[0] != ABSENT]
    return found
