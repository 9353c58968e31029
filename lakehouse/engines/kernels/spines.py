"""What is asked of a spine: which views share a table or an entity, and whether they fit it."""

from __future__ import annotations

from collections.abc import Sequence

from lakehouse.declare.features import StoredView
from lakehouse.engines.protocol import BoundView, Frame
from lakehouse.errors import LakehouseError, unknown


class SpineError(LakehouseError):
    """Features cannot be added to this spine."""


def check_spine(columns: Sequence[str], at: str, views: Sequence[StoredView]) -> None:
    """Raise SpineError for a column that is missing, or that a feature would stand beside."""
    for name in [at, *(key for view in views for key in view.by.keys)]:
        if name not in columns:
            raise SpineError(unknown("column", name, columns, "The spine"))
    added = [feature.full_name for view in views for feature in view.features]
    twice = sorted({name for name in added if name in columns or added.count(name) > 1})
    if twice:
        raise SpineError(
            f"{len(twice)} features would stand twice in the result: {', '.join(twice[:5])}; give "
            "each view once, and a spine without their columns."
        )


def check_moments(without: int, rows: int, at: str) -> None:
    """Raise SpineError if any of a spine's rows has no moment."""
    if without:
        raise SpineError(
            f"{without} of {rows} spine rows have no moment in '{at}': leave them out, or give "
            "each a time."
        )


def by_frame(views: Sequence[BoundView]) -> list[tuple[Frame, list[StoredView]]]:
    """Return the frames that views are bound to, each once, with its views."""
    groups: dict[int, tuple[Frame, list[StoredView]]] = {}
    for bound in views:
        groups.setdefault(id(bound.rows), (bound.rows, []))[1].append(bound.view)
    return list(groups.values())


def by_entity(views: Sequence[StoredView]) -> list[list[StoredView]]:
    """Return views in groups that have their entity's keys in common."""
    groups: dict[tuple[str, ...], list[StoredView]] = {}
    for view in views:
        groups.setdefault(view.by.keys, []).append(view)
    return list(groups.values())
