"""Trend: the slope of the least-squares line through values over time, by the day."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

from lakehouse.declare.durations import DAY
from lakehouse.declare.features import WindowedFeature
from lakehouse.features.aggregates.form import ExplainedRows, Form
from lakehouse.features.online.layout.lines import LINE, NO_LINE, Line, together
from lakehouse.features.online.layout.slots import EVENT
from lakehouse.features.online.read.parts import Evaluate, Part, Places
from lakehouse.features.online.read.rows import float_sum


def _online(_: WindowedFeature, places: Places) -> Evaluate:
    (slot, value), (_slot, count) = places.events
    of_tile = places.tiles[0][1] if places.tiles else -1
    power = float(10**slot.scale)

    def trend(parts: Sequence[Part]) -> float | None:
        lines = []
        for part in parts:
            if part.tiles:
                lines += _of_tiles(part, of_tile)
            else:
                lines.append(_of_events(part, value, count, slot.real))
        slope = together(lines).slope()
        return None if slope is None else slope / power

    return trend


def _of_tiles(part: Part, place: int) -> list[Line]:
    low, high = part.low, part.high
    whole = (part.rows.numbers(place + n, low, high) for n in range(2))
    floats = (part.rows.reals(place + n, low, high) for n in range(2, LINE))
    return [Line(*numbers) for numbers in zip(*whole, *floats, strict=True)]


def _of_events(part: Part, value: int, count: int, real: bool) -> Line:
    """The line of the events that count, whose times rise; common parts cancel first."""
    low, high = part.low, part.high
    held: Sequence[float] = (part.rows.reals if real else part.rows.numbers)(value, low, high)
    counts = part.rows.numbers(count, low, high)
    times = [t for t, n in zip(part.rows.numbers(EVENT, low, high), counts, strict=True) if n]
    values = [v for v, n in zip(held, counts, strict=True) if n]
    if not times:
        return NO_LINE
    many = len(times)
    since = [time - times[0] for time in times]
    mean_time = sum(since) / many
    apart = [time - mean_time for time in since]
    squares = float_sum([time * time for time in apart])
    if not all(map(math.isfinite, values)):
        return Line(many, times[0], mean_time, math.nan, squares, math.nan)
    mean = float_sum(values) / many
    products = [time * (v - mean) for time, v in zip(apart, values, strict=True)]
    return Line(many, times[0], mean_time, mean, squares, float_sum(products))


def _explained(rows: ExplainedRows) -> float | None:
    """The slope, exactly and rounded once."""
    if len(set(rows.event_us)) < 2:
        return None
    if not all(math.isfinite(value) for value in rows.values):
        return math.nan
    times = [Fraction(time) for time in rows.event_us]
    mean_time = sum(times) / len(times)
    products = sum(
        (time - mean_time) * Fraction(value) for time, value in zip(times, rows.values, strict=True)
    )
    try:
        return float(products / sum((time - mean_time) ** 2 for time in times) * DAY)
    except OverflowError:
        return math.copysign(math.inf, products)


FORM = Form(online=_online, explained=_explained)
