"""The first and the last rows of a window, by event time, known time and a tie.

Of sorted events a position says all: the last row of a window is the greatest position among the
events that are visible, and it lies in the window unless the window begins after it. Events in
the order in which they become visible, each with the greatest position so far, answer that by one
search, however late events come: an entity's positions are greater than those of the entities
before it, so the running maximum needs no restart. What the maximum pushes out is a running
sequence of its own, whose maximum is the last row but one, and so on.

>>> from lakehouse.engines.kernels.index import Moments
>>> from lakehouse.engines.kernels.spans import TimeWindow
>>> index = EventIndex(np.array([0, 0, 0]), np.array([10, 20, 30]), np.array([10, 50, 30]))
>>> spans = Spans(index, Moments(np.array([0, 0, 0]), np.array([40, 51, 60])))
>>> rows = Sequence(index)
>>> last_rows(rows, spans, TimeWindow(over=35), 2)
Listed(offsets=array([0, 2, 4, 5]), rows=array([2, 0, 2, 1, 2]))
>>> first_row(rows, spans, TimeWindow(over=35)).tolist()
[0, 1, 2]
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import NamedTuple

import numpy as np

from lakehouse.engines.kernels.index import EventIndex
from lakehouse.engines.kernels.measures import Weights
from lakehouse.engines.kernels.ordering import Bool, Int64, KernelInputError, prefix_sum
from lakehouse.engines.kernels.reductions import LEAST, spread_ranges
from lakehouse.engines.kernels.spans import AnyWindow, Spans

_NONE = -1


class Listed(NamedTuple):
    """The caller's rows for each moment, one list after the other: `rows[offsets[n] : …]`."""

    offsets: Int64
    rows: Int64


class Sequence:
    """The rows of an index that count, in the order that first and last go by.

    `where` is False for a row that does not count, None counts all. `tie` is any int64 that orders
    rows of equal times. Both are in the caller's order of rows.
    """

    def __init__(
        self, index: EventIndex, where: Bool | None = None, tie: Int64 | None = None
    ) -> None:
        for name, column in (("where", where), ("tie", tie)):
            if column is not None and column.shape != (index.size,):
                raise KernelInputError(
                    f"{name} has the shape {column.shape} where the index was built from "
                    f"{index.size} events: give one value for each event."
                )
        self.index = index
        self.rows = index.rows if tie is None else index.retied(tie)
        self.counted: Bool | None = None
        if where is not None and not where.all():
            self.counted = where[self.rows]
        self._seen: dict[int, tuple[Int64, Int64 | None]] = {}

    @cached_property
    def ones(self) -> Weights:
        """One for each row that counts, in the order of the sequence."""
        if self.counted is None:
            return Weights(np.ones(len(self.rows), dtype=np.int64))
        return Weights(self.counted.astype(np.int64))

    @cached_property
    def kept(self) -> tuple[Int64, Int64 | None]:
        """The positions that count, and how many of them the first n events hold (None: n)."""
        if self.counted is None:
            return np.arange(len(self.rows)), None
        return np.flatnonzero(self.counted), prefix_sum(self.counted.astype(np.int64))

    def seen(self, delay: int) -> tuple[Int64, Int64 | None]:
        """The same of the events in the order in which they become visible."""
        if delay not in self._seen:
            order, _ = self.index.by_visibility(delay)
            counts: Int64 | None = None
            if self.counted is not None:
                counted = self.counted[order]
                order, counts = order[counted], prefix_sum(counted.astype(np.int64))
            self._seen[delay] = order, counts
        return self._seen[delay]


def first_row(sequence: Sequence, spans: Spans, window: AnyWindow) -> Int64:
    """Return the caller's row that is first in the window at each moment, -1 if there is none."""
    _check(sequence, spans)
    begin = spans.begins(window)
    if spans.index.on_time(window.delay):
        kept, counts = sequence.kept
        place, end = counted_before(counts, begin), counted_before(counts, spans.ends(window.delay))
        found = np.append(kept, _NONE)[place]
        return _rows(sequence, spans, np.where(place < end, found, _NONE))
    steady = spans.index.steady(window.delay)
    counts_here = steady.flags if sequence.counted is None else steady.flags & sequence.counted
    kept = np.append(np.flatnonzero(counts_here), _NONE)
    place = prefix_sum(counts_here.astype(np.int64))[begin]
    of_steady = prefix_sum(counts_here[steady.flags].astype(np.int64))
    beyond = len(sequence.rows)  # a position after all others, which every one comes before
    found = np.where(place < of_steady[spans.steady_ends(window.delay)], kept[place], beyond)
    late = steady.stragglers
    first, last = spans.covered_by_stragglers(window)
    if sequence.counted is not None:
        counted = sequence.counted[late]
        late, first, last = late[counted], first[counted], last[counted]
    found = np.minimum(found, spread_ranges(late, first, last, len(spans.moments), LEAST))
    return _rows(sequence, spans, np.where(found < beyond, found, _NONE))


def last_row(sequence: Sequence, spans: Spans, window: AnyWindow) -> Int64:
    """Return the caller's row that is last in the window at each moment, -1 if there is none."""
    _check(sequence, spans)
    positions, seen = next(_last_seen(sequence, spans, window.delay))
    found = positions[seen]
    return _rows(sequence, spans, np.where(found >= spans.begins(window), found, _NONE))


def last_rows(sequence: Sequence, spans: Spans, window: AnyWindow, k: int) -> Listed:
    """Return up to k of the caller's rows that are last in the window, the last one first."""
    _check(sequence, spans)
    length = np.minimum(spans.total(sequence.ones, window), k)
    offsets = prefix_sum(length)
    rows = np.empty(int(offsets[-1]), dtype=np.int64)
    last_seen = _last_seen(sequence, spans, window.delay)
    for number in range(int(length.max(initial=0))):
        positions, seen = next(last_seen)
        there = np.flatnonzero(length > number)
        rows[offsets[there] + number] = sequence.rows[positions[seen[there]]]
    # Lists lie in the order of the sorted moments, and are moved whole into the caller's.
    begin, length = spans.moments.restore(offsets[:-1]), spans.moments.restore(length)
    offsets = prefix_sum(length)
    moved = np.repeat(begin - offsets[:-1], length)
    moved += np.arange(len(rows))
    return Listed(offsets, rows[moved])


def _last_seen(sequence: Sequence, spans: Spans, delay: int) -> Iterator[tuple[Int64, Int64]]:
    """Yield positions by a number, and for each sorted moment that number.

    First for the last row that is seen at the moment, then for the last but one, and so on. The
    position may lie before the window; it is -1 where nothing is seen, and the number is negative
    where even less is.
    """
    if spans.index.on_time(delay):
        kept, counts = sequence.kept
        positions, seen = np.append(_NONE, kept), counted_before(counts, spans.ends(delay))
        while True:
            yield positions, seen
            seen = seen - 1
    kept, counts = sequence.seen(delay)
    seen = counted_before(counts, spans.ends(delay))
    rest = np.append(_NONE, kept)
    while True:
        greatest = np.maximum.accumulate(rest)
        yield greatest, seen
        # What the maximum pushes out, or keeps out, is what the next one is of.
        rest = np.append(_NONE, np.minimum(greatest[:-1], rest[1:]))


def _rows(sequence: Sequence, spans: Spans, positions: Int64) -> Int64:
    rows = np.append(sequence.rows, _NONE)[positions]
    return spans.moments.restore(rows)


def counted_before(counts: Int64 | None, positions: Int64) -> Int64:
    """Return how many of the first events count; `counts` None counts them all."""
    return positions if counts is None else counts[positions]


def _check(sequence: Sequence, spans: Spans) -> None:
    if sequence.index is not spans.index:
        raise KernelInputError("This sequence belongs to another index: make one for this.")
