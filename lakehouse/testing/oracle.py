"""What point-in-time values mean, stated as plain loops that every engine must equal.

Times are UTC microseconds since 1970 (`int`). Nothing here is fast; everything is meant to be
read. A row counts at the moment `at` when three things hold:

- its *event time* lies in the window, whose end is open: an event exactly at the end is outside;
- its *known time* is at most `at`;
- the feature's `where` criterion is True for it (not False, and not SQL's unknown, `None`).
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Sequence
from decimal import Context, Decimal, Inexact, localcontext
from fractions import Fraction
from typing import Any, Literal, NamedTuple

Aggregate = Literal[
    "count",
    "sum",
    "mean",
    "std",
    "min",
    "max",
    "first",
    "last",
    "distinct",
    "share",
    "last_k",
]
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


class Row(NamedTuple):
    """One row as a latest-value view sees it: `tie` orders rows of equal times, as the key does."""

    entity: Hashable
    event_at: int
    known_at: int
    tie: Any
    values: Any


def window_bounds(at: int, *, over: int, delay: int = 0, edge: int | None = None) -> range:
    """Return the event times, as a half-open range, of the window asked for at the moment `at`.

    The window ends `delay` before `at` and is `over` long. With an `edge` it begins earlier:
    with the tile, counted from 1970, that holds the plain beginning.

    >>> window_bounds(100, over=30)
    range(70, 100)
    >>> window_bounds(100, over=30, delay=5, edge=20)
    range(60, 95)
    """
    end = at - delay
    begin = end - over
    if edge is not None:
        begin = begin // edge * edge  # // rounds down, also before 1970
    return range(begin, end)


def window_value(
    events: Iterable[Sequence[Any]],
    entity: Hashable,
    at: int,
    *,
    aggregate: Aggregate,
    over: int,
    delay: int = 0,
    edge: int | None = None,
    k: int | None = None,
) -> Any:
    """Return the aggregate of one entity's events over the window at the moment `at`.

    Events are `Event`s or sequences of the same fields, `tie` may be left out. Null values are
    skipped. Over no values a count, a sum and a number of distinct values are 0, the last `k`
    values are an empty list, and everything else is None; so is the deviation of one value.

    >>> events = [Event("a", 10, 10, 5), Event("a", 20, 20, 7), Event("a", 15, 90, 100)]
    >>> window_value(events, "a", 20, aggregate="sum", over=10)
    5
    >>> window_value(events, "a", 21, aggregate="mean", over=20)
    6.0
    >>> window_value(events, "b", 21, aggregate="max", over=20) is None
    True
    >>> window_value(events, "a", 90, aggregate="last_k", over=80, k=2)
    [7, 100]
    """
    window = window_bounds(at, over=over, delay=delay, edge=edge)
    there: list[Event] = []
    for event in (Event(*fields) for fields in events):
        in_window = window.start <= event.event_at < window.stop
        known = event.known_at <= at
        if event.entity == entity and in_window and known and event.value is not None:
            there.append(event)
    matching = [event for event in there if event.matches is True]
    values = [event.value for event in matching]

    if aggregate == "count":
        return len(values)
    if aggregate == "sum":
        return exact_sum(values)
    if aggregate == "distinct":
        return len(distinct_values(values))
    if aggregate == "share":
        return len(matching) / len(there) if there else None
    if aggregate == "last_k":
        return [event.value for event in in_order(matching)][::-1][:k]
    if not values:
        return None
    if aggregate == "first":
        return in_order(matching)[0].value
    if aggregate == "last":
        return in_order(matching)[-1].value
    if aggregate == "std":
        return deviation(values)
    if aggregate == "mean":
        return float(exact_sum(values)) / len(values)
    if aggregate == "min":
        return min(values, key=_nan_last)
    if aggregate == "max":
        return max(values, key=_nan_last)
    raise ValueError(f"Aggregate '{aggregate}' is none that a window knows.")


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


def latest_value(
    rows: Iterable[Sequence[Any]], entity: Hashable, at: int, *, ttl: int | None = None
) -> Any | None:
    """Return the values of an entity's latest row that had happened and was known at `at`.

    As in windows, a row whose event time is exactly `at` has not happened yet (design, law 2).
    The latest row has the greatest event time, then known time, then tie; of rows equal in all
    three the one given last. With a `ttl`, a latest row older than that gives None, and an older
    one does not take its place.

    >>> rows = [Row("a", 10, 10, 0, "first"), Row("a", 10, 30, 0, "corrected")]
    >>> [latest_value(rows, "a", at) for at in (10, 11, 30)]
    [None, 'first', 'corrected']
    >>> latest_value(rows, "a", 61, ttl=50) is None
    True
    """
    latest: Row | None = None
    for row in map(Row._make, rows):
        happened = row.event_at < at
        known = row.known_at <= at
        later = latest is None or row[1:4] >= latest[1:4]  # event time, known time, tie
        if row.entity == entity and happened and known and later:
            latest = row
    if latest is None or (ttl is not None and at - ttl > latest.event_at):
        return None
    return latest.values


def _both_nan(one: Any, other: Any) -> bool:
    return bool(one != one and other != other)


def _nan_last(value: Any) -> tuple[bool, Any]:
    """Order values with NaN greater than all others, as DuckDB and Spark do."""
    return (value != value, value)
