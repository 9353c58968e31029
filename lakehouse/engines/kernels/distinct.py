"""How many different values a window holds, exactly.

An event holds its value at the moments [visible, leaves). A value is present at the union of the
intervals of its events, and a window holds as many values as there are disjoint intervals that
have begun and not ended. Both are counted as events are: an interval begins with an event that
becomes visible, and ends when the latest of its events leaves.

>>> from lakehouse.engines.kernels.index import Moments
>>> from lakehouse.engines.kernels.spans import TimeWindow
>>> index = EventIndex(np.array([0, 0, 0]), np.array([10, 15, 30]))
>>> spans = Spans(index, Moments(np.array([0, 0, 0, 0]), np.array([10, 16, 31, 45])))
>>> distinct(Presence(index, np.array([7, 8, 7])), spans, TimeWindow(over=20)).tolist()
[0, 2, 2, 1]
"""

from __future__ import annotations

import numpy as np

from lakehouse.engines.kernels.index import EventIndex
from lakehouse.engines.kernels.ordering import Bool, Int64, KernelInputError, prefix_sum, sort_pairs
from lakehouse.engines.kernels.spans import AnyWindow, Spans


class Presence:
    """The values of an index's events, brought together by entity and value.

    `codes` are 0, 1, 2, … for each value and -1 for none; `where` is False for a row that does not
    count. Both are in the caller's order of rows.
    """

    def __init__(self, index: EventIndex, codes: Int64, where: Bool | None = None) -> None:
        for name, column in (("codes", codes), ("where", where)):
            if column is not None and column.shape != (index.size,):
                raise KernelInputError(
                    f"{name} has the shape {column.shape} where the index was built from "
                    f"{index.size} events: give one value for each event."
                )
        self.index = index
        self._codes: Int64 = codes[index.rows]
        self._counted: Bool = self._codes >= 0
        if where is not None:
            self._counted &= where[index.rows]
        self._together: dict[int, tuple[Int64, Bool]] = {}

    def together(self, delay: int) -> tuple[Int64, Bool]:
        """Return positions by entity, value and visibility, and which are a value's first."""
        if delay not in self._together:
            index = self.index
            if index.on_time(delay):
                positions = np.flatnonzero(self._counted)
            else:
                order, _ = index.by_visibility(delay)
                positions = order[self._counted[order]]
            by_value, _ = sort_pairs(index.entity[positions], self._codes[positions])
            positions = positions[by_value]
            self._together[delay] = positions, self._firsts(positions)
        return self._together[delay]

    def shown(self, delay: int, hidden: Bool) -> tuple[Int64, Bool]:
        """Return the same without the events marked hidden."""
        positions, _ = self.together(delay)
        positions = positions[~hidden[positions]]
        return positions, self._firsts(positions)

    def _firsts(self, positions: Int64) -> Bool:
        firsts: Bool = np.ones(len(positions), dtype=np.bool_)
        entity, codes = self.index.entity[positions], self._codes[positions]
        firsts[1:] = (entity[1:] != entity[:-1]) | (codes[1:] != codes[:-1])
        return firsts


def distinct(presence: Presence, spans: Spans, window: AnyWindow) -> Int64:
    """Return how many different values lie in the window at each moment."""
    if presence.index is not spans.index:
        raise KernelInputError("These values belong to another index: code them for this.")
    index, delay = spans.index, window.delay
    positions, firsts = presence.together(delay)
    latest = positions
    if not index.on_time(delay):
        hidden = spans.hidden(window)
        if hidden is not None:
            positions, firsts = presence.shown(delay, hidden)
        latest = _latest_so_far(positions, firsts, len(index.rows))
    enters, leaves = window.enters(spans, positions), window.leaves(spans, latest)
    begins = firsts.copy()
    begins[1:] |= enters[1:] > leaves[:-1]
    ends = np.append(begins[1:], True)[: len(begins)]
    begun, ended = (np.zeros(len(index.rows), dtype=np.int64) for _ in range(2))
    begun[positions[begins]] = 1
    ended[latest[ends]] = 1
    if not index.on_time(delay):
        order, _ = index.by_visibility(delay)
        begun = begun[order]
    present = prefix_sum(begun)[spans.ends(delay)] - prefix_sum(ended)[spans.begins(window)]
    return spans.moments.restore(present)


def _latest_so_far(positions: Int64, firsts: Bool, size: int) -> Int64:
    """Return the greatest position so far among those of one value: the event that leaves last."""
    above = np.cumsum(firsts) * size
    latest: Int64 = np.maximum.accumulate(positions + above) - above
    return latest
