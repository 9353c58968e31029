"""Numbers of distinct values equal the oracle's: values leave, come again, and come late."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakehouse.engines.kernels.distinct import Presence, distinct
from lakehouse.engines.kernels.entity_codes import value_codes
from lakehouse.engines.kernels.ordering import KernelInputError
from lakehouse.engines.kernels.spans import Spans, TimeWindow
from tests.unit.engines.kernel_cases import MUTATIONS, UNITS, Case, awkward, ints, table_of

FLOATS = st.sampled_from((0.0, -0.0, math.nan, -math.nan, 0.1, math.inf))


def kernel(case: Case) -> tuple[Presence, Spans]:
    index = case.index()
    presence = Presence(index, value_codes(pa.array(case.values)), case.matching())
    return presence, Spans(index, case.spine())


def found(case: Case, made: tuple[Presence, Spans] | None = None) -> list[int]:
    presence, spans = made or kernel(case)
    return distinct(presence, spans, case.window).tolist()  # type: ignore[no-any-return]


@pytest.mark.parametrize("values", [st.integers(0, 2), st.text("ab", max_size=1), FLOATS], ids=str)
def test_distinct_values_equal_the_oracle(values: Any) -> None:
    @settings(max_examples=400, deadline=None)
    @given(table_of(values, UNITS))
    def check(case: Case) -> None:
        assert found(case) == case.expected("distinct")

    check()


def few_values() -> Case:
    case = awkward()
    return replace(case, values=[None if v is None else v % 4 for v in case.values])


@pytest.mark.parametrize("mutation", sorted(set(MUTATIONS) - {"extreme rows lost"}))
def test_the_comparison_catches(mutation: str) -> None:
    case = few_values()
    assert found(case) == case.expected("distinct")
    assert found(MUTATIONS[mutation](case)) != case.expected("distinct")


def test_one_presence_serves_several_windows() -> None:
    case = few_values()
    made = kernel(case)
    for window in (
        TimeWindow(3),
        TimeWindow(3, delay=2),
        TimeWindow(40, edge=9),
        TimeWindow(3),
        TimeWindow(80),
    ):
        asked = replace(case, window=window)
        assert found(asked, made) == asked.expected("distinct")


def test_a_value_that_left_and_came_again_counts_once() -> None:
    times = [0, 5, 30, 31]
    moments = [(0, at) for at in (1, 6, 10, 11, 15, 16, 31, 32, 41, 42)]
    case = Case([0] * 4, times, times, [7] * 4, [True] * 4, moments, TimeWindow(10), [0] * 4)
    assert found(case) == [1, 1, 1, 1, 1, 0, 1, 1, 1, 0]


def test_what_is_known_after_its_window_has_passed_is_never_there() -> None:
    case = Case(
        [0] * 3, [0, 0, 20], [50, 5, 20], [1, 1, 1], [True] * 3, [], TimeWindow(10), [0] * 3
    )
    case = replace(case, moments=[(0, at) for at in range(0, 99)])
    assert found(case) == [int(5 <= at <= 10 or 21 <= at <= 30) for at in range(0, 99)]


def test_values_are_alike_across_types_of_text_and_bits_of_not_a_number() -> None:
    bits = np.array([0x7FF8000000000000, 0x7FF8000000000001, -0x8000000000000], dtype=np.int64)
    assert value_codes(pa.array(bits.view(np.float64))).tolist() == [0, 0, 0]
    texts = pa.chunked_array([pa.array(["a", None]), pa.array(["b", "a"])])
    assert value_codes(texts).tolist() == [0, -1, 1, 0]


def test_no_events_and_no_moments_give_nothing() -> None:
    assert found(Case([], [], [], [], [], [(0, 5), (-1, 5)], TimeWindow(9), [])) == [0, 0]
    assert found(replace(awkward(), moments=[])) == []


def test_values_of_another_index_or_length_are_refused() -> None:
    presence, _ = kernel(awkward())
    _, spans = kernel(awkward())
    with pytest.raises(KernelInputError, match="another index"):
        distinct(presence, spans, TimeWindow(1))
    with pytest.raises(KernelInputError, match="one value for each event"):
        Presence(awkward().index(), ints([0]))
