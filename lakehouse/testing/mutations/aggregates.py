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

Wrong = Callable[["Asked"], Any]


@dataclass(frozen=True)
class Asked:
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
        return lambda row: self.wrong(Asked(right, feature, row))


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


def _without_nan(asked: Asked) -> Any:
    return asked.value([e for e in asked.events if e.value == e.value])


def _population(asked: Asked) -> float | None:
    right = asked.value()
    n = len(asked.newest_first())
    return 0.0 if n == 1 else None if right is None else right * math.sqrt((n - 1) / n)


def _squares_less_squares(asked: Asked) -> float | None:
    values = [float(value) for value in asked.newest_first()]
    if len(values) < 2:
        return None
    total = sum(values)
    squares = sum(v * v for v in values) - total * total / len(values)
    return math.sqrt(max(squares, 0.0) / (len(values) - 1))


def _of_one_is_nothing(asked: Asked) -> float | None:
    return 0.0 if len(asked.newest_first()) == 1 else asked.value()


def _null_is_a_value(asked: Asked) -> Any:
    nothing = object()
    events = [e._replace(value=nothing if e.value is None else e.value) for e in asked.events]
    return asked.value([e._replace(tie=n) for n, e in enumerate(events)], function="distinct")


def _came_again(asked: Asked) -> int:
    """Count a value once more if it was there, and away for the length of the window."""
    now, window = asked.spine["asked_at"], asked.feature.window
    values = distinct_values(asked.newest_first())
    if not isinstance(window, Window):
        return len(values)
    known = [e for e in asked.events if e.known_at <= now and e.matches is True]
    again = 0
    for value in values:
        times = sorted(e.event_at for e in known if e.value == value)
        again += any(b - a > window.length.us for a, b in pairwise(times))
    return len(values) + again


def _told_apart_by_text(asked: Asked) -> int:
    return len({repr(value) for value in asked.newest_first()})


def _without_ties(asked: Asked) -> Any:
    return asked.value([e._replace(tie=0) for e in asked.events])


def _at_once(asked: Asked) -> Any:
    """Order rows of one event time by the key alone, whenever they were known."""
    now = asked.spine["asked_at"]
    return asked.value([e._replace(known_at=0) for e in asked.events if e.known_at <= now])


def _known_last(asked: Asked) -> Any:
    """Order the rows of the window by when they were known."""
    seen = [e for e in asked.events if e.known_at <= asked.spine["asked_at"]]
    values = [asked.newest_first([e]) for e in sorted(seen, key=lambda e: (e.known_at, e.tie))]
    newest = [value for found in values[::-1] for value in found]
    if asked.feature.many is not None:
        return newest[: asked.feature.many]
    return newest[0] if newest else asked.value([])


class _Null:
    """What stands for null where nulls are left out."""


def _with_nulls(asked: Asked) -> Any:
    """List null values too."""
    marked = [e._replace(value=_Null() if e.value is None else e.value) for e in asked.events]
    listed = asked.value([e._replace(tie=(e.tie, n)) for n, e in enumerate(marked)])
    return [None if isinstance(value, _Null) else value for value in listed]


def _one_more(asked: Asked) -> Any:
    return asked.newest_first()[: (asked.feature.many or 0) + 1]


def _since_known(asked: Asked) -> Any:
    rows = asked.right.window_rows(asked.feature, asked.spine).matching
    return (asked.spine["asked_at"] - max(e.known_at for e in rows)) / 1e6 if rows else None


def _since_the_end(asked: Asked) -> Any:
    found = asked.value()
    return None if found is None else found - asked.right.view.delay_us / 1e6


def _since_the_first(asked: Asked) -> Any:
    rows = asked.right.window_rows(asked.feature, asked.spine).matching
    return (asked.spine["asked_at"] - min(e.event_at for e in rows)) / 1e6 if rows else None


def _first_of_most(asked: Asked) -> Any:
    values = asked.newest_first()[::-1]
    found = max(values, key=values.count, default=None)
    return asked.value([]) if found is None else found


def _mode_of_texts(asked: Asked) -> Any:
    """Tell values apart by their text: -0.0 from 0.0, and a NaN from none."""
    texts = [repr(value) for value in asked.newest_first()]
    most = max(texts, key=texts.count, default=None)
    return next((v for v in asked.newest_first() if repr(v) == most), asked.value([]))


def _in_order(asked: Asked) -> list[Any]:
    return sorted(asked.newest_first(), key=ordered)


def _between(asked: Asked) -> Any:
    """The value as it lies between its neighbours, where they are whole numbers rounded down."""
    values = _in_order(asked)
    if not values or not isinstance(values[0], int):
        return asked.value()
    place = Fraction(str(asked.argument)) * (len(values) - 1)
    low, high = values[math.floor(place)], values[math.ceil(place)]
    return math.floor(low + (high - low) * (place - math.floor(place)))


def _place_in_floats(asked: Asked) -> Any:
    values = _in_order(asked)
    return values[max(math.ceil(asked.argument * len(values)), 1) - 1] if values else asked.value()


def _of_values(asked: Asked, values: list[Any]) -> Any:
    place = math.ceil(Fraction(str(asked.argument)) * len(values))
    return sorted(values, key=ordered)[max(place, 1) - 1] if values else asked.value()


def _times(value: float | None, factor: float) -> float | None:
    return None if value is None else value * factor


def _points(asked: Asked) -> list[tuple[int, float]]:
    """The times and values of the rows that count, by time."""
    rows = asked.right.window_rows(asked.feature, asked.spine).matching
    return sorted((e.event_at, float(e.value)) for e in rows)


def _from_first_to_last(asked: Asked) -> Any:
    points = _points(asked)
    if not points or points[0][0] == points[-1][0]:
        return asked.value()
    (first, low), (last, high) = points[0], points[-1]
    return (high - low) / (last - first) * DAY


def _trend_of_squares(asked: Asked) -> Any:
    points = _points(asked)
    times, values = [float(t) for t, _ in points], [v for _, v in points]
    spread = len(times) * sum(t * t for t in times) - sum(times) ** 2
    if asked.value() is None or not spread:
        return asked.value()
    together = len(times) * sum(t * v for t, v in points) - sum(times) * sum(values)
    return together / spread * DAY


ORDERED = [function for function, facts in FACTS.items() if facts.ordered]

AGGREGATE_MUTATIONS: dict[str, tuple[Callable[[WindowedFeature], bool], Wrong]] = {
    "a count is of different values": (
        _of("count"),
        lambda asked: asked.value(function="distinct"),
    ),
    "a sum leaves out values that came before": (
        _of("sum"),
        lambda asked: exact_sum(distinct_values(asked.newest_first())),
    ),
    "a mean is of different values": (
        _of("mean"),
        lambda asked: _mean_of(distinct_values(asked.newest_first())),
    ),
    "the least is the greatest": (_of("min"), lambda asked: asked.value(function="max")),
    "the greatest leaves out what is no number": (_of("max"), _without_nan),
    "a deviation is of the population": (_of("std"), _population),
    "a deviation of one value is 0": (_of("std"), _of_one_is_nothing),
    "a deviation is of squares less squares": (_of("std"), _squares_less_squares),
    "the first is the last": (_of("first"), lambda asked: asked.value(function="last")),
    "the last is the first": (_of("last"), lambda asked: asked.value(function="first")),
    "a tie by key is lost": (_of(*ORDERED), _without_ties),
    "a tie by known time is lost": (_of(*ORDERED), _at_once),
    "the row known last is the last": (_of("last", "last_k"), _known_last),
    "null is a distinct value": (_of("distinct"), _null_is_a_value),
    "every row is a distinct value": (
        _of("distinct"),
        lambda asked: asked.value(function="count"),
    ),
    "a value that comes again counts twice": (_of("distinct"), _came_again),
    "distinct values are told apart by text": (_of("distinct"), _told_apart_by_text),
    "a share is of every row": (_of("share"), lambda asked: asked.value(where=None)),
    "a share leaves out what is unknown": (
        _of("share"),
        lambda asked: asked.value([e for e in asked.events if e.matches is not None]),
    ),
    "a share counts rows without a value": (
        _of("share"),
        lambda asked: asked.value([e._replace(value=True) for e in asked.events]),
    ),
    "a list is oldest first": (_of("last_k"), lambda asked: asked.value()[::-1]),
    "a list is one too long": (_of("last_k"), _one_more),
    "a list holds nulls": (_of("last_k"), _with_nulls),
    "a list holds a value once": (
        _of("last_k"),
        lambda asked: distinct_values(asked.newest_first())[: asked.feature.many],
    ),
    "a list of nothing is null": (_of("last_k"), lambda asked: asked.value() or None),
    "since is counted from when a row was known": (_of("since"), _since_known),
    "since is counted to the window's end": (_of("since"), _since_the_end),
    "since counts from the first row": (_of("since"), _since_the_first),
    "the most frequent value is the last": (
        _of("mode"),
        lambda asked: asked.value(function="last"),
    ),
    "of equally frequent values the first that came counts": (_of("mode"), _first_of_most),
    "the most frequent value is that of texts": (_of("mode"), _mode_of_texts),
    "a quantile lies between two values": (_of("quantile"), _between),
    "a quantile is counted in floats": (_of("quantile"), _place_in_floats),
    "a quantile is of different values": (
        _of("quantile"),
        lambda asked: _of_values(asked, distinct_values(asked.newest_first())),
    ),
    "a trend is by the second": (_of("trend"), lambda asked: _times(asked.value(), 1 / 86_400)),
    "a trend is from the first value to the last": (_of("trend"), _from_first_to_last),
    "a trend of one time is level": (_of("trend"), lambda asked: asked.value() or 0.0),
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
