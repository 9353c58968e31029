"""Rows of slots as the online store keeps them, merged over ranges of event time.

A row is so many little-endian 64-bit numbers, and rows follow one another, so that chunks are
joined by joining their bytes. A few rows are quicker as Python's lists than as arrays: one call
of numpy costs as much as adding fifty numbers.
"""

from __future__ import annotations

import math
import sys
from bisect import bisect_left
from collections.abc import Sequence
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from lakehouse.errors import LakehouseError
from lakehouse.features.online_layout import EVENT, KNOWN

LIST_ROWS = 500
"""Up to so many rows lists are quicker than arrays (tests/benchmarks/bench_online.py)."""

if sys.byteorder != "little":
    raise LakehouseError("The online store is read on little-endian machines only.")


class Rows(Protocol):
    """Rows in the order of event time; ranges are positions, the last one not included.

    Sums of integers are exact; sums of floats are those of the range's values alone.
    """

    size: int

    def position(self, at_us: int) -> int:
        """How many rows have an earlier event time."""
        ...

    def between(self, low: int, high: int) -> bytes:
        """The bytes of a range."""
        ...

    def total(self, slot: int, low: int, high: int) -> int: ...

    def least(self, slot: int, low: int, high: int) -> int: ...

    def greatest(self, slot: int, low: int, high: int) -> int: ...

    def real_total(self, slot: int, low: int, high: int) -> float: ...

    def real_least(self, slot: int, low: int, high: int) -> float:
        """The least number; NaN only where there is no other."""
        ...

    def real_greatest(self, slot: int, low: int, high: int) -> float:
        """The greatest number; NaN where there is one."""
        ...


def visible_rows(data: bytes, width: int, end_us: int, at_us: int) -> Rows:
    """The rows of joined chunks from before `end_us` that are known at `at_us`."""
    if len(data) > LIST_ROWS * width * 8:
        return _visible_array(np.frombuffer(data, np.int64).reshape(-1, width), end_us, at_us)
    numbers = memoryview(data).cast("q").tolist()
    times = numbers[EVENT::width]
    if times == sorted(times):
        high = bisect_left(times, end_us)
        if max(numbers[KNOWN : high * width : width], default=at_us) <= at_us:
            return ListRows(data, width, numbers, times, high)
    known = numbers[KNOWN::width]
    kept = sorted(
        (event, row) for row, event in enumerate(times) if event < end_us and known[row] <= at_us
    )
    size = width * 8
    data = b"".join([data[row * size : (row + 1) * size] for _, row in kept])
    numbers = memoryview(data).cast("q").tolist()
    return ListRows(data, width, numbers, [event for event, _ in kept], len(kept))


def _visible_array(rows: NDArray[np.int64], end_us: int, at_us: int) -> Rows:
    rows = rows[(rows[:, EVENT] < end_us) & (rows[:, KNOWN] <= at_us)]
    times = rows[:, EVENT]
    if (times[1:] < times[:-1]).any():
        rows = rows[np.argsort(times, kind="stable")]
    return ArrayRows(rows)


class ListRows:
    """A few rows, as lists."""

    def __init__(
        self, data: bytes, width: int, numbers: list[int], times: list[int], size: int
    ) -> None:
        self._data, self._width, self._numbers, self._times = data, width, numbers, times
        self.size = size

    def position(self, at_us: int) -> int:
        return bisect_left(self._times, at_us, 0, self.size)

    def between(self, low: int, high: int) -> bytes:
        size = self._width * 8
        return self._data[low * size : high * size]

    def total(self, slot: int, low: int, high: int) -> int:
        width = self._width
        return sum(self._numbers[low * width + slot : high * width : width])

    def least(self, slot: int, low: int, high: int) -> int:
        width = self._width
        return min(self._numbers[low * width + slot : high * width : width])

    def greatest(self, slot: int, low: int, high: int) -> int:
        width = self._width
        return max(self._numbers[low * width + slot : high * width : width])

    def real_total(self, slot: int, low: int, high: int) -> float:
        return float_sum(self._reals_of(slot, low, high))

    def real_least(self, slot: int, low: int, high: int) -> float:
        found = [value for value in self._reals_of(slot, low, high) if value == value]
        return min(found, default=math.nan)

    def real_greatest(self, slot: int, low: int, high: int) -> float:
        found = self._reals_of(slot, low, high)
        return math.nan if any(value != value for value in found) else max(found)

    @cached_property
    def _reals(self) -> list[float]:
        numbers: list[float] = np.frombuffer(self._data, np.float64).tolist()
        return numbers

    def _reals_of(self, slot: int, low: int, high: int) -> list[float]:
        width = self._width
        return self._reals[low * width + slot : high * width : width]


class ArrayRows:
    """Many rows, as an array with a row for each."""

    def __init__(self, rows: NDArray[np.int64]) -> None:
        self._rows = rows
        self.size = len(rows)
        self._times = np.ascontiguousarray(rows[:, EVENT])

    def position(self, at_us: int) -> int:
        return int(self._times.searchsorted(at_us))

    def between(self, low: int, high: int) -> bytes:
        return self._rows[low:high].tobytes()

    def total(self, slot: int, low: int, high: int) -> int:
        values = self._rows[low:high, slot]
        largest = max(int(values.max()), -int(values.min()))
        if largest * len(values) < 2**63:
            return int(values.sum())
        return sum(values.tolist())  # Python's integers do not wrap

    def least(self, slot: int, low: int, high: int) -> int:
        return int(self._rows[low:high, slot].min())

    def greatest(self, slot: int, low: int, high: int) -> int:
        return int(self._rows[low:high, slot].max())

    def real_total(self, slot: int, low: int, high: int) -> float:
        with np.errstate(invalid="ignore", over="ignore"):  # inf - inf is NaN, and no surprise
            return float(self._reals[low:high, slot].sum())

    def real_least(self, slot: int, low: int, high: int) -> float:
        return float(np.fmin.reduce(self._reals[low:high, slot]))

    def real_greatest(self, slot: int, low: int, high: int) -> float:
        return float(self._reals[low:high, slot].max())

    @cached_property
    def _reals(self) -> NDArray[np.float64]:
        return self._rows.view(np.float64)


def float_sum(values: Sequence[float]) -> float:
    """The sum rounded once; with NaN or infinities among them, what adding those gives."""
    try:
        return math.fsum(values)
    except (ValueError, OverflowError):
        return float(sum(values))
