"""Rows of slots as the online store keeps them, merged over ranges of event time.

A row is so many little-endian 64-bit numbers, and rows follow one another in the order of event
time, known time and key, so that chunks are joined by joining their bytes. A few rows are quicker
as Python's lists than as arrays: one call of numpy costs as much as adding fifty numbers.
"""

from __future__ import annotations

import math
import sys
from bisect import bisect_left
from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from lakehouse.errors import LakehouseError
from lakehouse.features.online.layout.slots import EVENT, KNOWN

LIST_ROWS = 500
"""Up to so many rows lists are quicker than arrays (tests/benchmarks/bench_online.py)."""

if sys.byteorder != "little":
    raise LakehouseError("The online store is read on little-endian machines only.")


class Rows(Protocol):
    """Rows in the order of event time; ranges are positions, the last one not included.

    Sums of integers are exact; sums of floats are those of the range's values alone. `at_us` is
    the moment at which they are seen.
    """

    size: int
    at_us: int

    def position(self, at_us: int) -> int:
        """How many rows have an earlier event time."""
        ...

    def position_of_last(self, place: int, count: int, high: int) -> int:
        """Where the last so many of the first rows begin whose number in a slot is 1."""
        ...

    def numbers(self, place: int, low: int, high: int) -> list[int]:
        """A slot's numbers."""
        ...

    def reals(self, place: int, low: int, high: int) -> list[float]:
        """A slot's numbers, read as floats."""
        ...

    def total(self, place: int, low: int, high: int) -> int: ...

    def least(self, place: int, low: int, high: int) -> int: ...

    def greatest(self, place: int, low: int, high: int) -> int: ...

    def real_total(self, place: int, low: int, high: int) -> float: ...

    def real_least(self, place: int, low: int, high: int) -> float:
        """The least number; NaN only where there is no other."""
        ...

    def real_greatest(self, place: int, low: int, high: int) -> float:
        """The greatest number; NaN where there is one."""
        ...

    def squares(self, of: Spread, mean: float, low: int, high: int) -> float:
        """The squares of the distances of all values from a mean, summed."""
        ...


class Spread(NamedTuple):
    """Where the sum, the count and, in tiles, the squares of a column's values stand."""

    total: int
    counted: int
    squares: int | None
    real: bool


def visible_rows(data: bytes, width: int, end_us: int, at_us: int) -> Rows:
    """The rows of joined chunks from before `end_us` that are known at `at_us`."""
    if len(data) > LIST_ROWS * width * 8:
        rows = np.frombuffer(data, np.int64).reshape(-1, width)
        return ArrayRows(rows[(rows[:, EVENT] < end_us) & (rows[:, KNOWN] <= at_us)], at_us)
    numbers = memoryview(data).cast("q").tolist()
    times = numbers[EVENT::width]
    high = bisect_left(times, end_us)
    known = numbers[KNOWN : high * width : width]
    if max(known, default=at_us) <= at_us:
        return ListRows(data, width, numbers, times, high, at_us)
    size = width * 8
    data = b"".join(
        [data[n * size : (n + 1) * size] for n, when in enumerate(known) if when <= at_us]
    )
    numbers = memoryview(data).cast("q").tolist()
    times = numbers[EVENT::width]
    return ListRows(data, width, numbers, times, len(times), at_us)


class ListRows:
    """A few rows, as lists."""

    def __init__(
        self,
        data: bytes,
        width: int,
        numbers: list[int],
        times: list[int],
        size: int,
        at_us: int,
    ) -> None:
        self._data, self._width, self._numbers, self._times = data, width, numbers, times
        self.size, self.at_us = size, at_us

    def position(self, at_us: int) -> int:
        return bisect_left(self._times, at_us, 0, self.size)

    def position_of_last(self, place: int, count: int, high: int) -> int:
        counted = [n for n, number in enumerate(self.numbers(place, 0, high)) if number]
        return counted[-count] if len(counted) >= count else 0

    def numbers(self, place: int, low: int, high: int) -> list[int]:
        width = self._width
        return self._numbers[low * width + place : high * width : width]

    def reals(self, place: int, low: int, high: int) -> list[float]:
        width = self._width
        return self._reals[low * width + place : high * width : width]

    def total(self, place: int, low: int, high: int) -> int:
        width = self._width
        return sum(self._numbers[low * width + place : high * width : width])

    def least(self, place: int, low: int, high: int) -> int:
        return min(self.numbers(place, low, high))

    def greatest(self, place: int, low: int, high: int) -> int:
        return max(self.numbers(place, low, high))

    def real_total(self, place: int, low: int, high: int) -> float:
        return float_sum(self.reals(place, low, high))

    def real_least(self, place: int, low: int, high: int) -> float:
        found = [value for value in self.reals(place, low, high) if value == value]
        return min(found, default=math.nan)

    def real_greatest(self, place: int, low: int, high: int) -> float:
        found = self.reals(place, low, high)
        return math.nan if any(value != value for value in found) else max(found)

    def squares(self, of: Spread, mean: float, low: int, high: int) -> float:
        counts = self.numbers(of.counted, low, high)
        sums: Sequence[float] = (self.reals if of.real else self.numbers)(of.total, low, high)
        own = [0.0] * len(counts) if of.squares is None else self.reals(of.squares, low, high)
        return float_sum(
            [
                square + count * (apart := total / count - mean) * apart
                for count, total, square in zip(counts, sums, own, strict=True)
                if count
            ]
        )

    @cached_property
    def _reals(self) -> list[float]:
        numbers: list[float] = np.frombuffer(self._data, np.float64).tolist()
        return numbers


class ArrayRows:
    """Many rows, as an array with a row for each."""

    def __init__(self, rows: NDArray[np.int64], at_us: int) -> None:
        self._rows = rows
        self.size, self.at_us = len(rows), at_us
        self._times = np.ascontiguousarray(rows[:, EVENT])

    def position(self, at_us: int) -> int:
        return int(self._times.searchsorted(at_us))

    def position_of_last(self, place: int, count: int, high: int) -> int:
        counted = np.flatnonzero(self._rows[:high, place])
        return int(counted[-count]) if len(counted) >= count else 0

    def numbers(self, place: int, low: int, high: int) -> list[int]:
        found: list[int] = self._rows[low:high, place].tolist()
        return found

    def reals(self, place: int, low: int, high: int) -> list[float]:
        found: list[float] = self._reals[low:high, place].tolist()
        return found

    def total(self, place: int, low: int, high: int) -> int:
        values = self._rows[low:high, place]
        if not len(values):
            return 0
        largest = max(int(values.max()), -int(values.min()))
        if largest * len(values) < 2**63:
            return int(values.sum())
        return sum(values.tolist())  # Python's integers do not wrap

    def least(self, place: int, low: int, high: int) -> int:
        return int(self._rows[low:high, place].min())

    def greatest(self, place: int, low: int, high: int) -> int:
        return int(self._rows[low:high, place].max())

    def real_total(self, place: int, low: int, high: int) -> float:
        with np.errstate(invalid="ignore", over="ignore"):  # inf - inf is NaN, and no surprise
            return float(self._reals[low:high, place].sum())

    def real_least(self, place: int, low: int, high: int) -> float:
        return float(np.fmin.reduce(self._reals[low:high, place]))

    def real_greatest(self, place: int, low: int, high: int) -> float:
        return float(self._reals[low:high, place].max())

    def squares(self, of: Spread, mean: float, low: int, high: int) -> float:
        counts = self._rows[low:high, of.counted]
        counted = counts > 0
        sums = (self._reals if of.real else self._rows)[low:high, of.total][counted]
        counts = counts[counted]
        with np.errstate(invalid="ignore", over="ignore"):
            found = counts * (sums / counts - mean) ** 2
            if of.squares is not None:
                found = found + self._reals[low:high, of.squares][counted]
            return float(found.sum())

    @cached_property
    def _reals(self) -> NDArray[np.float64]:
        return np.ascontiguousarray(self._rows).view(np.float64)


def float_sum(values: Sequence[float]) -> float:
    """The sum rounded once; with NaN or infinities among them, what adding those gives."""
    try:
        return math.fsum(values)
    except (ValueError, OverflowError):
        return float(sum(values))
