"""What a least-squares line over time is made of, so that two sets of values become one.

Times are counted from the set's own first one, and both times and values are held as means and
products of distances from them. Two sets are merged by the formula of Chan, Golub and LeVeque
(Updating Formulae and a Pairwise Algorithm for Computing Sample Variances, 1979), in which means
are subtracted and sums of squares never are: what is large and common to all cancels first.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import reduce
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lakehouse.declare.durations import DAY
from lakehouse.features.online.layout.stored_numbers import float_bits, float_of

LINE = 6
"""Numbers of a line."""

Int64 = NDArray[np.int64]
Floats = NDArray[np.float64]


class Line(NamedTuple):
    """How many values there are, and how they and their times lie; with none all else is 0.

    `first_us` is the first of their times, `time` how far after it their mean is, `value` the
    values' mean. `times` are squares of the times' distances from their mean, summed, and
    `together` the products of these distances with those of the values. Where a value is NaN or
    infinite, `value` and `together` are NaN.
    """

    size: int
    first_us: int
    time: float
    value: float
    times: float
    together: float

    def numbers(self) -> list[int]:
        """The numbers that a line is kept as, floats as their bits."""
        size, first_us, *floats = self
        return [size, first_us, *map(float_bits, floats)]

    @staticmethod
    def of_numbers(numbers: Sequence[int]) -> Line:
        """The line that is kept as some numbers."""
        size, first_us, *bits = numbers
        time, value, times, together = map(float_of, bits)
        return Line(size, first_us, time, value, times, together)

    @staticmethod
    def of_one(at_us: int, value: float) -> Line:
        """The line of one value at a time."""
        return Line(1, at_us, 0.0, value if math.isfinite(value) else math.nan, 0.0, 0.0)

    def slope(self) -> float | None:
        """How fast values rise by the day; None where all are of one time."""
        return self.together / self.times * DAY if self.times else None


NO_LINE = Line(0, 0, 0.0, 0.0, 0.0, 0.0)


def together(lines: Sequence[Line]) -> Line:
    """The line of all values together.

    >>> together([Line.of_one(0, 1.0), Line.of_one(DAY, 2.0), Line.of_one(2 * DAY, 9.0)]).slope()
    4.0
    """
    return reduce(merged, lines, NO_LINE)


def merged(one: Line, other: Line) -> Line:
    """The line of the values of both."""
    if not one.size or not other.size:
        return one if one.size else other
    size = one.size + other.size
    first_us = min(one.first_us, other.first_us)
    apart_us = other.first_us - one.first_us + (other.time - one.time)
    apart = other.value - one.value
    share = other.size / size
    weight = one.size * share
    return Line(
        size,
        first_us,
        one.first_us - first_us + one.time + apart_us * share,
        one.value + apart * share,
        one.times + other.times + apart_us * weight * apart_us,
        one.together + other.together + apart_us * weight * apart,
    )


def lines_of(event_us: Int64, values: Floats, starts: Int64) -> Int64:
    """Return the numbers of the line of each run of values, of which the first ones' places.

    Runs are never empty, and their times rise.
    """
    sizes = np.diff(starts, append=len(values))
    run = np.repeat(np.arange(len(starts)), sizes)
    values = np.where(np.isfinite(values), values, np.nan)
    found = np.zeros((len(starts), LINE), dtype=np.int64)
    found[:, 0], found[:, 1] = sizes, event_us[starts]
    with np.errstate(invalid="ignore", over="ignore"):  # NaN is an answer
        since = (event_us - event_us[starts][run]).astype(np.float64)
        time, value = (np.add.reduceat(of, starts) / sizes for of in (since, values))
        since -= time[run]
        squares = np.add.reduceat(since * since, starts)
        products = np.add.reduceat(since * (values - value[run]), starts)
    for place, floats in enumerate((time, value, squares, products), 2):
        found[:, place] = floats.view(np.int64)
    return found
