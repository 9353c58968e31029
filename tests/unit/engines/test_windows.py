"""Window kernels equal the oracle, on tables small enough that every boundary is hit."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakehouse.engines.kernels.index import EventIndex, Moments
from lakehouse.engines.kernels.measures import Measure, scaled_to_float
from lakehouse.engines.kernels.ordering import TIME_LIMIT, KernelInputError
from lakehouse.engines.kernels.spans import EVERY, Spans, TimeWindow
from lakehouse.engines.kernels.windows import SumOverflow, WindowAggregates
from tests.unit.engines.kernel_cases import (
    AGGREGATES,
    DECIMALS,
    FLOATS,
    INTEGERS,
    MUTATIONS,
    SCALE,
    UNITS,
    Case,
    awkward,
    ints,
    table_of,
)


@pytest.mark.parametrize("values", [INTEGERS, DECIMALS, st.booleans()], ids=("int", "dec", "bool"))
def test_exact_aggregates_equal_the_oracle(values: Any) -> None:
    @settings(max_examples=200, deadline=None)
    @given(table_of(values, UNITS))
    def check(case: Case) -> None:
        for aggregate in AGGREGATES:
            assert (aggregate, case.actual(aggregate)) == (aggregate, case.expected(aggregate))

    check()


@settings(max_examples=300, deadline=None)
@given(table_of(FLOATS, UNITS))
def test_float_aggregates_equal_the_oracle_within_rounding(case: Case) -> None:
    finite = [abs(value) for value in case.values if value is not None and math.isfinite(value)]
    tolerance = 1e-9 * sum(finite)
    for aggregate in AGGREGATES:
        for actual, expected in zip(case.actual(aggregate), case.expected(aggregate), strict=True):
            if expected is None or not math.isfinite(expected):
                assert (aggregate, str(actual)) == (aggregate, str(expected))
            else:
                within = 0 if aggregate in ("min", "max") else tolerance
                assert actual == pytest.approx(expected, rel=0, abs=within)


@pytest.mark.parametrize("aggregate", AGGREGATES)
@pytest.mark.parametrize("mutation", MUTATIONS)
def test_the_comparison_catches(mutation: str, aggregate: str) -> None:
    case = awkward()
    assert case.actual(aggregate) == case.expected(aggregate)
    assert MUTATIONS[mutation](case).actual(aggregate) != case.expected(aggregate)


def test_event_exactly_at_the_moment_is_not_in_the_window() -> None:
    case = Case(
        [0] * 2, [0, 10], [0, 10], [1, 1], [True] * 2, [(0, 10), (0, 11)], TimeWindow(10), [0, 0]
    )
    assert case.actual("count") == [1, 1]


def test_late_event_counts_from_when_it_is_known_until_its_window_has_passed() -> None:
    moments = [(0, at) for at in (1, 6, 7, 10, 11)]
    case = Case([0], [0], [7], [5], [True], moments, TimeWindow(10), [0])
    for aggregate in ("sum", "max"):
        assert [value or 0 for value in case.actual(aggregate)] == [0, 0, 5, 5, 0]


def test_event_known_after_its_window_has_passed_never_counts() -> None:
    case = Case([0], [0], [50], [5], [True], [(0, at) for at in range(0, 99)], TimeWindow(10), [0])
    assert case.actual("count") == [0] * 99


def test_windows_with_edges_begin_with_their_tile_also_before_1970() -> None:
    window = TimeWindow(over=10, edge=4)
    assert window.first_times(ints([1, 3, -1])).tolist() == [-12, -8, -12]
    every = ints(range(-40, 40))
    times = ints(range(-15, 15))
    spans = Spans(EventIndex(times * 0, times), Moments(ints([]), ints([])))
    for event_at, leaves in zip(times, window.leaves(spans, EVERY), strict=True):
        after = every[every > event_at]
        assert min(after[window.first_times(after) > event_at]) == leaves


def test_float_sum_of_a_window_has_the_same_bits_whatever_else_the_table_holds() -> None:
    random = np.random.default_rng(3)
    values = random.normal(size=100) * 10.0 ** random.integers(-8, 8, 100)
    sums = []
    for before in (0, 1, 13):
        entity = ints([0] * before + [1] * 100)
        index = EventIndex(entity, np.arange(before + 100))
        measure = Measure(index, np.concatenate((np.full(before, 0.1), values)))
        windows = WindowAggregates(index, Moments(ints([1]), ints([before + 100])))
        sums.append(windows.sum(measure, TimeWindow(over=100)).tolist())
    assert sums[0] == sums[1] == sums[2]


def test_sums_are_exact_to_the_last_bit_of_int64_and_refused_beyond() -> None:
    big = 2**62
    index = EventIndex(ints([0] * 5), ints([1, 2, 3, 4, 5]))
    windows = WindowAggregates(index, Moments(ints([0] * 3), ints([3, 5, 6])))
    measure = Measure(index, ints([big, big - 1, -big, -big, -big]))
    assert windows.sum(measure, TimeWindow(over=2)).tolist() == [2 * big - 1, -2 * big, -2 * big]
    with pytest.raises(SumOverflow, match=r"1 sums .* first for entity code 0 at 6 µs"):
        windows.sum(measure, TimeWindow(over=3))


def test_sums_in_two_limbs_carry_from_the_low_to_the_high() -> None:
    values = [2**60 - 1, 2**60 - 1, -1, 2**62 + 2**32 - 1, -(2**60) - 1]
    index = EventIndex(ints([0] * 5), ints([1, 2, 3, 4, 5]))
    windows = WindowAggregates(index, Moments(ints([0] * 6), ints(range(1, 7))))
    expected = [sum(values[max(0, at - 3) : at]) for at in range(6)]
    assert windows.sum(Measure(index, ints(values)), TimeWindow(over=3)).tolist() == expected


def test_mean_of_a_decimal_rounds_its_sum_once() -> None:
    units = [2**53 + 1, 2**62 + 12345, -(2**53) - 3, 110, 0, -1]
    for scale in (0, 1, 2, 18, 25):
        expected = [float(Decimal(unit).scaleb(-scale)) for unit in units]
        assert scaled_to_float(ints(units), scale).tolist() == expected


def test_events_without_an_entity_are_left_out() -> None:
    index = EventIndex(ints([-1, 0, -1]), ints([1, 2, 3]))
    windows = WindowAggregates(index, Moments(ints([-1, 0]), ints([9, 9])))
    assert index.rows.tolist() == [1]
    assert windows.sum(Measure(index, ints([1, 10, 100])), TimeWindow(over=9)).tolist() == [0, 10]


@pytest.mark.parametrize(
    "kind",
    [int, float, bool, lambda units: Decimal(units).scaleb(-SCALE)],
    ids=("int", "float", "bool", "decimal"),
)
def test_one_measure_serves_several_windows(kind: Callable[[int], Any]) -> None:
    case = awkward(kind)
    kernel = case.kernel()
    for window in (
        TimeWindow(3),
        TimeWindow(3, delay=2),
        TimeWindow(40, edge=9),
        TimeWindow(3),
        TimeWindow(80),
    ):
        asked = replace(case, window=window)
        for aggregate in AGGREGATES:
            assert asked.actual(aggregate, kernel) == asked.expected(aggregate)


def test_codes_far_beyond_the_events_are_unknown_also_where_times_are_far_apart() -> None:
    index = EventIndex(ints([0, 0]), ints([1 - TIME_LIMIT, TIME_LIMIT - 1]))
    windows = WindowAggregates(index, Moments(ints([2**31 - 1, 0]), ints([5, 5])))
    assert windows.count(Measure(index), TimeWindow(over=TIME_LIMIT - 1)).tolist() == [0, 0]
    assert windows.count(Measure(index), TimeWindow(over=TIME_LIMIT - 1, delay=9)).tolist() == [
        0,
        1,
    ]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: EventIndex(ints([0]), ints([1, 2])), "event_at has 2 values where there are 1"),
        (lambda: EventIndex(ints([-2]), ints([0])), "number the entities"),
        (lambda: EventIndex(ints([0]), ints([TIME_LIMIT])), "UTC microseconds"),
        (lambda: EventIndex(ints([0]), np.array([0.5])), "array of float64"),
        (lambda: EventIndex(ints([0]), ints([0]), tie=ints([1, 2])), "tie has the shape"),
        (lambda: TimeWindow(over=0), "over is 0"),
        (lambda: TimeWindow(over=1, delay=-1), "delay is -1"),
        (lambda: TimeWindow(over=1, edge=0), "edge is 0"),
        (lambda: Measure(EventIndex(ints([0]), ints([0])), ints([])), "one value for each event"),
        (lambda: Measure(EventIndex(ints([0]), ints([0])), np.array(["x"])), "give booleans, int"),
        (lambda: Measure(EventIndex(ints([0]), ints([0])), where=ints([1])), "give booleans"),
        (lambda: Measure(EventIndex(ints([0]), ints([0])), scale=39), "scale of 39"),
        (lambda: Measure(EventIndex(ints([0]), ints([0])), np.ones(1), scale=2), "no scale"),
        (lambda: Measure(EventIndex(ints([0]), ints([0]))).values, "has no values"),
    ],
)
def test_wrong_input_is_refused(call: Callable[[], object], message: str) -> None:
    with pytest.raises(KernelInputError, match=message):
        call()


def test_measure_of_another_index_is_refused() -> None:
    windows, _ = awkward().kernel()
    _, measure = awkward().kernel()
    for aggregate in AGGREGATES:
        with pytest.raises(KernelInputError, match="another index"):
            getattr(windows, aggregate)(measure, TimeWindow(1))
