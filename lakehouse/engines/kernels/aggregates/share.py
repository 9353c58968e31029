"""Share: how many of the rows of a window fulfil `where`."""

from __future__ import annotations

from typing import Any

from lakehouse.engines.kernels.windowed_inputs import Windowed


def column(of: Windowed) -> Any:
    """Return floats."""
    return of.numbers(of.windows.share(of.measure, of.measure_of_all, of.window))
