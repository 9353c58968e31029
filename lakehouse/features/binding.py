"""Which columns and rows of a table its stored views need, and the views bound to them."""

from __future__ import annotations

from collections.abc import Sequence

from lakehouse.context import Context
from lakehouse.declare.features import StoredView
from lakehouse.declare.windows import least
from lakehouse.engines.protocol import BoundView
from lakehouse.features.spine_entities import SpineKeys, entities_needed
from lakehouse.language.sql import literals
from lakehouse.records.store import Run


def bind(
    ctx: Context,
    views: Sequence[StoredView],
    first_us: int,
    last_us: int,
    run: Run | None = None,
    keys: SpineKeys | None = None,
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
            columns=list(dict.fromkeys(c for view in sharing for c in view.source_columns)),
            where=_rows_needed(sharing, first_us, last_us, keys or {}),
        )
        bound |= {view.name: BoundView(view, frame) for view in sharing}
    return [bound[view.name] for view in views]


def _rows_needed(
    views: Sequence[StoredView], first_us: int, last_us: int, keys: SpineKeys
) -> str | None:
    times, entities = event_times_needed(views, first_us, last_us), entities_needed(views, keys)
    needed = [f"({condition})" for condition in (times, entities) if condition is not None]
    return " AND ".join(needed) or None


def event_times_needed(views: Sequence[StoredView], first_us: int, last_us: int) -> str | None:
    """Return the condition on one table's event time that views at these moments need.

    From the earliest beginning of a window at the first moment up to, without, the last moment;
    None where every row may be needed. Known time plays no part: a row of the window that became
    known late is among these rows all the same.
    """
    column = views[0].of.event_time
    if column is None:
        return None
    begin = least(view.begin_us(first_us) for view in views)
    least_delay = min(view.delay_us for view in views)
    conditions = [f"`{column}` < {literals.timestamp(last_us - least_delay)}"]
    if begin is not None:
        conditions.insert(0, f"`{column}` >= {literals.timestamp(begin)}")
    return " AND ".join(conditions)
