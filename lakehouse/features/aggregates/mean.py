"""Mean: the sum of numbers divided by how many they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lakehouse.declare.features import WindowedFeature
from lakehouse.features.aggregates.form import ExplainedRows, Form
from lakehouse.features.aggregates.sum import total_of
from lakehouse.features.online.layout.slots import Slot
from lakehouse.features.online.read.parts import Evaluate, Part, Places, real_sum, whole_sum


def _online(_: WindowedFeature, places: Places) -> Evaluate:
    placed, counted = places.both(0), places.both(1)
    slot = placed.slot
    power: int = 10**slot.scale

    def mean(parts: Sequence[Part]) -> float | None:
        count = whole_sum(counted, parts)
        if not count:
            return None
        if slot.real:
            return real_sum(placed, parts) / count
        # Python divides integers to the nearest float: rounded once, before the count.
        return whole_sum(placed, parts) / power / count

    return mean


def _explained(rows: ExplainedRows) -> float | None:
    return float(total_of(rows)) / len(rows.values) if rows.values else None


def _together(_: WindowedFeature, slot: Slot, totals: list[int], counts: list[int]) -> list[Any]:
    power: int = 10**slot.scale
    return [t / power / n if n else None for t, n in zip(totals, counts, strict=True)]


FORM = Form(online=_online, explained=_explained, together=_together)
