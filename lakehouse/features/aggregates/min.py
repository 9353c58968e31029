"""Min: the least number; NaN is greater than every other."""

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

    def least(parts: Sequence[Part]) -> Any:
        if not whole_sum(counted, parts):
            return None
        if slot.real:
            of = [part.rows.real_least(placed.at(part), part.low, part.high) for part in parts]
            return min([value for value in of if value == value], default=math.nan)
        found = min([part.rows.least(placed.at(part), part.low, part.high) for part in parts])
        return Decimal(found).scaleb(-slot.scale) if decimal else found

    return least


FORM = Form(
    online=_online,
    explained=lambda rows: min(rows.values, key=ordered, default=None),
)
