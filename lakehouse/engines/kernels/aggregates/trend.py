"""Trend: the slope of the least-squares line through the values of a window over time."""

from __future__ import annotations

from typing import Any

from lakehouse.engines.kernels.lines import slopes
from lakehouse.engines.kernels.windowed_inputs import Windowed


def column(of: Windowed) -> Any:
    """Return slopes by the day as floats, null of fewer than two values and of one time."""
    return of.numbers(slopes(of.measure, of.spans, of.window))
