"""The window of the last rows before a moment, whatever their age.

The rows are those of a sequence, in its order. What comes to be known moves the n-th row from the
end forward among the sorted events and never back, so that an event that the window has passed is
out of it for good, as with a window of time.

>>> from lakehouse.engines.kernels.index import EventIndex, Moments
>>> from lakehouse.engines.kernels.measures import Measure
>>> from lakehouse.engines.kernels.windows import WindowAggregates
>>> index = EventIndex(np.array([0, 0, 0]), np.array([10, 20, 30]), np.array([10, 60, 30]))
>>> windows = WindowAggregates(index, Moments(np.array([0, 0, 0]), np.array([11, 40, 60])))
>>> windows.sum(Measure(index, np.array([1, 2, 4])), LastRows(2, Sequence(index))).tolist()
[1, 5, 6]
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lakehouse.engines.kernels.ordering import Int64, KernelInputError
from lakehouse.engines.kernels.prefixes import nth_greatest
from lakehouse.engines.kernels.sequences import Sequence, counted_before
from lakehouse.engines.kernels.spans import Places, Spans


@dataclass(frozen=True)
class LastRows:
    """The last `rows` rows of a sequence that happened before at - delay and are known at `at`.

    The sequence goes by the order of its index: `EventIndex.retie` sets that of equal times.
    """

    rows: int
    among: Sequence
    delay: int = 0

    def __post_init__(self) -> None:
        if self.rows < 1:
            raise KernelInputError(f"A window of {self.rows} rows holds none: give 1 or more.")

    def begins(self, spans: Spans) -> Int64:
        """Return how many sorted events lie before each moment's window."""
        if self.among.index is not spans.index:
            raise KernelInputError("This sequence belongs to another index: make one for this.")
        if spans.index.on_time(self.delay):
            kept, counts = self.among.kept
            place = counted_before(counts, spans.ends(self.delay)) - self.rows
            begin = np.append(-1, kept)[np.maximum(place + 1, 0)]
        else:
            kept, counts = self.among.seen(self.delay)
            seen = counted_before(counts, spans.ends(self.delay))
            begin = nth_greatest(kept, seen, self.rows)
        # Events of other entities come before: of its own there are not so many.
        first: Int64 = np.maximum(begin, spans.of_entities)
        return first

    def enters(self, spans: Spans, events: Places) -> Int64:
        """Return the number of the first sorted moment that can see each event."""
        index = spans.index
        return spans.moments.pairs.before(
            index.entity[events], index.visible_at(self.delay)[events]
        )

    def leaves(self, spans: Spans, events: Places) -> Int64:
        """Return the number of the first sorted moment whose window begins after each event."""
        places = np.arange(len(spans.index.rows))[events]
        return spans.begins(self).searchsorted(places, side="right").astype(np.int64, copy=False)

    def covers(self, spans: Spans, events: Int64) -> tuple[Int64, Int64]:
        """Return the range of the sorted moments at which each event counts."""
        return self.enters(spans, events), self.leaves(spans, events)
