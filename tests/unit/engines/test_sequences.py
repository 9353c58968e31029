"""The first and the last rows of windows equal the oracle's, whatever order they are known in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakehouse.engines.kernels.ordering import KernelInputError
from lakehouse.engines.kernels.sequences import Sequence, first_row, last_row, last_rows
from lakehouse.engines.kernels.spans import Spans, TimeWindow
from tests.unit.engines.kernel_cases import MUTATIONS, UNITS, Case, awkward, ints, table_of

MOST = (1, 2, 3, 5, 100)


def kernel(case: Case) -> tuple[Sequence, Spans]:
    index = case.index()
    sequence = Sequence(index, case.matching() & case.present(), case.tie())
    return sequence, Spans(index, case.spine())


def one(case: Case, find: Callable[..., Any], made: tuple[Sequence, Spans] | None = None) -> Any:
    sequence, spans = made or kernel(case)
    rows = find(sequence, spans, case.window).tolist()
    return [None if row < 0 else case.values[row] for row in rows]


def several(case: Case, k: int, made: tuple[Sequence, Spans] | None = None) -> list[list[Any]]:
    sequence, spans = made or kernel(case)
    offsets, rows = last_rows(sequence, spans, case.window, k)
    return [[case.values[row] for row in rows[begin:end]] for begin, end in pairwise(offsets)]


def require_oracle(case: Case, made: tuple[Sequence, Spans] | None = None) -> None:
    assert ("first", one(case, first_row, made)) == ("first", case.expected("first"))
    assert ("last", one(case, last_row, made)) == ("last", case.expected("last"))
    for k in MOST:
        assert (k, several(case, k, made)) == (k, case.expected("last_k", k))


@pytest.mark.parametrize("values", [st.integers(-3, 3), st.text("ab", max_size=1)], ids=str)
def test_first_and_last_rows_equal_the_oracle(values: Any) -> None:
    @settings(max_examples=300, deadline=None)
    @given(table_of(values, UNITS))
    def check(case: Case) -> None:
        require_oracle(case)

    check()


@pytest.mark.parametrize("mutation", MUTATIONS)
@pytest.mark.parametrize("aggregate", ["first", "last", "last_k"])
def test_the_comparison_catches(mutation: str, aggregate: str) -> None:
    def found(asked: Case) -> Any:
        if aggregate == "last_k":
            return several(asked, 3)
        return one(asked, first_row if aggregate == "first" else last_row)

    case = awkward()
    assert found(case) == case.expected(aggregate, 3)
    assert found(MUTATIONS[mutation](case)) != case.expected(aggregate, 3)


@pytest.mark.parametrize("late", [0, 9, 1000])
def test_the_comparison_catches_a_lost_tie(late: int) -> None:
    rows = 60
    random = np.random.default_rng(5)
    at = random.integers(0, 4, rows)
    case = Case(
        [0] * rows,
        at.tolist(),
        (at + random.choice((0, late), rows)).tolist(),
        list(range(rows)),
        [True] * rows,
        [(0, moment) for moment in (3, 4, 5, 9, 12)],
        TimeWindow(20),
        random.permutation(rows).tolist(),
    )
    require_oracle(case)
    lost = replace(case, ties=[0] * rows)
    assert one(lost, last_row) != case.expected("last")
    assert one(lost, first_row) != case.expected("first")
    assert several(lost, 3) != case.expected("last_k", 3)


def test_one_sequence_serves_several_windows() -> None:
    case = awkward()
    made = kernel(case)
    for window in (
        TimeWindow(3),
        TimeWindow(3, delay=2),
        TimeWindow(40, edge=9),
        TimeWindow(3),
        TimeWindow(80),
    ):
        require_oracle(replace(case, window=window), made)


def test_all_rows_count_without_a_criterion_and_come_in_their_order_without_a_tie() -> None:
    case = replace(awkward(), values=list(range(100)), matches=[True] * 100)
    index = case.index()
    made = Sequence(index), Spans(index, case.spine())
    for window in (TimeWindow(30), TimeWindow(30, delay=90)):
        require_oracle(replace(case, window=window, ties=list(range(100))), made)


def test_no_events_and_no_moments_give_nothing() -> None:
    nothing = Case([], [], [], [], [], [(0, 5), (-1, 5)], TimeWindow(9), [])
    require_oracle(nothing)
    require_oracle(replace(awkward(), moments=[]))
    require_oracle(replace(awkward(), matches=[False] * 100))


def test_a_late_row_is_not_the_last_one_only_because_it_came_last() -> None:
    case = Case(
        [0] * 3, [10, 20, 15], [10, 20, 40], [1, 2, 3], [True] * 3, [], TimeWindow(99), [0] * 3
    )
    case = replace(case, moments=[(0, 39), (0, 40), (0, 41)])
    assert one(case, last_row) == [2, 2, 2]
    assert several(case, 3) == [[2, 1], [2, 3, 1], [2, 3, 1]]
    assert several(case, 2) == [[2, 1], [2, 3], [2, 3]]


def test_sequence_of_another_index_is_refused() -> None:
    sequence, _ = kernel(awkward())
    _, spans = kernel(awkward())
    for call in (first_row, last_row):
        with pytest.raises(KernelInputError, match="another index"):
            call(sequence, spans, TimeWindow(1))
    with pytest.raises(KernelInputError, match="another index"):
        last_rows(sequence, spans, TimeWindow(1), 2)


@pytest.mark.parametrize("wrong", [{"where": np.array([True])}, {"tie": ints([1])}], ids=str)
def test_columns_of_another_length_are_refused(wrong: Any) -> None:
    with pytest.raises(KernelInputError, match="one value for each event"):
        Sequence(awkward().index(), **wrong)
