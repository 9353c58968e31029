"""Trend: the slope of the least-squares line through values over time, by the day."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

from lakehouse.declare.durations import DAY
from lakehouse.declare.features import WindowedFeature
from lakehouse.features.aggregates.form import ExplainedRows, Form
from lakehouse.features.online.layout.slots import EVENT
from lakehouse.features.online.read.parts import Evaluate, Part, Places
from lakehouse.features.online.read.rows import float_sum


def _online(_: WindowedFeature, places: Places) -> Evaluate:
    (slot, value), (_slot, count) = places.events
    power = float(10**slot.scale)

    def trend(parts: Sequence[Part]) -> float | None:
        times: list[int] = []
        values: list[float] = []
        for part in parts:
            counts = part.rows.numbers(count, part.low, part.high)
            numbers = part.rows.reals if slot.real else part.rows.numbers
            held = zip(
                part.rows.numbers(EVENT, part.low, part.high),
                numbers(value, part.low, part.high),
                counts,
                strict=True,
            )
            for time, number, n in held:
                if n:
                    times.append(time)
                    values.append(number)
        if len(times) < 2 or times[0] == times[-1]:
            return None
        if not all(map(math.isfinite, values)):
            return math.nan
        return _slope(times, values) / power

    return trend


def _slope(times: Sequence[int], values: Sequence[float]) -> float:
    """The slope by the day of finite values at times that rise; common parts cancel first."""
    many = len(times)
    since = [time - times[0] for time in times]
    mean_time, mean_value = sum(since) / many, float_sum(values) / many
    apart = [time - mean_time for time in since]
    together = float_sum(
        [time * (value - mean_value) for time, value in zip(apart, values, strict=True)]
    )
    return together / float_sum([time * time for time in apart]) * DAY


def _explained(rows: ExplainedRows) -> float | None:
    """The slope, exactly and rounded once."""
    if len(set(rows.event_us)) < 2:
        return None
    if not all(math.isfinite(value) for value in rows.values):
        return math.nan
    times = [Fraction(time) for time in rows.event_us]
    mean_time = sum(times) / len(times)
    together = sum(
        (time - mean_time) * Fraction(value) for time, value in zip(times, rows.values, strict=True)
    )
    try:
        return float(together / sum((time - mean_time) ** 2 for time in times) * DAY)
    except OverflowError:
        return math.copysign(math.inf, together)


FORM = Form(online=_online, explained=_explained)
