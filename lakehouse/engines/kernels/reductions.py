"""Merging values that cannot be subtracted: floating-point sums, minima and maxima.

Both kernels work in blocks of 1, 2, 4, … neighbours, each level made from the one below by one
vectorised step, so that n values and m ranges cost (n + m) times the logarithm of the longest
range, however much the ranges overlap. A sum takes one block for each bit of its range's length;
a minimum takes the two largest blocks that fit, which may overlap.

The result of `reduce_ranges` depends on the values in the range and their order alone: the same
events give the same bits whatever else the table holds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lakehouse.engines.kernels.ordering import Int64

Numbers = NDArray[Any]
"""An array of int64 or float64."""


@dataclass(frozen=True)
class Merge:
    """How two values become one: the numpy operation, and the value that changes nothing.

    `overlaps` says that a value may be merged twice without harm.
    """

    operation: np.ufunc
    of_floats: float
    of_integers: int
    overlaps: bool

    def neutral(self, size: int, dtype: np.dtype[Any]) -> Numbers:
        """Return an array of the value that changes nothing."""
        return np.full(size, self.of_floats if dtype.kind == "f" else self.of_integers, dtype)


_INT64 = np.iinfo(np.int64)
ADD = Merge(np.add, 0.0, 0, overlaps=False)
# NaN is greater than every number, as in DuckDB and Spark: it loses to all in a minimum (fmin),
# and wins over all in a maximum.
LEAST = Merge(np.fmin, float("nan"), int(_INT64.max), overlaps=True)
GREATEST = Merge(np.maximum, float("-inf"), int(_INT64.min), overlaps=True)


def reduce_ranges(values: Numbers, begin: Int64, end: Int64, merge: Merge) -> Numbers:
    """Return for each range the merge of `values[begin:end]`, the neutral value if it is empty.

    >>> values = np.array([3.0, 1.0, 2.0])
    >>> reduce_ranges(values, np.array([0, 1, 2]), np.array([3, 3, 2]), ADD).tolist()
    [6.0, 3.0, 0.0]
    """
    length = np.maximum(end - begin, 0)
    result = merge.neutral(len(length), values.dtype)
    largest = bit_length(length)
    blocks = values
    with np.errstate(invalid="ignore", over="ignore"):  # inf - inf is NaN, and no surprise
        for level in range(int(largest.max(initial=0))):
            width = 1 << level
            if level:
                half = width >> 1
                blocks = merge.operation(blocks[:-half], blocks[half:])
            if merge.overlaps:
                asked = np.flatnonzero(largest == level + 1)
                first, last = blocks[begin[asked]], blocks[end[asked] - width]
                result[asked] = merge.operation(first, last)
            else:
                asked = np.flatnonzero((length & width).astype(np.bool_))
                block = blocks[begin[asked] + (length[asked] & (width - 1))]
                result[asked] = merge.operation(result[asked], block)
    return result


def spread_ranges(values: Numbers, begin: Int64, end: Int64, size: int, merge: Merge) -> Numbers:
    """Return for each of `size` cells the merge of the values whose range covers it.

    The mirror image of `reduce_ranges`: each value marks a few blocks of cells, and the blocks
    are handed down level by level. The order in which a cell's values merge depends on all
    ranges, so floating-point sums agree within rounding only.

    >>> spread_ranges(np.array([5, 3]), np.array([0, 1]), np.array([3, 2]), 4, ADD).tolist()
    [5, 8, 5, 0]
    """
    length = np.maximum(end - begin, 0)
    largest = bit_length(length)
    blocks = merge.neutral(size, values.dtype)
    with np.errstate(invalid="ignore", over="ignore"):
        for level in reversed(range(int(largest.max(initial=0)))):
            width = 1 << level
            if merge.overlaps:
                marks = np.flatnonzero(largest == level + 1)
                merge.operation.at(blocks, begin[marks], values[marks])
                merge.operation.at(blocks, end[marks] - width, values[marks])
            else:
                marks = np.flatnonzero((length & width).astype(np.bool_))
                first = begin[marks] + (length[marks] & (width - 1))
                merge.operation.at(blocks, first, values[marks])
            if level:
                half = width >> 1
                lower = blocks.copy()
                lower[half:] = merge.operation(blocks[half:], blocks[:-half])
                blocks = lower
    return blocks


def bit_length(lengths: Int64) -> NDArray[np.int8]:
    """Return how many bits each length needs, 0 for 0; exact below 2**53.

    It is read off the exponents of the lengths as floats, which are stored with 1023 added.
    """
    exponents = lengths.astype(np.float64).view(np.int64) >> 52
    bits: NDArray[np.int8] = np.maximum(exponents - 1022, 0).astype(np.int8)
    return bits
