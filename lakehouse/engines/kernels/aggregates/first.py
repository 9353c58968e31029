"""First: the first value of a window."""

from __future__ import annotations

from typing import Any

from lakehouse.engines.kernels.sequences import first_row
from lakehouse.engines.kernels.windowed_inputs import Windowed


def column(of: Windowed) -> Any:
    """Return values of the column's kind."""
    return of.taken(first_row(of.sequence, of.spans, of.window))
