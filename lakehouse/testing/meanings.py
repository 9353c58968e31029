"""What each function of a window means, as a plain loop over the rows that count.

Nothing here is fast; everything is meant to be read. `MEANINGS` holds what every engine, store and
explanation must equal, `MAGNITUDES` what the rounding of a float is a share of.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from decimal import Context, Decimal, Inexact, localcontext
from fractions import Fraction
from typing import Any, NamedTuple

Value = bool | int | Decimal | float


class Event(NamedTuple):
    """One row as a window sees it: `value` is the aggregated input, None where it is null.

    A count or share of rows has no input: give each row a value that is not null, such as `True`.
    `tie` orders rows of equal times, as the table's key does, and after it the value.
    """

    entity: Hashable
    event_at: int
    known_at: int
    value: Any = True
    matches: bool | None = True
    tie: Any = 0


class WindowRows(NamedTuple):
    """The rows of one entity that lie in a window, known and not null, at a moment.

    `matching` are those of `there` that fulfil `where`. `argument` is the function's own.
    """

    there: Sequence[Event]
    matching: Sequence[Event]
    at: int
    argument: Any = None

    @property
    def values(self) -> list[Any]:
        """The values that count, in the order in which they were given."""
        return [event.value for event in self.matching]

    @property
    def ordered(self) -> list[Any]:
        """The values that count, the first one first."""
        return [event.value for event in in_order(self.matching)]


def in_order(events: Sequence[Event]) -> list[Event]:
    """Return events as first and last go by them: by event time, known time, tie, and value.

    The value decides between rows that nothing else tells apart: of those the greatest is last.
    """
    return sorted(events, key=lambda e: (e.event_at, e.known_at, e.tie, _nan_last(e.value)))


def distinct_values(values: Sequence[Any]) -> list[Any]:
    """Return each value once; NaN is one value, and -0.0 is 0.0.

    >>> distinct_values([0.0, -0.0, math.nan, 1.5, math.nan])
    [0.0, nan, 1.5]
    """
    found: list[Any] = []
    for value in values:
        if not any(value == other or _both_nan(value, other) for other in found):
            found.append(value)
    return found


def deviation(values: Sequence[Value]) -> float | None:
    """Return the sample standard deviation: of fewer than two values there is none.

    Exact up to the root. It is NaN with a NaN or an infinity among the values, and infinite where
    no float holds its square.

    >>> deviation([Decimal("0.1"), Decimal("0.2"), Decimal("0.3")]), deviation([5])
    (0.1, None)
    """
    if len(values) < 2:
        return None
    if not all(math.isfinite(value) for value in values):
        return math.nan
    exact = [Fraction(value) for value in values]
    mean = sum(exact) / len(exact)
    squares = sum((value - mean) ** 2 for value in exact)
    try:
        return math.sqrt(squares / (len(exact) - 1))
    except OverflowError:
        return math.inf


def exact_sum(values: Sequence[Value]) -> int | Decimal | float:
    """Return the sum: exact for booleans (0 and 1), integers and decimals, 0 over no values.

    A sum of floats is the exact sum rounded once; with a NaN or infinities among them it is what
    adding those gives, so a single NaN makes the sum NaN.

    >>> exact_sum([0.1] * 10), exact_sum([True, False, True]), exact_sum([])
    (1.0, 2, 0)
    """
    floats = [value for value in values if isinstance(value, float)]
    if floats:
        special = [value for value in floats if not math.isfinite(value)]
        return sum(special) if special else math.fsum(floats)
    with localcontext(Context(prec=200, traps=[Inexact])):
        total: int | Decimal = 0
        for value in values:
            if not isinstance(value, float):
                total = total + value
        return total


def _both_nan(one: Any, other: Any) -> bool:
    return bool(one != one and other != other)


def _nan_last(value: Any) -> tuple[bool, Any]:
    """Order values with NaN greater than all others, as DuckDB and Spark do."""
    return (value != value, value)


def _mean(rows: WindowRows) -> float | None:
    return float(exact_sum(rows.values)) / len(rows.values) if rows.values else None


def _since(rows: WindowRows) -> float | None:
    """Seconds of 1,000,000 microseconds, from the row that happened last to the moment."""
    times = [event.event_at for event in rows.matching]
    return (rows.at - max(times)) / 1_000_000 if times else None


def _mode(rows: WindowRows) -> Any:
    """The value that comes most often: looking back, the first that no other comes oftener than."""
    best, most = None, 0
    for value in reversed(rows.ordered):
        often = sum(value == other or _both_nan(value, other) for other in rows.values)
        if often > most:
            best, most = value, often
    return best


def _quantile(rows: WindowRows) -> Any:
    """The least value that at least the share q, taken as it is written, does not exceed."""
    for place, value in enumerate(sorted(rows.values, key=_nan_last), 1):
        if Fraction(place, len(rows.values)) >= Fraction(str(rows.argument)):
            return value
    return None


def _trend(rows: WindowRows) -> float | None:
    """The slope of the least-squares line, by the day of 86,400,000,000 microseconds."""
    apart = _from_the_mean([event.event_at for event in rows.matching])
    if not any(apart):
        return None
    if not all(math.isfinite(value) for value in rows.values):
        return math.nan
    values = [Fraction(value) for value in rows.values]
    rises = sum(time * value for time, value in zip(apart, values, strict=True))
    return float(rises / sum(time * time for time in apart) * 86_400_000_000)


def _steepest(rows: WindowRows) -> float:
    """What a trend is rounded among: as if nothing in it cancelled."""
    apart = _from_the_mean([event.event_at for event in rows.matching])
    if not any(apart) or not all(math.isfinite(value) for value in rows.values):
        return 0.0
    values = [abs(Fraction(value)) for value in rows.values]
    rises = sum(abs(time) * value for time, value in zip(apart, values, strict=True))
    return float(rises / sum(time * time for time in apart) * 86_400_000_000)


def _from_the_mean(times: Sequence[int]) -> list[Fraction]:
    """How far each of some times lies from the mean of all."""
    return [time - Fraction(sum(times), len(times)) for time in times]


def _absolute(rows: WindowRows) -> float:
    return float(exact_sum([abs(value) for value in rows.values]))


MEANINGS: dict[str, Callable[[WindowRows], Any]] = {
    "count": lambda rows: len(rows.matching),
    "sum": lambda rows: exact_sum(rows.values),
    "mean": _mean,
    "std": lambda rows: deviation(rows.values),
    "min": lambda rows: min(rows.values, key=_nan_last, default=None),
    "max": lambda rows: max(rows.values, key=_nan_last, default=None),
    "first": lambda rows: next(iter(rows.ordered), None),
    "last": lambda rows: next(reversed(rows.ordered), None),
    "last_k": lambda rows: rows.ordered[::-1][: rows.argument],
    "distinct": lambda rows: len(distinct_values(rows.values)),
    "share": lambda rows: len(rows.matching) / len(rows.there) if rows.there else None,
    "since": _since,
    "mode": _mode,
    "quantile": _quantile,
    "trend": _trend,
}
"""What a function gives of the rows of a window; None where that is null."""

MAGNITUDES: dict[str, Callable[[WindowRows], float]] = {
    "sum": _absolute,
    "mean": lambda rows: _absolute(rows) / max(len(rows.matching), 1),
    "std": _absolute,
    "trend": _steepest,
}
"""How large the numbers are that a float is rounded among, for functions that are made of sums."""
