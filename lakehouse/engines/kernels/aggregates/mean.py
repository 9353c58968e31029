"""Mean: the sum of a window divided by how many there are."""

from __future__ import annotations

from typing import Any

from lakehouse.engines.kernels.windowed_inputs import Windowed


def column(of: Windowed) -> Any:
    """Return floats."""
    return of.numbers(of.windows.mean(of.measure, of.window))
