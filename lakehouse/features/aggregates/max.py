"""Max: the greatest number; NaN is greater than every other."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from lakehouse.declare.features import WindowedFeature
from lakehouse.features.aggregates.form import Form
from lakehouse.features.online.read.parts import Evaluate, Part, Places, whole_sum
from lakehouse.language.expressions.values import ordered


def _online(feature: WindowedFeature, places: Places) -> Evaluate:
    placed, counted = places.both(0), places.both(1)
    slot, decimal = placed.slot, feature.kind == "decimal"

    def greatest(parts: Sequence[Part]) -> Any:
        if not whole_sum(counted, parts):
            return None
        if slot.real:
            of = [part.rows.real_greatest(placed.at(part), part.low, part.high) for part in parts]
            return math.nan if any(value != value for value in of) else max(of)
        found = max([part.rows.greatest(placed.at(part), part.low, part.high) for part in parts])
        return Decimal(found).scaleb(-slot.scale) if decimal else found

    return greatest


FORM = Form(
    online=_online,
    explained=lambda rows: max(rows.values, key=ordered, default=None),
)
