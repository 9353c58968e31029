"""Max: the greatest number of a window."""

from __future__ import annotations

from typing import Any

from lakehouse.engines.kernels.windowed_inputs import Windowed


def column(of: Windowed) -> Any:
    """Return numbers of the column's kind."""
    return of.numbers(of.windows.max(of.measure, of.window), of.measure.scale)
