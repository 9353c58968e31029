"""The latest row of each entity that had happened and was known at a moment (as-of join)."""

from __future__ import annotations

import numpy as np

from lakehouse.engines.kernels.index import EventIndex, Moments
from lakehouse.engines.kernels.ordering import Int64


def last_index(
    index: EventIndex, moments: Moments, *, ttl: int | None = None, rows: Int64 | None = None
) -> Int64:
    """Return for each moment the caller's row of the latest event, -1 where there is none.

    `rows` are the rows of the sorted events, where not `index.rows`: in another order of ties.

    The latest event has the greatest (event time, known time, tie) among those of the entity
    with event time < at and known time <= at. With a `ttl` in microseconds it is none if it lies
    more than that before the moment. Both in the order of the caller.

    Events in the order they become visible, each with the greatest position among the sorted
    events so far, answer every moment by one search, however late events come: an entity's
    positions are greater than those of the entities before it, so the running maximum needs no
    restart.

    >>> prices = EventIndex(np.array([0, 0, 0]), np.array([10, 20, 20]), np.array([10, 20, 60]))
    >>> at = np.array([10, 15, 30, 60, 99])
    >>> last_index(prices, Moments(np.zeros(5, dtype=np.int64), at)).tolist()
    [-1, 0, 1, 2, 2]
    >>> last_index(prices, Moments(np.array([0, 0, -1]), at[2:]), ttl=39).tolist()
    [1, -1, -1]
    """
    if not len(index.rows):
        return np.full(len(moments), -1, dtype=np.int64)
    if index.on_time(delay=0):
        latest = index.happened.before(moments.entity, moments.at) - 1
    else:
        order, visible = index.by_visibility(0)
        seen = visible.before(moments.entity, moments.at + 1) - 1
        latest = np.where(seen < 0, -1, np.maximum.accumulate(order)[seen])
    found = (latest >= 0) & (index.entity[latest] == moments.entity)
    if ttl is not None:
        found &= index.event_at[latest] >= moments.at - ttl
    in_order = index.rows if rows is None else rows
    return moments.restore(np.where(found, in_order[latest], -1))
