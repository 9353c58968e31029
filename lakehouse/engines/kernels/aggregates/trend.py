"""Trend: the slope of the least-squares line through the values of a window over time.

Times are taken from the window's first row on and values from their mean before they are
multiplied, so that what is large and common to all of them cancels.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from lakehouse.declare.durations import DAY
from lakehouse.engines.kernels.measures import scaled_to_float
from lakehouse.engines.kernels.members import members
from lakehouse.engines.kernels.windowed_inputs import Windowed


def column(of: Windowed) -> Any:
    """Return slopes by the day as floats, null of fewer than two values and of one time."""
    measure, spans = of.measure, of.spans
    values = measure.values
    floats = values if measure.is_float else scaled_to_float(values, measure.scale)
    floats = np.where(np.isfinite(floats), floats, np.nan)  # no distance from an infinity
    slopes = np.zeros(len(spans.moments))
    there = np.zeros(len(spans.moments), dtype=np.bool_)
    for chunk in members(spans, of.window, measure.counted):
        windows = np.flatnonzero(chunk.sizes)
        if not len(windows):
            continue
        starts, sizes = chunk.starts[windows], chunk.sizes[windows]
        window = np.repeat(np.arange(len(windows)), sizes)
        event_at = spans.index.event_at[chunk.positions]
        first = event_at[starts]
        with np.errstate(invalid="ignore", over="ignore", divide="ignore"):  # NaN is an answer
            time = (event_at - first[window]).astype(np.float64)
            time -= (np.add.reduceat(time, starts) / sizes)[window]
            value = floats[chunk.positions]
            value = value - (np.add.reduceat(value, starts) / sizes)[window]
            together = np.add.reduceat(time * value, starts)
            slopes[chunk.first + windows] = together / np.add.reduceat(time * time, starts) * DAY
        there[chunk.first + windows] = event_at[starts + sizes - 1] > first
    return of.numbers(spans.nullable(slopes, there))
