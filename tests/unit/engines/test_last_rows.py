"""Windows of the last rows give what the oracle gives, however late rows come."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakehouse.engines.kernels.distinct import Presence, distinct
from lakehouse.engines.kernels.index import EventIndex, Moments
from lakehouse.engines.kernels.last_rows import LastRows
from lakehouse.engines.kernels.measures import Measure
from lakehouse.engines.kernels.ordering import KernelInputError
from lakehouse.engines.kernels.prefixes import nth_greatest
from lakehouse.engines.kernels.sequences import Sequence
from lakehouse.engines.kernels.spans import Spans
from lakehouse.engines.kernels.windows import WindowAggregates
from lakehouse.testing.oracle import window_value
from tests.unit.engines.kernel_cases import Case, ints, table_of

CASES = table_of(st.integers(-3, 3), st.just(1))


@given(CASES, st.integers(1, 5))
def test_last_rows_equal_the_oracle(case: Case, rows: int) -> None:
    case = _of_own_keys(case)
    index, delay = case.index(), case.window.delay
    index.retie(ints(case.ties))
    windows = WindowAggregates(index, case.spine())
    window = LastRows(rows, Sequence(index, case.matching()), delay)
    counted = case.matching() & case.present()
    values = ints([0 if value is None else value for value in case.values])
    measure = _measure(index, values, counted)
    assert windows.sum(measure, window).tolist() == _expected(case, "sum", rows)
    assert windows.count(measure, window).tolist() == _expected(case, "count", rows)
    least = windows.min(measure, window)
    found = [v if there else None for v, there in zip(*(x.tolist() for x in least), strict=True)]
    assert found == _expected(case, "min", rows)
    presence = Presence(index, values - values.min(initial=0), counted)
    assert distinct(presence, windows.spans, window).tolist() == _expected(case, "distinct", rows)


def _of_own_keys(case: Case) -> Case:
    """The same with a key of its own for each row, in an order that is not the rows' own."""
    size = len(case.entity)
    ties = [(number * 7 + 3) % 101 for number in range(size)]
    columns = (case.entity, case.event_at, case.known_at, case.values, case.matches)
    return Case(*columns, case.moments, case.window, ties)


def _measure(index: EventIndex, values: Any, counted: Any) -> Any:
    return Measure(index, values, where=counted)


def _expected(case: Case, aggregate: str, rows: int) -> list[Any]:
    return [
        window_value(
            case.events(),
            entity,
            at,
            aggregate=aggregate,
            over=None,
            delay=case.window.delay,
            rows=rows,
        )
        for entity, at in case.moments
    ]


@given(st.lists(st.integers(0, 40), max_size=30), st.integers(1, 6))
def test_the_nth_greatest_of_what_came_so_far(values: list[int], n: int) -> None:
    sizes = list(range(len(values) + 1))
    expected = [sorted(values[:size])[-n] if size >= n else -1 for size in sizes]
    assert nth_greatest(ints(values), ints(sizes), n).tolist() == expected


def test_a_sequence_of_another_index_is_refused() -> None:
    index, other = (EventIndex(ints([0]), ints([1])) for _ in range(2))
    spans = Spans(index, Moments(ints([0]), ints([2])))
    with pytest.raises(KernelInputError, match="another index"):
        spans.begins(LastRows(1, Sequence(other)))
    with pytest.raises(KernelInputError, match="0 rows holds none"):
        LastRows(0, Sequence(index))
    assert np.array_equal(spans.begins(LastRows(1, Sequence(index))), [0])
