"""The latest row known at a moment equals the oracle, whatever order rows become known in."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakehouse.engines.kernels.index import EventIndex, Moments
from lakehouse.engines.kernels.latest import last_index
from lakehouse.testing.oracle import Row, latest_value

ROWS = st.lists(
    st.tuples(
        st.sampled_from((0, 1, 70_000)),
        st.integers(-8, 8),
        st.sampled_from((0, 0, 1, 2, 5, 30, -3)),
        st.integers(0, 2),
    ),
    max_size=16,
)
MOMENTS = st.lists(
    st.tuples(st.sampled_from((-1, 0, 1, 2, 70_000, 70_001)), st.integers(-12, 40)), max_size=12
)


def ints(values: Any) -> Any:
    return np.array(values, dtype=np.int64)


def last_rows(rows: list[Row], moments: list[tuple[int, int]], ttl: int | None) -> list[int | None]:
    entity, event_at, known_at, tie = (ints([row[i] for row in rows]) for i in range(4))
    index = EventIndex(entity, event_at, known_at, tie=tie)
    spine = Moments(ints([entity for entity, _ in moments]), ints([at for _, at in moments]))
    found = last_index(index, spine, ttl=ttl).tolist()
    return [None if row < 0 else row for row in found]


@settings(max_examples=500, deadline=None)
@given(ROWS, MOMENTS, st.none() | st.integers(0, 20), st.sampled_from((1, 1_000_000, 2**54)))
def test_last_index_equals_the_oracle(
    drawn: list[Any], moments: list[tuple[int, int]], ttl: int | None, unit: int
) -> None:
    rows = [
        Row(entity, at * unit, (at + late) * unit, tie, number)
        for number, (entity, at, late, tie) in enumerate(drawn)
    ]
    spine = [(entity, at * unit) for entity, at in moments]
    ttl = None if ttl is None else ttl * unit
    expected = [latest_value(rows, entity, at, ttl=ttl) for entity, at in spine]
    assert last_rows(rows, spine, ttl) == expected


def test_equal_times_are_decided_by_known_time_then_tie_then_order() -> None:
    rows = [
        Row(0, 5, 5, 9, 0),
        Row(0, 5, 7, 1, 1),
        Row(0, 5, 7, 2, 2),
        Row(0, 5, 7, 2, 3),
        Row(0, 5, 7, 0, 4),
    ]
    assert last_rows(rows, [(0, 5), (0, 6), (0, 7)], None) == [None, 0, 3]


def test_old_row_arriving_late_does_not_replace_a_newer_one() -> None:
    rows = [Row(0, 10, 10, 0, 0), Row(0, 5, 20, 0, 1)]
    assert last_rows(rows, [(0, 9), (0, 15), (0, 25)], None) == [None, 0, 0]


def test_row_as_old_as_its_ttl_still_counts_and_an_older_one_does_not() -> None:
    rows = [Row(0, 10, 10, 0, 0)]
    assert last_rows(rows, [(0, 30), (0, 31)], 20) == [0, None]


@pytest.mark.parametrize("change", [1, -1])
def test_the_comparison_catches_moments_shifted_by_a_microsecond(change: int) -> None:
    rows = [Row(0, 10, 10, 0, 0), Row(0, 20, 40, 0, 1)]
    spine = [(0, at) for at in (10, 11, 39, 40)]
    expected = [latest_value(rows, entity, at) for entity, at in spine]
    assert last_rows(rows, spine, None) == expected
    assert last_rows(rows, [(entity, at + change) for entity, at in spine], None) != expected
