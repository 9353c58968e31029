"""Both merging kernels equal a loop over ranges of every length, empty and inverted ones too."""

from __future__ import annotations

from functools import reduce
from typing import Any

import numpy as np
import pytest

from lakehouse.engines.kernels.reductions import (
    ADD,
    GREATEST,
    LEAST,
    Merge,
    reduce_ranges,
    spread_ranges,
)

SIZE = 40
BEGIN, END = (grid.ravel() for grid in np.meshgrid(np.arange(SIZE + 1), np.arange(SIZE + 1)))
MERGES = pytest.mark.parametrize("merge", [ADD, LEAST, GREATEST], ids=("add", "least", "greatest"))
DTYPES = pytest.mark.parametrize("dtype", [np.int64, np.float64], ids=("int64", "float64"))


def merged(values: list[Any], merge: Merge, dtype: Any) -> Any:
    """Merge a few values one after the other."""
    return reduce(merge.operation, values, merge.neutral(1, np.dtype(dtype))[0])


@DTYPES
@MERGES
def test_reducing_ranges_equals_a_loop(merge: Merge, dtype: Any) -> None:
    values = np.random.default_rng(1).integers(-99, 99, SIZE).astype(dtype)
    expected = [merged(list(values[a:b]), merge, dtype) for a, b in zip(BEGIN, END, strict=True)]
    np.testing.assert_array_equal(reduce_ranges(values, BEGIN, END, merge), expected)


@DTYPES
@MERGES
@pytest.mark.parametrize("count", [0, 1, 7, len(BEGIN)])
def test_spreading_ranges_equals_a_loop(count: int, merge: Merge, dtype: Any) -> None:
    random = np.random.default_rng(2)
    some = random.permutation(len(BEGIN))[:count]
    begin, end = BEGIN[some], END[some]
    values = random.integers(-99, 99, count).astype(dtype)
    expected = [
        merged(list(values[(begin <= cell) & (cell < end)]), merge, dtype) for cell in range(SIZE)
    ]
    np.testing.assert_array_equal(spread_ranges(values, begin, end, SIZE, merge), expected)


def test_nan_is_the_greatest_number_and_spoils_a_sum() -> None:
    values = np.array([np.nan, 1.0, 2.0, np.nan])
    begin, end = np.array([0, 0, 1, 3]), np.array([4, 1, 3, 4])
    for merge, expected in (
        (ADD, [np.nan, np.nan, 3.0, np.nan]),
        (LEAST, [1.0, np.nan, 1.0, np.nan]),
        (GREATEST, [np.nan, np.nan, 2.0, np.nan]),
    ):
        np.testing.assert_array_equal(reduce_ranges(values, begin, end, merge), expected)
