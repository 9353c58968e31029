"""Since: the seconds from the last row that counts to the moment asked."""

from __future__ import annotations

from collections.abc import Sequence

from lakehouse.declare.features import WindowedFeature
from lakehouse.features.aggregates.form import ExplainedRows, Form
from lakehouse.features.online.layout.slots import neutral
from lakehouse.features.online.read.parts import Evaluate, Part, Places


def _online(_: WindowedFeature, places: Places) -> Evaluate:
    happened = places.both(0)
    never = neutral(happened.slot)

    def since(parts: Sequence[Part]) -> float | None:
        latest = max([part.rows.greatest(happened.at(part), part.low, part.high) for part in parts])
        return None if latest == never else (parts[0].rows.at_us - latest) / 1e6

    return since


def _explained(rows: ExplainedRows) -> float | None:
    return (rows.at_us - rows.event_us[-1]) / 1e6 if rows.event_us else None


FORM = Form(
    online=_online,
    explained=_explained,
    made_of=lambda _, count: slice(max(count - 1, 0), count),
)
