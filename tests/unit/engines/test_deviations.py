"""Standard deviations and shares equal the oracle's, late rows and awkward numbers included."""

from __future__ import annotations

import math
from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from lakehouse.engines.kernels.deviations import deviation, reduce_states, spread_states
from lakehouse.engines.kernels.index import EventIndex, Moments
from lakehouse.engines.kernels.measures import Measure
from lakehouse.engines.kernels.ordering import KernelInputError
from lakehouse.engines.kernels.spans import TimeWindow
from lakehouse.engines.kernels.windows import WindowAggregates
from tests.unit.engines.kernel_cases import (
    DECIMALS,
    FLOATS,
    INTEGERS,
    MUTATIONS,
    UNITS,
    Case,
    awkward,
    ints,
    table_of,
)


def found(case: Case) -> list[Any]:
    windows, measure = case.kernel()
    result = deviation(measure, windows.spans, case.window)
    values = zip(result.values.tolist(), result.valid.tolist(), strict=True)
    return [value if valid else None for value, valid in values]


def agree(case: Case, actual: list[Any], expected: list[Any]) -> bool:
    sizes = [abs(float(v)) for v in case.values if v is not None and math.isfinite(v)]
    tolerance = 1e-9 * sum(sizes)
    return all(
        str(one) == str(other)
        or (
            None not in (one, other)
            and math.isfinite(other)
            and one == pytest.approx(other, rel=0, abs=tolerance)
        )
        for one, other in zip(actual, expected, strict=True)
    )


@pytest.mark.parametrize("values", [INTEGERS, DECIMALS, FLOATS], ids=("int", "dec", "float"))
def test_deviations_equal_the_oracle_within_rounding(values: Any) -> None:
    @settings(max_examples=250, deadline=None)
    @given(table_of(values, UNITS))
    def check(case: Case) -> None:
        assert agree(case, found(case), case.expected("std"))

    check()


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_the_comparison_catches(mutation: str) -> None:
    case = awkward()
    assert agree(case, found(case), case.expected("std"))
    assert not agree(case, found(MUTATIONS[mutation](case)), case.expected("std"))


def test_what_is_large_and_common_to_all_values_cancels() -> None:
    values = [10.0**15 + n for n in (4, 7, 13, 16)]
    case = Case(
        [0] * 4, [1, 2, 3, 4], [1, 2, 3, 4], values, [True] * 4, [(0, 9)], TimeWindow(9), [0] * 4
    )
    assert found(case) == [math.sqrt(30)]
    late = replace(case, known_at=[1, 8, 7, 6], values=[v + 0.5 for v in values])
    assert found(late) == [math.sqrt(30)]


def test_equal_values_deviate_by_nothing_however_many() -> None:
    index = EventIndex(ints([0] * 99), ints(range(99)), ints([n + n % 7 for n in range(99)]))
    windows = WindowAggregates(index, Moments(ints([0] * 200), ints(range(200))))
    for value in (0.1, 1e150, 1 / 3):
        result = deviation(Measure(index, np.full(99, value)), windows.spans, TimeWindow(50))
        assert set(result.values.tolist()) == {0.0}


def test_decimals_deviate_in_their_own_unit() -> None:
    values = [Decimal("0.10"), Decimal("0.20"), Decimal("0.30")]
    case = Case([0] * 3, [1, 2, 3], [1, 2, 3], values, [True] * 3, [(0, 9)], TimeWindow(9), [0] * 3)
    assert found(case) == [pytest.approx(0.1, rel=1e-15)]


def test_one_number_that_is_none_spoils_only_the_windows_that_hold_it() -> None:
    times = list(range(6))
    values = [1.0, math.inf, 3.0, 5.0, math.nan, 1.0]
    moments = [(0, at) for at in range(1, 9)]
    case = Case([0] * 6, times, times, values, [True] * 6, moments, TimeWindow(2), [0] * 6)
    assert [str(value) for value in found(case)] == [
        *("None", "nan", "nan", str(math.sqrt(2))),
        *("nan", "nan", "None", "None"),
    ]


def test_states_are_spread_to_every_cell_their_range_covers() -> None:
    random = np.random.default_rng(2)
    begin = random.integers(0, 40, 300)
    end = begin + random.integers(-2, 25, 300)
    values = random.normal(size=300) + 1e6
    states = spread_states(values, begin, end, 70)
    for cell in range(70):
        there = values[(begin <= cell) & (cell < end)]
        assert states.n[cell] == len(there)
        if len(there):
            assert states.mean[cell] == pytest.approx(there.mean(), rel=1e-12)
            assert states.squares[cell] == pytest.approx(there.var() * len(there), rel=1e-6)


def test_empty_ranges_and_arrays_have_empty_states() -> None:
    for begin, end in (([0], [0]), ([2], [1]), ([], [])):
        states = reduce_states(np.array([1.0, 2.0]), ints(begin), ints(end))
        assert (states.n.tolist(), states.squares.tolist()) == ([0] * len(begin), [0] * len(begin))
    assert spread_states(np.empty(0), ints([]), ints([]), 0).n.tolist() == []


def test_shares_equal_the_oracle() -> None:
    @settings(max_examples=200, deadline=None)
    @given(table_of(INTEGERS, UNITS))
    def check(case: Case) -> None:
        windows, matching = case.kernel()
        among = Measure(windows.index, where=case.present())
        result = windows.share(matching, among, case.window)
        values = zip(result.values.tolist(), result.valid.tolist(), strict=True)
        assert [v if valid else None for v, valid in values] == case.expected("share")

    check()


def test_measure_of_another_index_is_refused() -> None:
    windows, measure = awkward().kernel()
    _, other = awkward().kernel()
    with pytest.raises(KernelInputError, match="another index"):
        deviation(other, windows.spans, TimeWindow(1))
    with pytest.raises(KernelInputError, match="another index"):
        windows.share(measure, other, TimeWindow(1))
