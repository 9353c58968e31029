"""Mode: the most frequent value of a window, and of equally frequent ones the last that came.

Rows of windows are sorted by value, so that equal values are neighbours and can be counted; their
positions then say which of them came last.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from lakehouse.engines.kernels.entity_codes import value_codes
from lakehouse.engines.kernels.members import Members, members
from lakehouse.engines.kernels.ordering import Bool, Int64
from lakehouse.engines.kernels.windowed_inputs import Windowed


def column(of: Windowed) -> Any:
    """Return values of the column's kind, null where there is none."""
    sequence = of.sequence
    codes = value_codes(of.column)[sequence.rows]
    found = np.full(len(of.windows.moments), -1, dtype=np.int64)
    for chunk in members(of.spans, of.window, sequence.counted):
        if len(chunk.positions):
            windows, positions = _most_frequent(chunk, codes)
            found[windows] = sequence.rows[positions]
    return of.taken(of.windows.moments.restore(found))


def _most_frequent(chunk: Members, codes: Int64) -> tuple[Int64, Int64]:
    """Return the windows that have rows, and the position of the last row of their value."""
    different = int(codes.max()) + 1
    value = chunk.of * different + codes[chunk.positions]
    order = np.argsort(value, kind="stable")  # among equals, rows stay in their order
    value = value[order]
    begins = np.flatnonzero(_changes(value))
    often = np.diff(begins, append=len(value))
    latest = chunk.positions[order[begins + often - 1]]
    window = value[begins] // different
    firsts = np.flatnonzero(_changes(window))
    best = np.maximum.reduceat(often * len(codes) + latest, firsts)
    return chunk.first + window[firsts], best % len(codes)


def _changes(values: Int64) -> Bool:
    """Mark the values that are not those before them."""
    changes: Bool = np.ones(len(values), dtype=np.bool_)
    changes[1:] = values[1:] != values[:-1]
    return changes
