"""Which columns and rows of a table its stored views need, and the views bound to them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from lakehouse.declare import expressions
from lakehouse.declare.aggregates import ORDERED
from lakehouse.declare.features import FeatureView, LatestView, StoredView
from lakehouse.engines.context import Context, microseconds, moment
from lakehouse.engines.protocol import KNOWN_AT, BoundView
from lakehouse.features.entities_asked import Asked, entities_needed
from lakehouse.records.store import Run

_FIRST_US = microseconds(datetime.min.replace(tzinfo=UTC))
_LAST_US = microseconds(datetime.max.replace(tzinfo=UTC))


def bind(
    ctx: Context,
    views: Sequence[StoredView],
    first_us: int,
    last_us: int,
    run: Run | None = None,
    keys: Asked | None = None,
) -> list[BoundView]:
    """Bind views to what moments from `first_us` to `last_us` need of their tables.

    Views of one table share one frame, of the columns and event times that any of them needs,
    and of the entities in `keys`, if given.
    """
    by_table: dict[str, list[StoredView]] = {}
    for view in views:
        by_table.setdefault(f"{view.of.zone}/{view.of.name}", []).append(view)
    bound: dict[str, BoundView] = {}
    for sharing in by_table.values():
        frame = ctx.read(
            sharing[0].of,
            run,
            columns=list(dict.fromkeys(c for view in sharing for c in columns_of(view))),
            where=_rows_needed(sharing, first_us, last_us, keys or {}),
        )
        bound |= {view.name: BoundView(view, frame) for view in sharing}
    return [bound[view.name] for view in views]


def _rows_needed(
    views: Sequence[StoredView], first_us: int, last_us: int, keys: Asked
) -> str | None:
    times, entities = event_times_needed(views, first_us, last_us), entities_needed(views, keys)
    needed = [f"({condition})" for condition in (times, entities) if condition is not None]
    return " AND ".join(needed) or None


def columns_of(view: StoredView) -> list[str]:
    """Return the columns of its table that a view is computed from, each once.

    The entity's keys, `_known_at`, the event time, the columns and criteria of aggregates; where
    the order of rows counts (a LatestView, First, Last, LastK) the table's key too, which orders
    rows of equal times.
    """
    names = [*view.by.keys, KNOWN_AT]
    if view.of.event_time is not None:
        names.append(view.of.event_time)
    if isinstance(view, LatestView):
        names += [*view.of.keys, *view.columns]
    else:
        for _, aggregate in view.aggregates:
            if aggregate.function in ORDERED:
                names += view.of.keys
            if aggregate.column is not None:
                names.append(aggregate.column)
            if aggregate.where is not None:
                names += expressions.names(expressions.parse(aggregate.where))
    return list(dict.fromkeys(names))


def event_times_needed(views: Sequence[StoredView], first_us: int, last_us: int) -> str | None:
    """Return the condition on one table's event time that views at these moments need.

    From the earliest beginning of a window at the first moment up to, without, the last moment;
    None where every row may be needed. Known time plays no part: a row of the window that became
    known late is among these rows all the same.
    """
    column = views[0].of.event_time
    if column is None:
        return None
    begins = [begin_us(view, first_us) for view in views]
    delays = [view.delay for view in views if isinstance(view, FeatureView)]
    least_delay = min((0 if d is None else d.us for d in delays), default=0)
    if len(delays) < len(views):
        least_delay = 0  # a LatestView sees rows up to the moment itself
    conditions = [f"`{column}` < {timestamp_sql(last_us - least_delay)}"]
    known = [begin for begin in begins if begin is not None]
    if len(known) == len(begins):
        conditions.insert(0, f"`{column}` >= {timestamp_sql(min(known))}")
    return " AND ".join(conditions)


def begin_us(view: StoredView, at_us: int) -> int | None:
    """Return the earliest event time that a view can use at a moment, None if there is none."""
    if isinstance(view, LatestView):
        return None if view.ttl is None else at_us - view.ttl.us
    delay = 0 if view.delay is None else view.delay.us
    begins = []
    for _, aggregate in view.aggregates:
        for window in aggregate.over.windows:
            begin = at_us - delay - window.length.us
            edge = 1 if window.edge is None else window.edge.us
            begins.append(begin // edge * edge)
    return min(begins)


def timestamp_sql(us: int) -> str:
    """Return a time as a literal of portable SQL, the nearest one of the years 1 to 9999."""
    held = min(max(us, _FIRST_US), _LAST_US)
    return f"TIMESTAMP '{moment(held).isoformat(sep=' ', timespec='microseconds')}'"
