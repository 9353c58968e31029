"""Lines of parts of a window make the line of the whole."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lakehouse.declare.durations import DAY
from lakehouse.features.online.layout.lines import LINE, NO_LINE, Line, lines_of, merged, together
from lakehouse.testing.meanings import MAGNITUDES, MEANINGS, Event, WindowRows

BASES = (0, -3_000 * DAY, 20_000 * DAY)
times = st.builds(
    lambda base, days, us: base + days * DAY + us,
    st.sampled_from(BASES),
    st.integers(0, 40),
    st.integers(0, 2),
)
values = st.floats(-1e9, 1e9) | st.sampled_from((1e15, 1e15 + 1, 0.0, math.nan, math.inf))
points = st.lists(st.tuples(times, values), min_size=0, max_size=25)


def require_right(line: Line, given_points: list[tuple[int, float]]) -> None:
    events = [Event("a", at, at, value) for at, value in given_points]
    rows = WindowRows(events, events, 0)
    right, slope = MEANINGS["trend"](rows), line.slope()
    assert (right is None, line.size) == (slope is None, len(given_points))
    if right is not None and slope is not None:
        assert math.isnan(right) == math.isnan(slope)
        if not math.isnan(right):
            assert abs(slope - right) <= 1e-9 * MAGNITUDES["trend"](rows)


@given(points, st.lists(st.integers(0, 25), max_size=4))
def test_a_line_is_the_same_in_whatever_parts(
    whole: list[tuple[int, float]], cuts: list[int]
) -> None:
    ends = sorted({0, len(whole), *(cut for cut in cuts if cut < len(whole))})
    parts = [whole[low:high] for low, high in pairwise(ends)]
    lines = [together([Line.of_one(at, value) for at, value in part]) for part in parts]
    require_right(together(lines), whole)
    require_right(together(lines[::-1]), whole)


@given(points)
def test_lines_of_arrays_are_those_of_values_one_by_one(whole: list[tuple[int, float]]) -> None:
    by_time = sorted(whole, key=lambda point: point[0])
    if not by_time:
        return
    starts = np.array(sorted({0, len(by_time) // 2}))
    at, values = (np.array(of) for of in zip(*by_time, strict=True))
    found = lines_of(at.astype(np.int64), values.astype(np.float64), starts)
    for first, last, numbers in zip(
        starts, [*starts[1:], len(by_time)], found.tolist(), strict=True
    ):
        require_right(Line.of_numbers(numbers), by_time[first:last])


@given(points)
def test_a_line_comes_back_from_its_numbers(whole: list[tuple[int, float]]) -> None:
    line = together([Line.of_one(at, value) for at, value in whole])
    assert LINE == len(line.numbers())
    assert line.numbers() == Line.of_numbers(line.numbers()).numbers()
    assert line.numbers() == merged(line, NO_LINE).numbers() == merged(NO_LINE, line).numbers()
