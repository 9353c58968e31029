"""Mistakes in aggregates and defaults: values of a wrong oracle in place of the engine's own."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from typing import Any

from lakehouse.declare.aggregates import FACTS
from lakehouse.declare.durations import DAY
from lakehouse.declare.features import Window, WindowedFeature
from lakehouse.engines.protocol import Engine
from lakehouse.language.expressions.values import ordered
from lakehouse.testing.conformance.against_oracle import Expected, ExpectedWindows
from lakehouse.testing.conformance.world import Fields
from lakehouse.testing.meanings import Event, distinct_values, exact_sum
from lakehouse.testing.mutations.recomputing import Recomputing, Value

Wrong = Callable[["Question"], Any]


@dataclass(frozen=True)
class Question:
    """One feature asked for at one row of a spine, and the oracle that knows its rows."""

    right: ExpectedWindows
    feature: WindowedFeature
    spine: Fields

    @property
    def events(self) -> list[Event]:
        return self.right.events(self.feature, self.spine)

    def value(self, events: Sequence[Event] | None = None, **changes: Any) -> Any:
        """Return the right value of other events, or of an aggregate with some changes."""
        changed = replace(self.feature, aggregate=replace(self.feature.aggregate, **changes))
        return self.right.value_of(changed, self.spine, events)

    @property
    def argument(self) -> Any:
        """The function's own argument."""
        return self.feature.aggregate.argument

    def newest_first(self, events: Sequence[Event] | None = None) -> list[Any]:
        """Return all values that count, the last one first."""
        values: list[Any] = self.value(events, function="last_k", argument=None)
        return values


class AggregateMutant(Recomputing):
    """An engine that makes one mistake in the features of some functions.

    `wrong` gives the value of the features that `applies` holds for.
    """

    def __init__(
        self, engine: Engine, applies: Callable[[WindowedFeature], bool], wrong: Wrong
    ) -> None:
        super().__init__(engine)
        self.applies = applies
        self.wrong = wrong

    def value(self, right: Expected[Any, Any], feature: Any) -> Value | None:
        if not isinstance(right, ExpectedWindows) or not self.applies(feature):
            return None
        return lambda row: self.wrong(Question(right, feature, row))


@dataclass(frozen=True)
class _Of:
    """The features of some functions."""

    functions: frozenset[str]

    def __call__(self, feature: WindowedFeature) -> bool:
        return feature.aggregate.function in self.functions


def _of(*functions: str) -> _Of:
    return _Of(frozenset(functions))


def _mean_of(values: Sequence[Any]) -> float | None:
    return float(exact_sum(values)) / len(values) if values else None


def _without_nan(question: Question) -> Any:
    return question.value([e for e in question.events if e.value == e.value])


def _population(question: Question) -> float | None:
    right = question.value()
    n = len(question.newest_first())
    return 0.0 if n == 1 else None if right is None else right * math.sqrt((n - 1) / n)


def _squares_less_squares(question: Question) -> float | None:
    values = [float(value) for value in question.newest_first()]
    if len(values) < 2:
        return None
    total = sum(values)
    squares = sum(v * v for v in values) - total * total / len(values)
    return math.sqrt(max(squares, 0.0) / (len(values) - 1))


def _of_one_is_nothing(question: Question) -> float | None:
    return 0.0 if len(question.newest_first()) == 1 else question.value()


def _null_is_a_value(question: Question) -> Any:
    nothing = object()
    events = [e._replace(value=nothing if e.value is None else e.value) for e in question.events]
    return question.value([e._replace(tie=n) for n, e in enumerate(events)], function="distinct")


def _came_again(question: Question) -> int:
    """Count a value once more if it was there, and away for the length of the window."""
    now, window = question.spine["asked_at"], question.feature.window
    values = distinct_values(question.newest_first())
    if not isinstance(window, Window):
        return len(values)
    known = [e for e in question.events if e.known_at <= now and e.matches is True]
    again = 0
    for value in values:
        times = sorted(e.event_at for e in known if e.value == value)
        again += any(b - a > window.length.us for a, b in pairwise(times))
    return len(values) + again


def _distinct_by_text(question: Question) -> int:
    return len({repr(value) for value in question.newest_first()})


def _without_ties(question: Question) -> Any:
    return question.value([e._replace(tie=0) for e in question.events])


def _at_once(question: Question) -> Any:
    """Order rows of one event time by the key alone, whenever they were known."""
    now = question.spine["asked_at"]
    return question.value([e._replace(known_at=0) for e in question.events if e.known_at <= now])


def _known_last(question: Question) -> Any:
    """Order the rows of the window by when they were known."""
    seen = [e for e in question.events if e.known_at <= question.spine["asked_at"]]
    values = [question.newest_first([e]) for e in sorted(seen, key=lambda e: (e.known_at, e.tie))]
    newest = [value for found in values[::-1] for value in found]
    if question.feature.many is not None:
        return newest[: question.feature.many]
    return newest[0] if newest else question.value([])


class _Null:
    """What stands for null where nulls are left out."""


def _with_nulls(question: Question) -> Any:
    """List null values too."""
    marked = [e._replace(value=_Null() if e.value is None else e.value) for e in question.events]
    listed = question.value([e._replace(tie=(e.tie, n)) for n, e in enumerate(marked)])
    return [None if isinstance(value, _Null) else value for value in listed]


def _one_more(question: Question) -> Any:
    return question.newest_first()[: (question.feature.many or 0) + 1]


def _since_known(question: Question) -> Any:
    rows = question.right.window_rows(question.feature, question.spine).matching
    return (question.spine["asked_at"] - max(e.known_at for e in rows)) / 1e6 if rows else None


def _since_the_end(question: Question) -> Any:
    found = question.value()
    return None if found is None else found - question.right.view.delay_us / 1e6


def _since_the_first(question: Question) -> Any:
    rows = question.right.window_rows(question.feature, question.spine).matching
    return (question.spine["asked_at"] - min(e.event_at for e in rows)) / 1e6 if rows else None


def _first_of_most(question: Question) -> Any:
    values = question.newest_first()[::-1]
    found = max(values, key=values.count, default=None)
    return question.value([]) if found is None else found


def _mode_of_texts(question: Question) -> Any:
    """Tell values apart by their text: -0.0 from 0.0, and a NaN from none."""
    texts = [repr(value) for value in question.newest_first()]
    most = max(texts, key=texts.count, default=None)
    return next((v for v in question.newest_first() if repr(v) == most), question.value([]))


def _in_order(question: Question) -> list[Any]:
    return sorted(question.newest_first(), key=ordered)


def _between(question: Question) -> Any:
    """The value as it lies between its neighbours, where they are whole numbers rounded down."""
    values = _in_order(question)
    if not values or not isinstance(values[0], int):
        return question.value()
    place = Fraction(str(question.argument)) * (len(values) - 1)
    low, high = values[math.floor(place)], values[math.ceil(place)]
    return math.floor(low + (high - low) * (place - math.floor(place)))


def _place_in_floats(question: Question) -> Any:
    values = _in_order(question)
    return (
        values[max(math.ceil(question.argument * len(values)), 1) - 1]
        if values
        else question.value()
    )


def _of_values(question: Question, values: list[Any]) -> Any:
    place = math.ceil(Fraction(str(question.argument)) * len(values))
    return sorted(values, key=ordered)[max(place, 1) - 1] if values else question.value()


def _times(value: float | None, factor: float) -> float | None:
    return None if value is None else value * factor


def _points(question: Question) -> list[tuple[int, float]]:
    """The times and values of the rows that count, by time."""
    rows = question.right.window_rows(question.feature, question.spine).matching
    return sorted((e.event_at, float(e.value)) for e in rows)


def _from_first_to_last(question: Question) -> Any:
    points = _points(question)
    if not points or points[0][0] == points[-1][0]:
        return question.value()
    (first, low), (last, high) = points[0], points[-1]
    return (high - low) / (last - first) * DAY


def _trend_of_squares(question: Question) -> Any:
    points = _points(question)
    times, values = [float(t) for t, _ in points], [v for _, v in points]
    spread = len(times) * sum(t * t for t in times) - sum(times) ** 2
    if question.value() is None or not spread:
        return question.value()
    together = len(times) * sum(t * v for t, v in points) - sum(times) * sum(values)
    return together / spread * DAY


ORDERED = [function for function, facts in FACTS.items() if facts.ordered]

AGGREGATE_MUTATIONS: dict[str, tuple[Callable[[WindowedFeature], bool], Wrong]] = {
    "a count is of different values": (
        _of("count"),
        lambda question: question.value(function="distinct"),
    ),
    "a sum leaves out values that came before": (
        _of("sum"),
        lambda question: exact_sum(distinct_values(question.newest_first())),
    ),
    "a mean is of different values": (
        _of("mean"),
        lambda question: _mean_of(distinct_values(question.newest_first())),
    ),
    "the least is the greatest": (_of("min"), lambda question: question.value(function="max")),
    "the greatest leaves out what is no number": (_of("max"), _without_nan),
    "a deviation is of the population": (_of("std"), _population),
    "a deviation of one value is 0": (_of("std"), _of_one_is_nothing),
    "a deviation is of squares less squares": (_of("std"), _squares_less_squares),
    "the first is the last": (_of("first"), lambda question: question.value(function="last")),
    "the last is the first": (_of("last"), lambda question: question.value(function="first")),
    "a tie by key is lost": (_of(*ORDERED), _without_ties),
    "a tie by known time is lost": (_of(*ORDERED), _at_once),
    "the row known last is the last": (_of("last", "last_k"), _known_last),
    "null is a distinct value": (_of("distinct"), _null_is_a_value),
    "every row is a distinct value": (
        _of("distinct"),
        lambda question: question.value(function="count"),
    ),
    "a value that comes again counts twice": (_of("distinct"), _came_again),
    "distinct values are told apart by text": (_of("distinct"), _distinct_by_text),
    "a share is of every row": (_of("share"), lambda question: question.value(where=None)),
    "a share leaves out what is unknown": (
        _of("share"),
        lambda question: question.value([e for e in question.events if e.matches is not None]),
    ),
    "a share counts rows without a value": (
        _of("share"),
        lambda question: question.value([e._replace(value=True) for e in question.events]),
    ),
    "a list is oldest first": (_of("last_k"), lambda question: question.value()[::-1]),
    "a list is one too long": (_of("last_k"), _one_more),
    "a list holds nulls": (_of("last_k"), _with_nulls),
    "a list holds a value once": (
        _of("last_k"),
        lambda question: distinct_values(question.newest_first())[: question.feature.many],
    ),
    "a list of nothing is null": (_of("last_k"), lambda question: question.value() or None),
    "since is counted from when a row was known": (_of("since"), _since_known),
    "since is counted to the window's end": (_of("since"), _since_the_end),
    "since counts from the first row": (_of("since"), _since_the_first),
    "the most frequent value is the last": (
        _of("mode"),
        lambda question: question.value(function="last"),
    ),
    "of equally frequent values the first that came counts": (_of("mode"), _first_of_most),
    "the most frequent value is that of texts": (_of("mode"), _mode_of_texts),
    "a quantile lies between two values": (_of("quantile"), _between),
    "a quantile is counted in floats": (_of("quantile"), _place_in_floats),
    "a quantile is of different values": (
        _of("quantile"),
        lambda question: _of_values(question, distinct_values(question.newest_first())),
    ),
    "a trend is by the second": (
        _of("trend"),
        lambda question: _times(question.value(), 1 / 86_400),
    ),
    "a trend is from the first value to the last": (_of("trend"), _from_first_to_last),
    "a trend of one time is level": (_of("trend"), lambda question: question.value() or 0.0),
    "a trend is of squares less squares": (_of("trend"), _trend_of_squares),
}
"""Each mistake by what it is: the features it is made in, and the value they get."""


def mutated(function: str) -> list[str]:
    """Return the mistakes that are made in one function."""
    return [
        name
        for name, (applies, _) in AGGREGATE_MUTATIONS.items()
        if isinstance(applies, _Of) and function in applies.functions
    ]
