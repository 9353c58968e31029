"""The rows of each window, one by one: for what cannot be merged from parts of a window.

They are given in chunks of whole windows, so that memory is bounded however much windows overlap;
time grows with the number of rows in all windows together.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from lakehouse.engines.kernels.ordering import Bool, Int64, prefix_sum
from lakehouse.engines.kernels.spans import AnyWindow, Spans

ROWS_A_CHUNK = 2**21
"""About so many rows of windows are held at once."""


class Members(NamedTuple):
    """The rows in the windows of the sorted moments `first` … `first + len(starts) - 1`.

    `positions` are those of events of the index, window after window and within each in order;
    `of` says for each how many moments after `first` its window's is, and `starts` where the
    windows begin.
    """

    first: int
    starts: Int64
    of: Int64
    positions: Int64

    @property
    def sizes(self) -> Int64:
        """How many rows each window has."""
        return np.diff(self.starts, append=len(self.positions))


def members(
    spans: Spans, window: AnyWindow, counted: Bool | None, most: int = ROWS_A_CHUNK
) -> Iterator[Members]:
    """Yield the rows of all windows that are known and `counted`, a flag of each sorted event.

    >>> from lakehouse.engines.kernels.index import EventIndex, Moments
    >>> from lakehouse.engines.kernels.spans import TimeWindow
    >>> index = EventIndex(np.array([0, 0, 0]), np.array([10, 20, 30]), np.array([10, 40, 30]))
    >>> spans = Spans(index, Moments(np.array([0, 0]), np.array([35, 45])))
    >>> [found.positions.tolist() for found in members(spans, TimeWindow(over=30), None)]
    [[0, 2, 1, 2]]
    """
    index, moments = spans.index, spans.moments
    begin = spans.begins(window)
    end = np.maximum(index.happened.before(moments.entity, moments.at - window.delay), begin)
    kept = None
    if counted is not None:
        kept, before = np.flatnonzero(counted), prefix_sum(counted.astype(np.int64))
        begin, end = before[begin], before[end]
    offsets = prefix_sum(end - begin)
    first = 0
    while first < len(moments):
        last = int(np.searchsorted(offsets, offsets[first] + most, "right")) - 1
        last = min(max(last, first + 1), len(moments))
        sizes = end[first:last] - begin[first:last]
        of = np.repeat(np.arange(last - first), sizes)
        positions = (
            np.arange(len(of)) + (begin[first:last] - (offsets[first:last] - offsets[first]))[of]
        )
        if kept is not None:
            positions = kept[positions]
        if not index.on_time(window.delay):
            known = index.known_at[positions] <= moments.at[first:last][of]
            of, positions = of[known], positions[known]
            sizes = np.bincount(of, minlength=last - first)
        yield Members(first, prefix_sum(sizes)[:-1], of, positions)
        first = last
