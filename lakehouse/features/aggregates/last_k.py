"""LastK: the last values as a list, newest first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from lakehouse.features.aggregates.form import Form
from lakehouse.features.online.read.entries import entries
from lakehouse.features.online.read.parts import Part, Places, value_reader


def newest_first(many: int, places: Places) -> Callable[[Sequence[Part]], list[Any]]:
    """The function from a window's parts to up to so many values, the last one first."""
    value, count = (place for _, place in places.events)
    read = value_reader(places.events[0][0])

    def last(parts: Sequence[Part]) -> list[Any]:
        found: list[int] = []
        for part in reversed(parts):
            if part.tiles:
                # Those of equal times are of one tile, and stand there in the order of their keys.
                newest = sorted(entries(*places.tiles[0], part), key=lambda e: (-e[0], -e[1]))
                found += [number for _, _, number in newest[: many - len(found)]]
                continue
            counts = part.rows.numbers(count, part.low, part.high)
            at = len(counts)
            while at and len(found) < many:
                at -= 1
                if counts[at]:
                    here = part.low + at
                    found += part.rows.numbers(value, here, here + 1)
        return [read(number) for number in found]

    return last


FORM = Form(
    online=lambda feature, places: newest_first(feature.many or 1, places),
    explained=lambda rows: list(rows.values[::-1]),
    made_of=lambda aggregate, count: slice(max(count - aggregate.argument, 0), count),
)
