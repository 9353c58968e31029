"""First: the first value, by event time, known time and the table's key."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lakehouse.declare.features import WindowedFeature
from lakehouse.features.aggregates.form import Form
from lakehouse.features.online.read.entries import entries
from lakehouse.features.online.read.parts import Evaluate, Part, Places, value_reader


def _online(_: WindowedFeature, places: Places) -> Evaluate:
    value, count = (place for _, place in places.events)
    read = value_reader(places.events[0][0])

    def first(parts: Sequence[Part]) -> Any:
        for part in parts:
            if part.tiles:
                held = entries(*places.tiles[0], part)
                if held:
                    return read(min(held, key=lambda e: e[:2])[2])
                continue
            counts = part.rows.numbers(count, part.low, part.high)
            if 1 in counts:
                at = part.low + counts.index(1)
                return read(part.rows.numbers(value, at, at + 1)[0])
        return None

    return first


FORM = Form(
    online=_online,
    explained=lambda rows: rows.values[0] if rows.values else None,
    made_of=lambda _, count: slice(0, min(count, 1)),
)
