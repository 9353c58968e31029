"""Which events lie in the window asked for at each moment: positions, searched once and kept.

An event counts at the moments from when its window's end has passed it and it is known, until the
window's beginning passes it. Both are positions among sorted events: how many lie before the
window's beginning, and how many are visible, in the order in which they become so. What is
counted or summed exactly is the difference of two running sums at these positions; late events
need nothing more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lakehouse.engines.kernels.index import EventIndex, Moments
from lakehouse.engines.kernels.measures import Weights
from lakehouse.engines.kernels.ordering import (
    TIME_LIMIT,
    Bool,
    Int64,
    KernelInputError,
    prefix_sum,
)


@dataclass(frozen=True)
class Window:
    """A length of time before a moment, in microseconds: [at - delay - over, at - delay).

    With an `edge`, the window begins with the tile of that length, counted from 1970, that holds
    its plain beginning.
    """

    over: int
    delay: int = 0
    edge: int | None = None

    def __post_init__(self) -> None:
        for name, us, least in (("over", self.over, 1), ("delay", self.delay, 0)):
            if not least <= us < TIME_LIMIT:
                raise KernelInputError(f"A window's {name} is {us} µs: it must be ≥ {least}.")
        if self.edge is not None and not 1 <= self.edge < TIME_LIMIT:
            raise KernelInputError(f"A window's edge is {self.edge} µs: it must be ≥ 1, or None.")

    def begins(self, at: Int64) -> Int64:
        """Return the first event time of the window asked for at each moment."""
        begin = at - (self.delay + self.over)
        return begin if self.edge is None else begin // self.edge * self.edge

    def leaves(self, event_at: Int64) -> Int64:
        """Return the first moment whose window no longer holds an event of this time.

        floor((t - d - w) / e) * e <= event_at  holds exactly while
        t < (floor(event_at / e) + 1) * e + d + w, and a plain window is one of edge 1.
        """
        edge = 1 if self.edge is None else self.edge
        return (event_at // edge + 1) * edge + (self.delay + self.over)


class Nullable(NamedTuple):
    """Values at the moments in the caller's order; where `valid` is False the value is null."""

    values: NDArray[Any]
    valid: Bool


class Spans:
    """Positions of windows among the events of an index, for the sorted moments.

    They are searched once for each window and kept, so that the aggregates of one window share
    them.
    """

    def __init__(self, index: EventIndex, moments: Moments) -> None:
        self.index = index
        self.moments = moments
        self._begin: dict[Window, Int64] = {}
        self._end: dict[int, Int64] = {}
        self._hidden: dict[Window, Bool | None] = {}
        self._steady_end: dict[int, Int64] = {}
        self._covered: dict[Window, tuple[Int64, Int64]] = {}

    def nullable(self, values: NDArray[Any], valid: Bool) -> Nullable:
        """Return values of the sorted moments in the caller's order, 0 where they are null."""
        restore = self.moments.restore
        return Nullable(restore(np.where(valid, values, 0)), restore(valid))

    def total(self, weights: Weights, window: Window) -> Int64:
        """Return exact sums over the window, for the sorted moments, modulo 2**64."""
        begin = self.begins(window)
        end = self.ends(window.delay)
        if self.index.on_time(window.delay):
            if weights.each_is_one:
                return end - begin
            running = weights.prefix()
            total = running[end]
            total -= running[begin]
            return total
        order, _ = self.index.by_visibility(window.delay)
        hidden = self.hidden(window)
        if hidden is None:
            return weights.prefix(window.delay, order)[end] - weights.prefix()[begin]
        seen = np.where(hidden, 0, weights.values)
        return prefix_sum(seen[order])[end] - prefix_sum(seen)[begin]

    def begins(self, window: Window) -> Int64:
        """Return how many sorted events lie before each moment's window."""
        if window not in self._begin:
            begins = window.begins(self.moments.at)
            self._begin[window] = self.index.happened.before(self.moments.entity, begins)
        return self._begin[window]

    def ends(self, delay: int) -> Int64:
        """Return how many events are visible at each moment, in the order of visibility."""
        if delay not in self._end:
            entity, at = self.moments.entity, self.moments.at
            if self.index.on_time(delay):
                self._end[delay] = self.index.happened.before(entity, at - delay)
            else:
                _, visible = self.index.by_visibility(delay)
                self._end[delay] = visible.before(entity, at + 1)
        return self._end[delay]

    def steady_ends(self, delay: int) -> Int64:
        """Return how many steady events are visible at each moment."""
        if delay not in self._steady_end:
            visible = self.index.steady(delay).visible
            self._steady_end[delay] = visible.before(self.moments.entity, self.moments.at + 1)
        return self._steady_end[delay]

    def covered_by_stragglers(self, window: Window) -> tuple[Int64, Int64]:
        """Return the range of the sorted moments at which each straggler counts."""
        if window not in self._covered:
            index, pairs = self.index, self.moments.pairs
            rows = index.steady(window.delay).stragglers
            entity = index.entity[rows]
            self._covered[window] = (
                pairs.before(entity, index.visible_at(window.delay)[rows]),
                pairs.before(entity, window.leaves(index.event_at[rows])),
            )
        return self._covered[window]

    def hidden(self, window: Window) -> Bool | None:
        """Mark events known only after the window has passed them; None if there are none."""
        if window not in self._hidden:
            index = self.index
            hidden = index.visible_at(window.delay) >= window.leaves(index.event_at)
            self._hidden[window] = hidden if hidden.any() else None
        return self._hidden[window]
