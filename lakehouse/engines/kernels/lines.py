"""Least-squares lines over time of windows, merged as states of means and products of distances.

Two states become one by the formula of Chan, Golub and LeVeque (Updating Formulae and a Pairwise
Algorithm for Computing Sample Variances, 1979), which subtracts means and never sums of squares.
Times are counted from one of a state's own, in whole microseconds between two states, so that
what is large and common to all times and values cancels before it is multiplied.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from lakehouse.declare.durations import DAY
from lakehouse.engines.kernels import states
from lakehouse.engines.kernels.deviations import Floats, as_floats
from lakehouse.engines.kernels.measures import Measure
from lakehouse.engines.kernels.ordering import Int64, KernelInputError
from lakehouse.engines.kernels.spans import AnyWindow, Nullable, Spans


class Lines(NamedTuple):
    """How many values there are, and how they and their times lie.

    `base` is one of their times, in microseconds, `time` how far after it their mean is, `value`
    the values' mean. `times` are squares of the times' distances from their mean, summed, and
    `together` the products of these distances with those of the values.
    """

    n: Int64
    base: Int64
    time: Floats
    value: Floats
    times: Floats
    together: Floats


def slopes(measure: Measure, spans: Spans, window: AnyWindow) -> Nullable:
    """Return how fast values rise by the day, null of fewer than two and where all are of one time.

    It is NaN where a value is NaN or infinite.
    """
    if measure.index is not spans.index:
        raise KernelInputError("This measure belongs to another index: make one for this.")
    index, begin, delay = spans.index, spans.begins(window), window.delay
    with np.errstate(invalid="ignore", over="ignore"):  # NaN is an answer
        if index.on_time(delay):
            found = _of_ranges(measure, None, begin, spans.ends(delay))
        else:
            begin = index.steady(delay).count[begin]
            found = _of_ranges(measure, delay, begin, spans.steady_ends(delay))
            late = index.steady(delay).stragglers
            first, last = spans.covered_by_stragglers(window)
            if measure.counted is not None:
                counted = measure.counted[late]
                late, first, last = late[counted], first[counted], last[counted]
            own = _of_each(as_floats(measure, measure.values[late]), index.event_at[late])
            found = merged(found, states.spread(own, first, last, len(spans.moments), merged))
        rising = found.times > 0
        rise = found.together / np.where(rising, found.times, 1.0) * DAY
    return spans.nullable(rise, rising)


def merged(one: Lines, other: Lines) -> Lines:
    """Return the lines of both together."""
    n = one.n + other.n
    base = np.where(one.n > 0, one.base, other.base)
    # What is of no value stands where the other does, so that nothing lies between them.
    apart_us = np.where(one.n * other.n > 0, other.base - base, 0) + (other.time - one.time)
    apart = other.value - one.value
    share = other.n / np.maximum(n, 1)
    weight = one.n * share
    return Lines(
        n,
        base,
        one.time + apart_us * share,
        one.value + apart * share,
        one.times + other.times + apart_us * weight * apart_us,
        one.together + other.together + apart_us * weight * apart,
    )


def _of_ranges(measure: Measure, delay: int | None, begin: Int64, end: Int64) -> Lines:
    values, counts = measure.kept(delay)
    happened, counted = measure.index.event_at, measure.counted
    if delay is not None:
        flags = measure.index.steady(delay).flags
        happened, counted = happened[flags], None if counted is None else counted[flags]
    if counts is not None:
        happened, begin, end = happened[counted], counts[begin], counts[end]
    return states.reduced(_of_each(as_floats(measure, values), happened), begin, end, merged)


def _of_each(values: Floats, event_at: Int64) -> Lines:
    nothing = np.zeros(len(values))
    ones = np.ones(len(values), dtype=np.int64)
    return Lines(ones, event_at, nothing, values, nothing, nothing)
