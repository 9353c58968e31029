"""What point-in-time values mean, stated as plain loops that every engine must equal.

Times are UTC microseconds since 1970 (`int`). Nothing here is fast; everything is meant to be
read. A row counts at the moment `at` when three things hold:

- its *event time* lies in the window, whose end is open: an event exactly at the end is outside;
- its *known time* is at most `at`;
- the feature's `where` criterion is True for it (not False, and not SQL's unknown, `None`).
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import Any, NamedTuple

from lakehouse.testing.meanings import MEANINGS, Event, WindowRows

BEFORE_ALL = -(10**30)
"""Earlier than every time."""


class Row(NamedTuple):
    """One row as a latest-value view sees it: `tie` orders rows of equal times, as the key does."""

    entity: Hashable
    event_at: int
    known_at: int
    tie: Any
    values: Any


def window_bounds(at: int, *, over: int | None, delay: int = 0, edge: int | None = None) -> range:
    """Return the event times, as a half-open range, of the window asked for at the moment `at`.

    The window ends `delay` before `at` and is `over` long; with None it holds all that was. With
    an `edge` it begins earlier: with the tile, counted from 1970, that holds the plain beginning.

    >>> window_bounds(100, over=30)
    range(70, 100)
    >>> window_bounds(100, over=30, delay=5, edge=20)
    range(60, 95)
    """
    end = at - delay
    if over is None:
        return range(BEFORE_ALL, end)
    begin = end - over
    if edge is not None:
        begin = begin // edge * edge  # // rounds down, also before 1970
    return range(begin, end)


def window_rows(
    events: Iterable[Sequence[Any]],
    entity: Hashable,
    at: int,
    *,
    over: int | None,
    delay: int = 0,
    edge: int | None = None,
    rows: int | None = None,
    of_all: bool = False,
    argument: Any = None,
) -> WindowRows:
    """Return one entity's events that lie in the window at the moment `at`, and are known then.

    Events are `Event`s or sequences of the same fields, `tie` may be left out. With `rows` only
    so many of the window's events take part: the last of those that match, or `of_all`. Null
    values are skipped, and counted among these.
    """
    window = window_bounds(at, over=over, delay=delay, edge=edge)
    there: list[Event] = []
    for event in (Event(*fields) for fields in events):
        in_window = window.start <= event.event_at < window.stop
        known = event.known_at <= at
        if event.entity == entity and in_window and known:
            there.append(event)
    if rows is not None:
        counted = [event for event in there if of_all or event.matches is True]
        there = sorted(counted, key=lambda e: (e.event_at, e.known_at, e.tie))[-rows:]
    there = [event for event in there if event.value is not None]
    return WindowRows(there, [event for event in there if event.matches is True], at, argument)


def window_value(
    events: Iterable[Sequence[Any]], entity: Hashable, at: int, *, aggregate: str, **window: Any
) -> Any:
    """Return the aggregate of one entity's events over the window at the moment `at`.

    `window` is as for `window_rows`. Each function's meaning stands in `MEANINGS`.

    >>> events = [Event("a", 10, 10, 5), Event("a", 20, 20, 7), Event("a", 15, 90, 100)]
    >>> window_value(events, "a", 20, aggregate="sum", over=10)
    5
    >>> window_value(events, "a", 21, aggregate="mean", over=20)
    6.0
    >>> window_value(events, "b", 21, aggregate="max", over=20) is None
    True
    >>> window_value(events, "a", 90, aggregate="last_k", over=80, argument=2)
    [7, 100]
    >>> window_value(events, "a", 90, aggregate="sum", over=None, rows=2)
    107
    """
    return MEANINGS[aggregate](window_rows(events, entity, at, **window))


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
