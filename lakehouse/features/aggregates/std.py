"""Std: the sample standard deviation of numbers, none of fewer than two."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from statistics import stdev

from lakehouse.declare.features import WindowedFeature
from lakehouse.features.aggregates.form import ExplainedRows, Form
from lakehouse.features.online.read.parts import Evaluate, Part, Places, real_sum, whole_sum
from lakehouse.features.online.read.rows import Spread, float_sum


def _online(_: WindowedFeature, places: Places) -> Evaluate:
    placed, counted = places.both(0), places.both(1)
    slot = placed.slot
    squares = places.tiles[2][1] if places.tiles else None
    events = Spread(placed.event, counted.event, None, slot.real)
    tiles = Spread(placed.tile, counted.tile, squares, slot.real)
    power = float(10**slot.scale)

    def std(parts: Sequence[Part]) -> float | None:
        count = whole_sum(counted, parts)
        if count < 2:
            return None
        total = real_sum(placed, parts) if slot.real else whole_sum(placed, parts)
        mean = total / count
        found = [
            part.rows.squares(tiles if part.tiles else events, mean, part.low, part.high)
            for part in parts
        ]
        # NaN stays NaN: it is not less than nothing.
        return math.sqrt(float_sum(found) / (count - 1)) / power

    return std


def _explained(rows: ExplainedRows) -> float | None:
    if len(rows.values) < 2:
        return None
    if not all(math.isfinite(value) for value in rows.values):
        return math.nan
    try:
        return float(stdev(Fraction(value) for value in rows.values))
    except OverflowError:
        return math.inf


FORM = Form(online=_online, explained=_explained)
