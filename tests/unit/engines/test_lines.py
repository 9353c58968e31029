"""Slopes of windows equal the oracle's, late rows and awkward numbers included."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings

from lakehouse.declare.durations import DAY
from lakehouse.engines.kernels.lines import slopes
from lakehouse.engines.kernels.spans import TimeWindow
from tests.unit.engines.kernel_cases import (
    DECIMALS,
    FLOATS,
    INTEGERS,
    MUTATIONS,
    UNITS,
    Case,
    awkward,
    table_of,
)


def found(case: Case) -> list[Any]:
    windows, measure = case.kernel()
    result = slopes(measure, windows.spans, case.window)
    values = zip(result.values.tolist(), result.valid.tolist(), strict=True)
    return [value if valid else None for value, valid in values]


def agree(case: Case, actual: list[Any], expected: list[Any]) -> bool:
    """Two times lie a microsecond apart at least: nothing is steeper than all values by that."""
    sizes = [abs(float(v)) for v in case.values if v is not None and math.isfinite(v)]
    tolerance = 1e-9 * sum(sizes) * DAY
    return all(
        str(one) == str(other)
        or (
            None not in (one, other)
            and math.isfinite(other)
            and one == pytest.approx(other, rel=1e-9, abs=tolerance)
        )
        for one, other in zip(actual, expected, strict=True)
    )


@pytest.mark.parametrize("values", [INTEGERS, DECIMALS, FLOATS], ids=("int", "dec", "float"))
def test_slopes_equal_the_oracle_within_rounding(values: Any) -> None:
    @settings(max_examples=250, deadline=None)
    @given(table_of(values, UNITS))
    def check(case: Case) -> None:
        assert agree(case, found(case), case.expected("trend"))

    check()


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_the_comparison_catches(mutation: str) -> None:
    case = awkward()
    assert agree(case, found(case), case.expected("trend"))
    assert not agree(case, found(MUTATIONS[mutation](case)), case.expected("trend"))


def test_what_is_large_and_common_to_all_times_and_values_cancels() -> None:
    times = [20_000 * DAY + n for n in (1, 2, 3, 4)]
    values = [10.0**15 + 2 * n for n in (1, 2, 3, 4)]
    far = [0, *times]
    case = Case(
        [0] * 5,
        far,
        far,
        [7.0, *values],
        [True] * 5,
        [(0, times[-1] + 1)],
        TimeWindow(9),
        [0] * 5,
    )
    assert [2.0 * DAY] == found(case)


def test_all_of_one_time_have_no_slope_however_many() -> None:
    case = Case(
        [0] * 3,
        [5] * 3,
        [5] * 3,
        [1.0, 2.0, math.nan],
        [True] * 3,
        [(0, 9)],
        TimeWindow(9),
        [0] * 3,
    )
    assert [None] == found(case)
