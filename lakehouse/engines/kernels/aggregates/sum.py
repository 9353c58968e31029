"""Sum: what the numbers of a window add up to."""

from __future__ import annotations

from typing import Any

import numpy as np

from lakehouse.engines.kernels.spans import Nullable
from lakehouse.engines.kernels.windowed_inputs import Windowed


def column(of: Windowed) -> Any:
    """Return numbers of the feature's kind, 0 of nothing."""
    total = of.windows.sum(of.measure, of.window)
    return of.numbers(Nullable(total, np.ones(len(total), dtype=np.bool_)), of.measure.scale)
