"""Quantile: the value at a place among those of a window, in their order.

All values are ranked once; the rows of windows are sorted by rank, and the places read off.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from lakehouse.engines.kernels.members import members
from lakehouse.engines.kernels.spans import Nullable
from lakehouse.engines.kernels.windowed_inputs import Windowed


def column(of: Windowed) -> Any:
    """Return numbers of the column's kind, null where there is none."""
    measure, moments = of.measure, of.windows.moments
    share = Fraction(str(of.aggregate.argument))
    in_order = np.argsort(measure.values, kind="stable")  # NaN comes last
    rank = np.empty(len(in_order), dtype=np.int64)
    rank[in_order] = np.arange(len(in_order))
    found = np.full(len(moments), -1, dtype=np.int64)
    for chunk in members(of.spans, of.window, measure.counted):
        windows = np.flatnonzero(chunk.sizes)
        if len(windows):
            ranked = np.sort(chunk.of * len(rank) + rank[chunk.positions])
            # The least whole number that is no less than q * n, but 1 at least.
            place = -(-share.numerator * chunk.sizes[windows] // share.denominator)
            at = chunk.starts[windows] + np.maximum(place, 1) - 1
            found[chunk.first + windows] = in_order[ranked[at] % len(rank)]
    there = found >= 0
    values = np.zeros(len(found), dtype=measure.values.dtype)
    values[there] = measure.values[found[there]]
    restored = Nullable(moments.restore(values), moments.restore(there))
    return of.numbers(restored, measure.scale)
