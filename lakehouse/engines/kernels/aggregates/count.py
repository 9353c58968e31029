"""Count: how many rows lie in a window."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from lakehouse.engines.kernels.windowed_inputs import Windowed


def column(of: Windowed) -> Any:
    """Return whole numbers."""
    return pa.array(of.windows.count(of.measure, of.window))
