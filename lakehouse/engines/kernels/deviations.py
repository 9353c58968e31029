"""Standard deviations over windows, merged as states of (n, mean, sum of squared distances).

Two states become one by the formula of Chan, Golub and LeVeque (Updating Formulae and a Pairwise
Algorithm for Computing Sample Variances, 1979), which subtracts means and never sums of squares:
what is large and common to all values cancels before it is squared. Ranges are merged in blocks
of 1, 2, 4, … neighbours, as in `reductions`.

>>> reduce_states(np.array([0.0, 1e9 + 1, 1e9 + 2, 1e9 + 3]), np.array([1]), np.array([4])).squares
array([2.])
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lakehouse.engines.kernels import states
from lakehouse.engines.kernels.measures import Measure, scaled_to_float
from lakehouse.engines.kernels.ordering import Int64, KernelInputError
from lakehouse.engines.kernels.reductions import Numbers, bit_length
from lakehouse.engines.kernels.spans import AnyWindow, Nullable, Spans

Floats = NDArray[np.float64]


class States(NamedTuple):
    """How many values there are, their mean, and the sum of their squared distances from it."""

    n: Int64
    mean: Floats
    squares: Floats


def deviation(measure: Measure, spans: Spans, window: AnyWindow) -> Nullable:
    """Return the sample standard deviation over the window, null of fewer than two values.

    It is NaN where a value is NaN or infinite.
    """
    if measure.index is not spans.index:
        raise KernelInputError("This measure belongs to another index: make one for this.")
    begin, delay = spans.begins(window), window.delay
    with np.errstate(invalid="ignore", over="ignore"):  # NaN and infinity are answers
        if spans.index.on_time(delay):
            values, counts = measure.kept()
            end = spans.ends(delay)
            found = _reduced(measure, values, counts, begin, end)
        else:
            steady = spans.index.steady(delay)
            values, counts = measure.kept(delay)
            begin, end = steady.count[begin], spans.steady_ends(delay)
            found = _reduced(measure, values, counts, begin, end)
            late = steady.stragglers
            first, last = spans.covered_by_stragglers(window)
            if measure.counted is not None:
                counted = measure.counted[late]
                late, first, last = late[counted], first[counted], last[counted]
            floats = as_floats(measure, measure.values[late])
            found = merged(found, spread_states(floats, first, last, len(spans.moments)))
        valid = found.n > 1
        spread = np.sqrt(found.squares / np.maximum(found.n - 1, 1))
    return spans.nullable(spread, valid)


def merged(one: States, other: States) -> States:
    """Return the states of both together."""
    n = one.n + other.n
    share = other.n / np.maximum(n, 1)
    apart = other.mean - one.mean
    squares = one.squares + other.squares + apart * (one.n * share) * apart
    return States(n, one.mean + apart * share, squares)


def reduce_states(values: Floats, begin: Int64, end: Int64) -> States:
    """Return for each range the state of `values[begin:end]`."""
    length = np.maximum(end - begin, 0)
    largest = bit_length(length)
    mean, squares = np.zeros(len(length)), np.zeros(len(length))
    block_mean, block_squares = values, np.zeros(len(values))
    for level in range(int(largest.max(initial=0))):
        width = 1 << level
        if level:  # of as many values on both sides
            half = width >> 1
            apart = block_mean[half:] - block_mean[:-half]
            block_mean = block_mean[:-half] + apart / 2
            block_squares = block_squares[:-half] + block_squares[half:]
            block_squares += apart * (half / 2) * apart
        asked = np.flatnonzero((length & width).astype(np.bool_))
        before = length[asked] & (width - 1)
        block = begin[asked] + before
        share = width / (before + width)
        apart = block_mean[block] - mean[asked]
        squares[asked] += block_squares[block] + apart * (before * share) * apart
        mean[asked] += apart * share
    return States(length, mean, squares)


def spread_states(values: Floats, begin: Int64, end: Int64, size: int) -> States:
    """Return for each of `size` cells the state of the values whose range covers it."""
    ones = np.ones(len(values), dtype=np.int64)
    return states.spread(States(ones, values, np.zeros(len(values))), begin, end, size, merged)


def _reduced(
    measure: Measure, values: Numbers, counts: Int64 | None, begin: Int64, end: Int64
) -> States:
    if counts is not None:
        begin, end = counts[begin], counts[end]
    return reduce_states(as_floats(measure, values), begin, end)


def as_floats(measure: Measure, values: Numbers) -> Floats:
    """Return values as floats, NaN for what is infinite: no distance can be taken from it."""
    floats = values if measure.is_float else scaled_to_float(values, measure.scale)
    return np.where(np.isfinite(floats), floats, np.nan)
