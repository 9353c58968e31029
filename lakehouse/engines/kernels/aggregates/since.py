"""Since: how long before the moment the last row of a window happened."""

from __future__ import annotations

from typing import Any

import numpy as np

from lakehouse.engines.kernels.sequences import Sequence, last_row
from lakehouse.engines.kernels.spans import Nullable
from lakehouse.engines.kernels.windowed_inputs import Windowed


def column(of: Windowed) -> Any:
    """Return seconds as floats, null where no row counts."""
    where = of.aggregate.where
    counted = None if where is None else of.inputs.rows.flags(where)
    rows = last_row(Sequence(of.windows.index, counted), of.spans, of.window)
    event_at, _ = of.inputs.rows.times(str(of.view.of.event_time))
    moments = of.windows.moments
    at = moments.restore(moments.at)
    there = rows >= 0
    microseconds = np.zeros(len(at), dtype=np.int64)
    microseconds[there] = at[there] - event_at[rows[there]]
    return of.numbers(Nullable(microseconds / 1e6, there))
