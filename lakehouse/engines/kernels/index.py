"""Events and moments, each sorted once by entity and time for every window asked of them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lakehouse.engines.kernels.ordering import (
    Axis,
    Bool,
    Int64,
    KernelInputError,
    SortedPairs,
    as_codes,
    as_times,
    prefix_sum,
    sort_pairs,
)


@dataclass(frozen=True)
class SteadyRows:
    """The events of an index that become visible in the order in which they happened.

    `flags` marks them among the sorted events, `visible` searches the moments at which they
    become visible, and `count[n]` says how many of the first n sorted events they are.
    `stragglers` are the positions of the other events.
    """

    flags: Bool
    visible: SortedPairs
    count: Int64
    stragglers: Int64


class EventIndex:
    """Events sorted by (entity, event time, known time, tie).

    `entity` holds codes 0, 1, 2, …; events with the code -1 are left out. Times are int64 UTC
    microseconds. Without `known_at` each event is known when it happens. `tie` is any int64
    that orders events of equal times; what is still equal keeps the caller's order.

    `rows` gives the caller's row of each sorted event.
    """

    def __init__(
        self,
        entity: NDArray[np.generic],
        event_at: NDArray[np.generic],
        known_at: NDArray[np.generic] | None = None,
        *,
        tie: Int64 | None = None,
    ) -> None:
        codes = as_codes("entity", entity)
        self.size = len(codes)
        event_times = as_times("event_at", event_at, self.size)
        known = None if known_at is None else as_times("known_at", known_at, self.size)
        if tie is not None and tie.shape != (self.size,):
            raise KernelInputError(f"tie has the shape {tie.shape} for {self.size} events.")
        ties = [column for column in (known, tie) if column is not None]
        if (codes < 0).any():
            kept = np.flatnonzero(codes >= 0)
            ties = [column[kept] for column in ties]
            order, self.happened = sort_pairs(codes[kept], event_times[kept], *ties)
            order = kept[order]
        else:
            order, self.happened = sort_pairs(codes, event_times, *ties)
        self.rows: Int64 = order
        self.entity: Int64 = codes[self.rows]
        self.event_at: Int64 = event_times[self.rows]
        self.known_at: Int64 = self.event_at if known is None else known[self.rows]
        self._lag = int((self.known_at - self.event_at).max(initial=0))
        self._visible: dict[int, tuple[Int64, SortedPairs]] = {}
        self._steady: dict[int, SteadyRows] = {}

    @cached_property
    def like_the_one_before(self) -> Bool:
        """Mark sorted events whose entity and times are those of the event before them."""
        alike: Bool = np.ones(len(self.rows), dtype=np.bool_)
        alike[:1] = False
        for column in (self.entity, self.event_at, self.known_at):
            alike[1:] &= column[1:] == column[:-1]
        return alike

    @cached_property
    def tied(self) -> Int64:
        """The positions of sorted events that no time tells apart from another of their entity."""
        alike = self.like_the_one_before
        return np.flatnonzero(alike | np.append(alike[1:], False)[: len(alike)])

    def retie(self, tie: Int64) -> None:
        """Put events of equal entity and times in the order of a tie, before any is looked at.

        `tie` is in the caller's order of rows.
        """
        self.rows = self.retied(tie)

    def retied(self, tie: Int64) -> Int64:
        """Return the rows of the sorted events, those of equal times in the order of the tie."""
        tied = self.tied
        rows = self.rows.copy()
        groups = np.cumsum(~self.like_the_one_before[tied])
        among = rows[tied]
        rows[tied] = among[np.lexsort((tie[among], groups))]
        return rows

    def on_time(self, delay: int) -> bool:
        """Return whether each event is known by the first moment whose window can hold it."""
        return self._lag <= delay + 1

    def visible_at(self, delay: int) -> Int64:
        """Return the first moment at which each sorted event can count."""
        return np.maximum(self.event_at + (delay + 1), self.known_at)

    def by_visibility(self, delay: int) -> tuple[Int64, SortedPairs]:
        """Return the order of the sorted events by when they can count, and a search over it."""
        if delay not in self._visible:
            self._visible[delay] = sort_pairs(self.entity, self.visible_at(delay))
        return self._visible[delay]

    def steady(self, delay: int) -> SteadyRows:
        """Return the events that no later event of their entity overtakes in becoming known.

        On-time events are steady, and so are all where lateness is constant. For steady events
        what is visible in a window is one range of them. The others are stragglers.
        """
        if delay not in self._steady:
            visible_at = self.visible_at(delay)
            axis = Axis(self.entity, visible_at)
            keys = axis.keys(self.entity, visible_at)
            # An earlier entity's keys are all smaller, so one pass from the end serves them all.
            flags: Bool = keys == np.minimum.accumulate(keys[::-1])[::-1]
            self._steady[delay] = SteadyRows(
                flags,
                SortedPairs(axis, keys[flags]),
                prefix_sum(flags.astype(np.int64)),
                np.flatnonzero(~flags),
            )
        return self._steady[delay]


class Moments:
    """The spine: the moments at which values are asked for, sorted by (entity, time).

    An entity that the events do not know has the code -1, or any that no event has. `pairs`
    searches them, and `restore`
    brings results back into the caller's order.

    >>> moments = Moments(np.array([1, 0]), np.array([5, 9]))
    >>> moments.at.tolist(), moments.restore(moments.at).tolist()
    ([9, 5], [5, 9])
    """

    def __init__(self, entity: NDArray[np.generic], at: NDArray[np.generic]) -> None:
        codes = as_codes("entity", entity)
        times = as_times("at", at, len(codes))
        self._order, self.pairs = sort_pairs(codes, times)
        self.entity: Int64 = codes[self._order]
        self.at: Int64 = times[self._order]

    def __len__(self) -> int:
        return len(self.at)

    def restore(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return values of the sorted moments in the caller's order."""
        restored = np.empty_like(values)
        restored[self._order] = values
        return restored
