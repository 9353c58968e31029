"""LastK: the last values of a window as lists, newest first."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from lakehouse.engines.kernels.sequences import Listed, last_rows
from lakehouse.engines.kernels.windowed_inputs import Windowed

_VALUES_A_CHUNK = 2**24
"""Values of lists in one Arrow array, whose offsets, and those of its texts, have 32 bits."""


def column(of: Windowed) -> Any:
    """Return lists of up to `many` values."""
    listed = last_rows(of.sequence, of.spans, of.window, of.feature.many or 0)
    return _lists(of.column, listed, of.kind)


def _lists(column: Any, listed: Listed, kind: Any) -> Any:
    """Return lists of a column's values at the rows listed, in arrays of a bounded size."""
    offsets, rows = listed
    moments = len(offsets) - 1
    chunks: list[Any] = []
    begin = 0
    while begin < moments or not chunks:
        most = int(offsets[begin]) + _VALUES_A_CHUNK
        end = min(max(int(np.searchsorted(offsets, most, "right")) - 1, begin + 1), moments)
        first, last = int(offsets[begin]), int(offsets[end])
        values = column.take(pa.array(rows[first:last])).cast(kind)
        if isinstance(values, pa.ChunkedArray):
            values = values.combine_chunks()
        starts = pa.array(offsets[begin : end + 1] - first, pa.int32())
        chunks.append(pa.ListArray.from_arrays(starts, values))
        begin = end
    return pa.chunked_array(chunks, pa.list_(kind))
