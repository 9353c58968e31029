"""Which events lie in the window asked for at each moment: positions, searched once and kept.

An event counts at the moments from when its window's end has passed it and it is known, until the
window's beginning passes it. Both are positions among sorted events: how many lie before the
window's beginning, and how many are visible, in the order in which they become so. What is
counted or summed exactly is the difference of two running sums at these positions; late events
need nothing more.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from lakehouse.engines.kernels.index import EventIndex, Moments
from lakehouse.engines.kernels.measures import Weights
from lakehouse.engines.kernels.ordering import (
    FOREVER,
    TIME_LIMIT,
    Bool,
    Int64,
    KernelInputError,
    prefix_sum,
)

Places = Int64 | slice
"""Which of the sorted events."""
EVERY = slice(None)


class AnyWindow(Protocol):
    """Which of the events that are visible at a moment lie in a window that ends there.

    Moments are the sorted ones of some `Spans`. From moment to moment a window's beginning never
    goes back among the sorted events, so that what it has passed is out of it for good.
    """

    @property
    def delay(self) -> int:
        """How long before the moment it ends, in microseconds."""
        ...

    def begins(self, spans: Spans) -> Int64:
        """Return how many sorted events lie before each moment's window."""
        ...

    def enters(self, spans: Spans, events: Places) -> Int64:
        """Return when sorted events are in the window first, as numbers that `leaves` gives."""
        ...

    def leaves(self, spans: Spans, events: Places) -> Int64:
        """Return when sorted events are in the window no more."""
        ...

    def covers(self, spans: Spans, events: Int64) -> tuple[Int64, Int64]:
        """Return the range of the sorted moments at which each event counts."""
        ...


@dataclass(frozen=True)
class TimeWindow:
    """A length of time before a moment, in microseconds: [at - delay - over, at - delay).

    With an `edge`, the window begins with the tile of that length, counted from 1970, that holds
    its plain beginning. `over` None is all that was.
    """

    over: int | None
    delay: int = 0
    edge: int | None = None

    def __post_init__(self) -> None:
        for name, us, least in (("over", self.over, 1), ("delay", self.delay, 0)):
            if us is not None and not least <= us < TIME_LIMIT:
                raise KernelInputError(f"A window's {name} is {us} µs: it must be ≥ {least}.")
        if self.edge is not None and not 1 <= self.edge < TIME_LIMIT:
            raise KernelInputError(f"A window's edge is {self.edge} µs: it must be ≥ 1, or None.")

    def first_times(self, at: Int64) -> Int64:
        """Return the first event time of the window asked for at each moment."""
        if self.over is None:
            return np.full(len(at), -FOREVER)
        begin = at - (self.delay + self.over)
        return begin if self.edge is None else begin // self.edge * self.edge

    def begins(self, spans: Spans) -> Int64:
        moments = spans.moments
        return spans.index.happened.before(moments.entity, self.first_times(moments.at))

    def enters(self, spans: Spans, events: Places) -> Int64:
        """Return the first moment that can see each event."""
        return spans.index.visible_at(self.delay)[events]

    def leaves(self, spans: Spans, events: Places) -> Int64:
        """Return the first moment whose window no longer holds each event.

        floor((t - d - w) / e) * e <= event_at  holds exactly while
        t < (floor(event_at / e) + 1) * e + d + w, and a plain window is one of edge 1.
        """
        event_at = spans.index.event_at[events]
        if self.over is None:
            return np.full(len(event_at), FOREVER)
        edge = 1 if self.edge is None else self.edge
        return (event_at // edge + 1) * edge + (self.delay + self.over)

    def covers(self, spans: Spans, events: Int64) -> tuple[Int64, Int64]:
        entity, pairs = spans.index.entity[events], spans.moments.pairs
        return (
            pairs.before(entity, self.enters(spans, events)),
            pairs.before(entity, self.leaves(spans, events)),
        )


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
        self._begin: dict[AnyWindow, Int64] = {}
        self._end: dict[int, Int64] = {}
        self._hidden: dict[AnyWindow, Bool | None] = {}
        self._steady_end: dict[int, Int64] = {}
        self._covered: dict[AnyWindow, tuple[Int64, Int64]] = {}

    def nullable(self, values: NDArray[Any], valid: Bool) -> Nullable:
        """Return values of the sorted moments in the caller's order, 0 where they are null."""
        restore = self.moments.restore
        return Nullable(restore(np.where(valid, values, 0)), restore(valid))

    def total(self, weights: Weights, window: AnyWindow) -> Int64:
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

    def begins(self, window: AnyWindow) -> Int64:
        """Return how many sorted events lie before each moment's window."""
        if window not in self._begin:
            self._begin[window] = window.begins(self)
        return self._begin[window]

    @cached_property
    def of_entities(self) -> Int64:
        """How many sorted events lie before the first of each moment's entity."""
        entity = self.moments.entity
        return self.index.happened.before(entity, np.full(len(entity), -FOREVER))

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

    def covered_by_stragglers(self, window: AnyWindow) -> tuple[Int64, Int64]:
        """Return the range of the sorted moments at which each straggler counts."""
        if window not in self._covered:
            stragglers = self.index.steady(window.delay).stragglers
            self._covered[window] = window.covers(self, stragglers)
        return self._covered[window]

    def hidden(self, window: AnyWindow) -> Bool | None:
        """Mark events known only after the window has passed them; None if there are none."""
        if window not in self._hidden:
            hidden = window.enters(self, EVERY) >= window.leaves(self, EVERY)
            self._hidden[window] = hidden if hidden.any() else None
        return self._hidden[window]
