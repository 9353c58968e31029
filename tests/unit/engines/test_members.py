"""The rows of windows are those that count at the moment, in chunks of whole windows."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakehouse.engines.kernels.members import members
from lakehouse.engines.kernels.spans import Spans
from lakehouse.testing.oracle import window_rows
from tests.unit.engines.kernel_cases import UNITS, Case, table_of


def rows_of(case: Case, most: int) -> list[list[Any]]:
    """The caller's rows in each window, in the caller's order of moments."""
    index, moments = case.index(), case.spine()
    counted = (case.matching() & case.present())[index.rows]
    found: list[list[Any]] = []
    for chunk in members(Spans(index, moments), case.window, counted, most):
        assert len(chunk.starts) == len(chunk.sizes)
        for start, size in zip(chunk.starts, chunk.sizes, strict=True):
            found.append(sorted(index.rows[chunk.positions[start : start + size]].tolist()))
    places = moments.restore(moments.at * 0 + range(len(found)))
    return [found[place] for place in places]


def expected(case: Case) -> list[list[Any]]:
    events = [e._replace(value=(n, e.value)) for n, e in enumerate(case.events())]
    window = case.window
    return [
        [
            event.value[0]
            for event in window_rows(
                events, entity, at, over=window.over, delay=window.delay, edge=window.edge
            ).matching
            if event.value[1] is not None
        ]
        for entity, at in case.moments
    ]


@pytest.mark.parametrize("most", [1, 5, 10**6])
def test_rows_of_windows_equal_the_oracle(most: int) -> None:
    @settings(max_examples=150, deadline=None)
    @given(table_of(st.integers(-3, 3), UNITS))
    def check(case: Case) -> None:
        assert expected(case) == rows_of(case, most)

    check()
