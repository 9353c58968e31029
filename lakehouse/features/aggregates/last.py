"""Last: the last value, by event time, known time and the table's key."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lakehouse.declare.features import WindowedFeature
from lakehouse.features.aggregates.form import Form
from lakehouse.features.aggregates.last_k import newest_first
from lakehouse.features.online.read.parts import Evaluate, Part, Places


def _online(_: WindowedFeature, places: Places) -> Evaluate:
    newest = newest_first(1, places)

    def last(parts: Sequence[Part]) -> Any:
        return next(iter(newest(parts)), None)

    return last


FORM = Form(
    online=_online,
    explained=lambda rows: rows.values[-1] if rows.values else None,
    made_of=lambda _, count: slice(max(count - 1, 0), count),
)
