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
from typing import Any, Literal, NamedTuple

Aggregate = Literal["count", "sum", "mean", "min", "max"]
Value = bool | int | Decimal | float


class Event(NamedTuple):
    """One row as a window sees it: `value` is the aggregated input, None where it is null.

    A count of rows has no input: give each row a value that is not null, such as `True`.
    """

    entity: Hashable
    event_at: int
    known_at: int
    value: Value | None = True
    matches: bool | None = True


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
) -> Value | None:
    """Return the aggregate of one entity's events over the window at the moment `at`.

    Events are `Event`s or sequences of the same five fields. Null values are skipped. Over no
    values a count and a sum are 0, and a mean, a minimum and a maximum are None.

    >>> events = [Event("a", 10, 10, 5), Event("a", 20, 20, 7), Event("a", 15, 90, 100)]
    >>> window_value(events, "a", 20, aggregate="sum", over=10)
    5
    >>> window_value(events, "a", 21, aggregate="mean", over=20)
    6.0
    >>> window_value(events, "b", 21, aggregate="max", over=20) is None
    True
    """
    window = window_bounds(at, over=over, delay=delay, edge=edge)
    values: list[Value] = []
    for event in map(Event._make, events):
        if event.value is None or event.matches is not True:
            continue
        in_window = window.start <= event.event_at < window.stop
        known = event.known_at <= at
        if event.entity == entity and in_window and known:
            values.append(event.value)

    if aggregate == "count":
        return len(values)
    if aggregate == "sum":
        return exact_sum(values)
    if not values:
        return None
    if aggregate == "mean":
        return float(exact_sum(values)) / len(values)
    if aggregate == "min":
        return min(values, key=_nan_last)
    if aggregate == "max":
        return max(values, key=_nan_last)
    raise ValueError(f"Aggregate '{aggregate}' is not one of count, sum, mean, min, max.")


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


def _nan_last(value: Value) -> tuple[bool, Value]:
    """Order values with NaN greater than all others, as DuckDB and Spark do."""
    return (value != value, value)
