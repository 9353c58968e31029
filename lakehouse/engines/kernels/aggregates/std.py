"""Std: the sample standard deviation of a window."""

from __future__ import annotations

from typing import Any

from lakehouse.engines.kernels.deviations import deviation
from lakehouse.engines.kernels.windowed_inputs import Windowed


def column(of: Windowed) -> Any:
    """Return floats."""
    return of.numbers(deviation(of.measure, of.spans, of.window))
