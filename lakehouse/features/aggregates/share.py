"""Share: how many of the rows fulfil `where`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lakehouse.declare.features import WindowedFeature
from lakehouse.features.aggregates.form import ExplainedRows, Form
from lakehouse.features.online.layout.slots import Slot
from lakehouse.features.online.read.parts import Evaluate, Part, Places, whole_sum


def _online(_: WindowedFeature, places: Places) -> Evaluate:
    counted, among = places.both(0), places.both(1)

    def share(parts: Sequence[Part]) -> float | None:
        all_rows = whole_sum(among, parts)
        return whole_sum(counted, parts) / all_rows if all_rows else None

    return share


def _explained(rows: ExplainedRows) -> float | None:
    if not rows.values:
        return None
    return sum(value is True for value in rows.values) / len(rows.values)


def _together(_: WindowedFeature, __: Slot, counted: list[int], among: list[int]) -> list[Any]:
    return [c / n if n else None for c, n in zip(counted, among, strict=True)]


FORM = Form(online=_online, explained=_explained, together=_together)
