"""Windowed aggregates at many moments at once, equal to `lakehouse.testing.oracle`.

Counts and exact sums are the difference of two running sums, one over events in the order they
become visible, one in the order they leave (see `spans`). Floating-point sums, minima and maxima
are merged: over one range of the steady events for each moment, and over the moments each
straggler covers (see `EventIndex.steady`).

>>> from lakehouse.engines.kernels.spans import TimeWindow
>>> DAY = 86_400_000_000
>>> index = EventIndex(np.array([0, 0, 1]), np.array([0, DAY, DAY]))
>>> windows = WindowAggregates(index, Moments(np.array([0, 1, -1]), np.array([2 * DAY, DAY, DAY])))
>>> cents = Measure(index, np.array([250, 199, 5]), scale=2)
>>> windows.sum(cents, TimeWindow(over=2 * DAY)).tolist()
[449, 0, 0]
>>> windows.mean(cents, TimeWindow(over=DAY))
Nullable(values=array([1.99, 0.  , 0.  ]), valid=array([ True, False, False]))
"""

from __future__ import annotations

import numpy as np

from lakehouse.engines.kernels.index import EventIndex, Moments
from lakehouse.engines.kernels.measures import Measure, join_limbs, scaled_to_float
from lakehouse.engines.kernels.ordering import Int64, KernelInputError
from lakehouse.engines.kernels.reductions import (
    ADD,
    GREATEST,
    LEAST,
    Merge,
    Numbers,
    reduce_ranges,
    spread_ranges,
)
from lakehouse.engines.kernels.spans import AnyWindow, Nullable, Spans
from lakehouse.errors import LakehouseError


class SumOverflow(LakehouseError):
    """An exact sum over a window does not fit 64 bits."""


class WindowAggregates:
    """Windowed aggregates of an index's measures at given moments.

    Results are in the order of the moments' caller. `spans` has the positions of windows, which
    aggregates of other kernels share.
    """

    def __init__(self, index: EventIndex, moments: Moments) -> None:
        self.spans = Spans(index, moments)
        self.index = index
        self.moments = moments

    def count(self, measure: Measure, window: AnyWindow) -> Int64:
        """Return how many rows of the measure lie in the window."""
        self._check(measure)
        return self.moments.restore(self.spans.total(measure.ones, window))

    def sum(self, measure: Measure, window: AnyWindow) -> Numbers:
        """Return the sum over the window, 0 if it is empty.

        Integers, booleans and scaled decimals sum exactly to int64, at the measure's scale;
        raises SumOverflow if a sum does not fit. A sum of floats with a NaN in it is NaN.
        """
        return self.moments.restore(self._sum(measure, window))

    def mean(self, measure: Measure, window: AnyWindow) -> Nullable:
        """Return sum / count as floats, null if no value lies in the window."""
        total = self._sum(measure, window)
        count = self.spans.total(measure.ones, window)
        floats = total if measure.is_float else scaled_to_float(total, measure.scale)
        return self.spans.nullable(floats / np.maximum(count, 1), count > 0)

    def min(self, measure: Measure, window: AnyWindow) -> Nullable:
        """Return the least value, null if there is none; NaN is greater than every number."""
        return self._extreme(measure, window, LEAST)

    def max(self, measure: Measure, window: AnyWindow) -> Nullable:
        """Return the greatest value, null if there is none; NaN is greater than every number."""
        return self._extreme(measure, window, GREATEST)

    def share(self, matching: Measure, among: Measure, window: AnyWindow) -> Nullable:
        """Return how many of the rows `among` are `matching`, null if there are none."""
        for measure in (matching, among):
            self._check(measure)
        part = self.spans.total(matching.ones, window)
        count = self.spans.total(among.ones, window)
        return self.spans.nullable(part / np.maximum(count, 1), count > 0)

    def _check(self, measure: Measure) -> None:
        if measure.index is not self.index:
            raise KernelInputError("This measure belongs to another index: make one for this.")

    def _sum(self, measure: Measure, window: AnyWindow) -> Numbers:
        self._check(measure)
        if measure.is_float:
            return self._merged(measure, window, ADD)
        total, lost = join_limbs([self.spans.total(limb, window) for limb in measure.limbs])
        if lost.any():
            first = int(np.flatnonzero(lost)[0])
            raise SumOverflow(
                f"{np.count_nonzero(lost)} sums over {window} exceed 64 bits, the first for "
                f"entity code {self.moments.entity[first]} at {self.moments.at[first]} µs: "
                "declare the column with a smaller scale, or as a float."
            )
        return total

    def _extreme(self, measure: Measure, window: AnyWindow, merge: Merge) -> Nullable:
        self._check(measure)
        values = self._merged(measure, window, merge)
        return self.spans.nullable(values, self.spans.total(measure.ones, window) > 0)

    def _merged(self, measure: Measure, window: AnyWindow, merge: Merge) -> Numbers:
        """Return merged values over the window, for the sorted moments."""
        begin, delay = self.spans.begins(window), window.delay
        if self.index.on_time(delay):
            return _reduce(*measure.kept(), begin, self.spans.ends(delay), merge)
        steady = self.index.steady(delay)
        values = _reduce(
            *measure.kept(delay), steady.count[begin], self.spans.steady_ends(delay), merge
        )
        rows = steady.stragglers
        first, last = self.spans.covered_by_stragglers(window)
        if measure.counted is not None:
            counted = measure.counted[rows]
            rows, first, last = rows[counted], first[counted], last[counted]
        late = spread_ranges(measure.values[rows], first, last, len(self.moments), merge)
        return np.asarray(merge.operation(values, late))


def _reduce(
    values: Numbers, position: Int64 | None, begin: Int64, end: Int64, merge: Merge
) -> Numbers:
    """Merge a measure's kept values over ranges of its events."""
    if position is not None:
        begin, end = position[begin], position[end]
    return reduce_ranges(values, begin, end, merge)
