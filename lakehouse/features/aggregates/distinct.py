"""Distinct: how many different values there are; NaN is one, and -0.0 is 0.0."""

from __future__ import annotations

from collections.abc import Sequence

from lakehouse.declare.features import WindowedFeature
from lakehouse.features.aggregates.form import Form
from lakehouse.features.online.read.parts import Evaluate, Part, Places
from lakehouse.language.expressions.values import ordered


def _online(_: WindowedFeature, places: Places) -> Evaluate:
    value, count = (place for _, place in places.events)

    def distinct(parts: Sequence[Part]) -> int:
        found: set[int] = set()
        for part in parts:
            counts = part.rows.numbers(count, part.low, part.high)
            values = part.rows.numbers(value, part.low, part.high)
            found.update(number for number, n in zip(values, counts, strict=True) if n)
        return len(found)

    return distinct


FORM = Form(
    online=_online,
    explained=lambda rows: len({ordered(value) for value in rows.values}),
)
