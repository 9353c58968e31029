"""Windowed aggregates at many moments at once, equal to `lakehouse.testing.oracle`.

An event counts at the moments from when its window's end has passed it and it is known, until the
window's beginning passes it. Counts and exact sums are therefore the difference of two running
sums, one over events in the order they become visible, one in the order they leave; late events
need nothing more. Floating-point sums, minima and maxima are merged: over one range of the steady
events for each moment, and over the moments each straggler covers (see `EventIndex.steady`).

>>> DAY = 86_400_000_000
>>> index = EventIndex(np.array([0, 0, 1]), np.array([0, DAY, DAY]))
>>> windows = Windows(index, Moments(np.array([0, 1, -1]), np.array([2 * DAY, DAY, DAY])))
>>> cents = Measure(index, np.array([250, 199, 5]), scale=2)
>>> windows.sum(cents, Window(over=2 * DAY)).tolist()
[449, 0, 0]
>>> windows.mean(cents, Window(over=DAY))
Nullable(values=array([1.99, 0.  , 0.  ]), valid=array([ True, False, False]))
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lakehouse.engines.kernels.index import EventIndex, Moments
from lakehouse.engines.kernels.measures import Measure, Weights, join_limbs, scaled_to_float
from lakehouse.engines.kernels.ordering import (
    TIME_LIMIT,
    Bool,
    Int64,
    KernelInputError,
    prefix_sum,
)
from lakehouse.engines.kernels.reductions import (
    ADD,
    GREATEST,
    LEAST,
    Merge,
    Numbers,
    reduce_ranges,
    spread_ranges,
)
from lakehouse.errors import LakehouseError

AGGREGATES = ("count", "sum", "mean", "min", "max")


class SumOverflow(LakehouseError):
    """An exact sum over a window does not fit 64 bits."""


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


class Windows:
    """Windowed aggregates of an index's measures at given moments.

    Results are in the order of the moments' caller. Positions are searched once for each window
    and kept, so that the aggregates of one window share them.
    """

    def __init__(self, index: EventIndex, moments: Moments) -> None:
        self.index = index
        self.moments = moments
        self._begin: dict[Window, Int64] = {}
        self._end: dict[int, Int64] = {}
        self._hidden: dict[Window, Bool | None] = {}
        self._steady_end: dict[int, Int64] = {}
        self._covered: dict[Window, tuple[Int64, Int64]] = {}

    def count(self, measure: Measure, window: Window) -> Int64:
        """Return how many rows of the measure lie in the window."""
        self._check(measure)
        return self.moments.restore(self._total(measure.ones, window))

    def sum(self, measure: Measure, window: Window) -> Numbers:
        """Return the sum over the window, 0 if it is empty.

        Integers, booleans and scaled decimals sum exactly to int64, at the measure's scale;
        raises SumOverflow if a sum does not fit. A sum of floats with a NaN in it is NaN.
        """
        return self.moments.restore(self._sum(measure, window))

    def mean(self, measure: Measure, window: Window) -> Nullable:
        """Return sum / count as floats, null if no value lies in the window."""
        total = self._sum(measure, window)
        count = self._total(measure.ones, window)
        floats = total if measure.is_float else scaled_to_float(total, measure.scale)
        return self._nullable(floats / np.maximum(count, 1), count)

    def min(self, measure: Measure, window: Window) -> Nullable:
        """Return the least value, null if there is none; NaN is greater than every number."""
        return self._extreme(measure, window, LEAST)

    def max(self, measure: Measure, window: Window) -> Nullable:
        """Return the greatest value, null if there is none; NaN is greater than every number."""
        return self._extreme(measure, window, GREATEST)

    def value(self, aggregate: str, measure: Measure, window: Window) -> Nullable:
        """Return an aggregate by its name, one of `AGGREGATES`."""
        if aggregate not in AGGREGATES:
            raise KernelInputError(
                f"Aggregate '{aggregate}' is not known: use one of {', '.join(AGGREGATES)}."
            )
        result = getattr(self, aggregate)(measure, window)
        if isinstance(result, Nullable):
            return result
        return Nullable(result, np.ones(len(result), dtype=np.bool_))

    def _check(self, measure: Measure) -> None:
        if measure.index is not self.index:
            raise KernelInputError("This measure belongs to another index: make one for this.")

    def _sum(self, measure: Measure, window: Window) -> Numbers:
        self._check(measure)
        if measure.is_float:
            return self._merged(measure, window, ADD)
        total, lost = join_limbs([self._total(limb, window) for limb in measure.limbs])
        if lost.any():
            first = int(np.flatnonzero(lost)[0])
            raise SumOverflow(
                f"{np.count_nonzero(lost)} sums over {window} exceed 64 bits, the first for "
                f"entity code {self.moments.entity[first]} at {self.moments.at[first]} µs: "
                "declare the column with a smaller scale, or as a float."
            )
        return total

    def _extreme(self, measure: Measure, window: Window, merge: Merge) -> Nullable:
        self._check(measure)
        values = self._merged(measure, window, merge)
        return self._nullable(values, self._total(measure.ones, window))

    def _nullable(self, values: Numbers, count: Int64) -> Nullable:
        valid = count > 0
        return Nullable(
            self.moments.restore(np.where(valid, values, 0)), self.moments.restore(valid)
        )

    def _total(self, weights: Weights, window: Window) -> Int64:
        """Return exact sums over the window, for the sorted moments, modulo 2**64."""
        begin = self._begin_of(window)
        if self.index.on_time(window.delay):
            running = weights.prefix()
            total = running[self._end_of(window.delay)]
            total -= running[begin]
            return total
        order, _ = self.index.by_visibility(window.delay)
        end = self._end_of(window.delay)
        hidden = self._hidden_in(window)
        if hidden is None:
            return weights.prefix(window.delay, order)[end] - weights.prefix()[begin]
        seen = np.where(hidden, 0, weights.values)
        return prefix_sum(seen[order])[end] - prefix_sum(seen)[begin]

    def _merged(self, measure: Measure, window: Window, merge: Merge) -> Numbers:
        """Return merged values over the window, for the sorted moments."""
        begin, delay = self._begin_of(window), window.delay
        if self.index.on_time(delay):
            return _reduce(*measure.kept(), begin, self._end_of(delay), merge)
        steady = self.index.steady(delay)
        values = _reduce(
            *measure.kept(delay), steady.count[begin], self._steady_end_of(delay), merge
        )
        rows = steady.stragglers
        first, last = self._covered_by_stragglers(window)
        if measure.counted is not None:
            counted = measure.counted[rows]
            rows, first, last = rows[counted], first[counted], last[counted]
        late = spread_ranges(measure.values[rows], first, last, len(self.moments), merge)
        return np.asarray(merge.operation(values, late))

    def _begin_of(self, window: Window) -> Int64:
        """Return how many sorted events lie before each moment's window."""
        if window not in self._begin:
            begins = window.begins(self.moments.at)
            self._begin[window] = self.index.happened.before(self.moments.entity, begins)
        return self._begin[window]

    def _end_of(self, delay: int) -> Int64:
        """Return how many events are visible at each moment, in the order of visibility."""
        if delay not in self._end:
            entity, at = self.moments.entity, self.moments.at
            if self.index.on_time(delay):
                self._end[delay] = self.index.happened.before(entity, at - delay)
            else:
                _, visible = self.index.by_visibility(delay)
                self._end[delay] = visible.before(entity, at + 1)
        return self._end[delay]

    def _steady_end_of(self, delay: int) -> Int64:
        """Return how many steady events are visible at each moment."""
        if delay not in self._steady_end:
            visible = self.index.steady(delay).visible
            self._steady_end[delay] = visible.before(self.moments.entity, self.moments.at + 1)
        return self._steady_end[delay]

    def _covered_by_stragglers(self, window: Window) -> tuple[Int64, Int64]:
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

    def _hidden_in(self, window: Window) -> Bool | None:
        """Mark events known only after the window has passed them; None if there are none."""
        if window not in self._hidden:
            index = self.index
            hidden = index.visible_at(window.delay) >= window.leaves(index.event_at)
            self._hidden[window] = hidden if hidden.any() else None
        return self._hidden[window]


def _reduce(
    values: Numbers, position: Int64 | None, begin: Int64, end: Int64, merge: Merge
) -> Numbers:
    """Merge a measure's kept values over ranges of its events."""
    if position is not None:
        begin, end = position[begin], position[end]
    return reduce_ranges(values, begin, end, merge)
