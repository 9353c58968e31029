"""Window kernels equal the oracle, on tables small enough that every boundary is hit."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakehouse.engines.kernels.index import EventIndex, Moments
from lakehouse.engines.kernels.measures import Measure, scaled_to_float
from lakehouse.engines.kernels.ordering import TIME_LIMIT, KernelInputError
from lakehouse.engines.kernels.windows import AGGREGATES, SumOverflow, Window, Windows
from lakehouse.testing.oracle import Event, window_value

DAY = 86_400_000_000
ENTITIES = (0, 1, 70_000)  # the last needs a second radix pass
MOMENT_ENTITIES = (-1, *ENTITIES, 2, 70_001)  # -1, 2 and 70_001 have no events
SCALE = 2


@dataclass(frozen=True)
class Case:
    """A table, a spine and a window; `values` are what the oracle aggregates."""

    entity: list[int]
    event_at: list[int]
    known_at: list[int]
    values: list[Any]
    matches: list[bool | None]
    moments: list[tuple[int, int]]
    window: Window

    def events(self) -> list[Event]:
        columns = (self.entity, self.event_at, self.known_at, self.values, self.matches)
        return [Event(*row) for row in zip(*columns, strict=True)]

    def expected(self, aggregate: str) -> list[Any]:
        over, delay, edge = self.window.over, self.window.delay, self.window.edge
        return [
            window_value(
                self.events(), entity, at, aggregate=aggregate, over=over, delay=delay, edge=edge
            )
            for entity, at in self.moments
        ]

    def kernel(self) -> tuple[Windows, Measure]:
        index = EventIndex(ints(self.entity), ints(self.event_at), ints(self.known_at))
        entities, times = zip(*self.moments, strict=True) if self.moments else ((), ())
        matching = [matches is True for matches in self.matches]
        present = [value is not None for value in self.values]
        where = np.array(matching, dtype=bool) & np.array(present, dtype=bool)
        scale = SCALE if any(isinstance(value, Decimal) for value in self.values) else 0
        measure = Measure(index, column(self.values), where=where, scale=scale)
        return Windows(index, Moments(ints(entities), ints(times))), measure

    def actual(self, aggregate: str, kernel: tuple[Windows, Measure] | None = None) -> list[Any]:
        windows, measure = kernel or self.kernel()
        result = windows.value(aggregate, measure, self.window)
        values = result.values.tolist()
        if measure.scale and aggregate in ("sum", "min", "max"):
            values = [Decimal(value).scaleb(-SCALE) for value in values]
        return [value if valid else None for value, valid in zip(values, result.valid, strict=True)]


def ints(values: Any) -> Any:
    return np.array(values, dtype=np.int64)


def column(values: list[Any]) -> Any:
    """Return the values as the kernels take them, with something absurd where they are null."""
    if any(isinstance(value, float) for value in values):
        return np.array([math.nan if value is None else value for value in values])
    if values and all(isinstance(value, bool) for value in values):
        return np.array(values)
    return ints(
        [
            -(10**15) if value is None else int(value.scaleb(SCALE)) if hasattr(value, "scaleb")
            else int(value)
            for value in values
        ]
    )  # fmt: skip


def table_of(values: st.SearchStrategy[Any], stretch: st.SearchStrategy[int]) -> Any:
    """Draw cases: times in a narrow range that straddles 1970, so that all kinds of ties occur."""

    @st.composite
    def draw_case(draw: Any) -> Case:
        unit = draw(stretch)
        event = st.tuples(
            st.sampled_from(ENTITIES),
            st.integers(-20, 20),
            st.sampled_from((0, 0, 0, 1, 2, 3, 7, 25, 60, -4)),  # known this much after the event
            st.none() | values,
            st.sampled_from((True, True, True, False, None)),
        )
        rows = draw(st.lists(event, max_size=14))
        moment = st.tuples(
            st.sampled_from(MOMENT_ENTITIES), st.integers(-25, 45), st.sampled_from((-1, 0, 1))
        )
        moments = draw(st.lists(moment, max_size=10))
        return Case(
            [row[0] for row in rows],
            [row[1] * unit for row in rows],
            [(row[1] + row[2]) * unit for row in rows],
            [row[3] for row in rows],
            [row[4] for row in rows],
            [(entity, at * unit + nudge) for entity, at, nudge in moments],
            Window(
                draw(st.integers(1, 30)) * unit,
                draw(st.sampled_from((0, 0, 1, 3, 8))) * unit,
                draw(st.sampled_from((None, None, 1, 4, 7))) and draw(st.integers(1, 9)) * unit,
            ),
        )

    return draw_case()


INTEGERS = st.integers(-50, 50) | st.integers(-(2**40), 2**40)
DECIMALS = st.integers(-(10**6), 10**6).map(lambda units: Decimal(units).scaleb(-SCALE))
FLOATS = st.floats(-1e9, 1e9) | st.sampled_from((math.nan, math.inf, -math.inf, -0.0, 0.1))
UNITS = st.sampled_from((1, 1, 1, 1_000_000, DAY, 2**53))  # the last makes composite keys too long


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


def awkward(kind: Callable[[int], Any] = int, rows: int = 100) -> Case:
    """A fixed table: ties, nulls, late and never visible rows, moments on every boundary."""
    random = np.random.default_rng(7)
    event_at = random.integers(-30, 30, rows)
    late = random.choice((0, 0, 0, 2, 9, 80), rows)
    values = [kind(value) for value in random.integers(-99, 99, rows).tolist()]
    return Case(
        random.integers(0, 3, rows).tolist(),
        event_at.tolist(),
        (event_at + late).tolist(),
        [value if number % 7 else None for number, value in enumerate(values)],
        [(True, None, False)[max(0, number % 11 - 8)] for number in range(rows)],
        [(entity, at) for entity in range(3) for at in range(-36, 54)],
        Window(over=12, delay=5, edge=4),
    )


MUTATIONS: dict[str, Callable[[Case], Case]] = {
    "moments one microsecond early": lambda case: replace(
        case, moments=[(entity, at - 1) for entity, at in case.moments]
    ),
    "moments one microsecond late": lambda case: replace(
        case, moments=[(entity, at + 1) for entity, at in case.moments]
    ),
    "no delay": lambda case: replace(case, window=replace(case.window, delay=0)),
    "no edge": lambda case: replace(case, window=replace(case.window, edge=None)),
    "window one tile longer": lambda case: replace(
        case, window=replace(case.window, over=case.window.over + 4)
    ),
    "known times ignored": lambda case: replace(case, known_at=case.event_at),
    "extreme rows lost": lambda case: replace(
        case, matches=[v is None or abs(v) < 80 for v in case.values]
    ),
    "entities swapped": lambda case: replace(case, entity=[2 - e for e in case.entity]),
}


@pytest.mark.parametrize("aggregate", AGGREGATES)
@pytest.mark.parametrize("mutation", MUTATIONS)
def test_the_comparison_catches(mutation: str, aggregate: str) -> None:
    case = awkward()
    assert case.actual(aggregate) == case.expected(aggregate)
    assert MUTATIONS[mutation](case).actual(aggregate) != case.expected(aggregate)


def test_event_exactly_at_the_moment_is_not_in_the_window() -> None:
    case = Case([0] * 2, [0, 10], [0, 10], [1, 1], [True] * 2, [(0, 10), (0, 11)], Window(10))
    assert case.actual("count") == [1, 1]


def test_late_event_counts_from_when_it_is_known_until_its_window_has_passed() -> None:
    moments = [(0, at) for at in (1, 6, 7, 10, 11)]
    case = Case([0], [0], [7], [5], [True], moments, Window(10))
    for aggregate in ("sum", "max"):
        assert [value or 0 for value in case.actual(aggregate)] == [0, 0, 5, 5, 0]


def test_event_known_after_its_window_has_passed_never_counts() -> None:
    case = Case([0], [0], [50], [5], [True], [(0, at) for at in range(0, 99)], Window(10))
    assert case.actual("count") == [0] * 99


def test_windows_with_edges_begin_with_their_tile_also_before_1970() -> None:
    window = Window(over=10, edge=4)
    assert window.begins(ints([1, 3, -1])).tolist() == [-12, -8, -12]
    every = ints(range(-40, 40))
    for event_at in range(-15, 15):
        first_without = min(at for at in every if at > event_at and window.begins(at) > event_at)
        assert window.leaves(ints([event_at])).tolist() == [first_without]


def test_float_sum_of_a_window_has_the_same_bits_whatever_else_the_table_holds() -> None:
    random = np.random.default_rng(3)
    values = random.normal(size=100) * 10.0 ** random.integers(-8, 8, 100)
    sums = []
    for before in (0, 1, 13):
        entity = ints([0] * before + [1] * 100)
        index = EventIndex(entity, np.arange(before + 100))
        measure = Measure(index, np.concatenate((np.full(before, 0.1), values)))
        windows = Windows(index, Moments(ints([1]), ints([before + 100])))
        sums.append(windows.sum(measure, Window(over=100)).tolist())
    assert sums[0] == sums[1] == sums[2]


def test_sums_are_exact_to_the_last_bit_of_int64_and_refused_beyond() -> None:
    big = 2**62
    index = EventIndex(ints([0] * 5), ints([1, 2, 3, 4, 5]))
    windows = Windows(index, Moments(ints([0] * 3), ints([3, 5, 6])))
    measure = Measure(index, ints([big, big - 1, -big, -big, -big]))
    assert windows.sum(measure, Window(over=2)).tolist() == [2 * big - 1, -2 * big, -2 * big]
    with pytest.raises(SumOverflow, match=r"1 sums .* first for entity code 0 at 6 µs"):
        windows.sum(measure, Window(over=3))


def test_sums_in_two_limbs_carry_from_the_low_to_the_high() -> None:
    values = [2**60 - 1, 2**60 - 1, -1, 2**62 + 2**32 - 1, -(2**60) - 1]
    index = EventIndex(ints([0] * 5), ints([1, 2, 3, 4, 5]))
    windows = Windows(index, Moments(ints([0] * 6), ints(range(1, 7))))
    expected = [sum(values[max(0, at - 3) : at]) for at in range(6)]
    assert windows.sum(Measure(index, ints(values)), Window(over=3)).tolist() == expected


def test_mean_of_a_decimal_rounds_its_sum_once() -> None:
    units = [2**53 + 1, 2**62 + 12345, -(2**53) - 3, 110, 0, -1]
    for scale in (0, 1, 2, 18, 25):
        expected = [float(Decimal(unit).scaleb(-scale)) for unit in units]
        assert scaled_to_float(ints(units), scale).tolist() == expected


def test_events_without_an_entity_are_left_out() -> None:
    index = EventIndex(ints([-1, 0, -1]), ints([1, 2, 3]))
    windows = Windows(index, Moments(ints([-1, 0]), ints([9, 9])))
    assert index.rows.tolist() == [1]
    assert windows.sum(Measure(index, ints([1, 10, 100])), Window(over=9)).tolist() == [0, 10]


@pytest.mark.parametrize(
    "kind",
    [int, float, bool, lambda units: Decimal(units).scaleb(-SCALE)],
    ids=("int", "float", "bool", "decimal"),
)
def test_one_measure_serves_several_windows(kind: Callable[[int], Any]) -> None:
    case = awkward(kind)
    kernel = case.kernel()
    for window in (Window(3), Window(3, delay=2), Window(40, edge=9), Window(3), Window(80)):
        asked = replace(case, window=window)
        for aggregate in AGGREGATES:
            assert asked.actual(aggregate, kernel) == asked.expected(aggregate)


def test_codes_far_beyond_the_events_are_unknown_also_where_times_are_far_apart() -> None:
    index = EventIndex(ints([0, 0]), ints([1 - TIME_LIMIT, TIME_LIMIT - 1]))
    windows = Windows(index, Moments(ints([2**31 - 1, 0]), ints([5, 5])))
    assert windows.count(Measure(index), Window(over=TIME_LIMIT - 1)).tolist() == [0, 0]
    assert windows.count(Measure(index), Window(over=TIME_LIMIT - 1, delay=9)).tolist() == [0, 1]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: EventIndex(ints([0]), ints([1, 2])), "event_at has 2 values where there are 1"),
        (lambda: EventIndex(ints([-2]), ints([0])), "number the entities"),
        (lambda: EventIndex(ints([0]), ints([TIME_LIMIT])), "UTC microseconds"),
        (lambda: EventIndex(ints([0]), np.array([0.5])), "array of float64"),
        (lambda: EventIndex(ints([0]), ints([0]), tie=ints([1, 2])), "tie has the shape"),
        (lambda: Window(over=0), "over is 0"),
        (lambda: Window(over=1, delay=-1), "delay is -1"),
        (lambda: Window(over=1, edge=0), "edge is 0"),
        (lambda: Measure(EventIndex(ints([0]), ints([0])), ints([])), "one value for each event"),
        (lambda: Measure(EventIndex(ints([0]), ints([0])), np.array(["x"])), "give booleans, int"),
        (lambda: Measure(EventIndex(ints([0]), ints([0])), where=ints([1])), "give booleans"),
        (lambda: Measure(EventIndex(ints([0]), ints([0])), scale=39), "scale of 39"),
        (lambda: Measure(EventIndex(ints([0]), ints([0])), np.ones(1), scale=2), "no scale"),
        (lambda: Measure(EventIndex(ints([0]), ints([0]))).values, "has no values"),
        (lambda: awkward().actual("median"), "use one of count"),
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
            windows.value(aggregate, measure, Window(1))
