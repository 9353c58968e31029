"""Mistakes in which rows of any age count: among the last so many, or ever."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from lakehouse.declare.durations import DAY, Duration
from lakehouse.declare.features import EverWindow, RowsWindow, Window, WindowedFeature
from lakehouse.testing.meanings import Event
from lakehouse.testing.mutations.aggregates import Question, Wrong


def _in_rows(feature: WindowedFeature) -> bool:
    return isinstance(feature.window, RowsWindow)


def _in_rows_that_match(feature: WindowedFeature) -> bool:
    return _in_rows(feature) and feature.aggregate.counted_where is not None


def _ever(feature: WindowedFeature) -> bool:
    return isinstance(feature.window, EverWindow)


def _over(question: Question, window: Any) -> Any:
    return replace(question, feature=replace(question.feature, window=window)).value()


def _one_more(question: Question) -> Any:
    assert isinstance(question.feature.window, RowsWindow)
    return _over(question, RowsWindow(question.feature.window.rows + 1))


def _last(question: Question, order: Callable[[Event], Any], matching: bool = True) -> Any:
    """The value over so many last rows by another order, or of all rows."""
    assert isinstance(question.feature.window, RowsWindow)
    end = question.spine["asked_at"] - question.right.view.delay_us
    there = [
        e for e in question.events if e.event_at < end and e.known_at <= question.spine["asked_at"]
    ]
    if matching and _in_rows_that_match(question.feature):
        there = [e for e in there if e.matches is True]
    return question.value(sorted(there, key=order)[-question.feature.window.rows :])


def _without_nulls(question: Question) -> Any:
    return question.value([e for e in question.events if e.value is not None])


ANY_AGE_MUTATIONS: dict[str, tuple[Callable[[WindowedFeature], bool], Wrong]] = {
    "one row more is among the last": (_in_rows, _one_more),
    "a null takes no place among the last rows": (_in_rows, _without_nulls),
    "the last rows are counted whatever they fulfil": (
        _in_rows_that_match,
        lambda question: _last(question, lambda e: (e.event_at, e.known_at, e.tie), matching=False),
    ),
    "the rows known last are the last so many": (
        _in_rows,
        lambda question: _last(question, lambda e: (e.known_at, e.event_at, e.tie)),
    ),
    "the last rows of one time go by their place": (
        _in_rows,
        lambda question: _last(question, lambda e: (e.event_at, e.known_at)),
    ),
    "what was ever is of a year": (
        _ever,
        lambda question: _over(question, Window(Duration(365 * DAY, "365d"))),
    ),
    "what was ever leaves out what was known late": (
        _ever,
        lambda question: question.value([e for e in question.events if e.known_at <= e.event_at]),
    ),
}
"""Each mistake by what it is: the features it is made in, and the value they get."""
