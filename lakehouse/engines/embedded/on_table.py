"""The views on one table, with the rows that they are computed from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lakehouse.declare.features import StoredView
from lakehouse.engines.embedded.frames import DuckFrame
from lakehouse.engines.embedded.parts.buckets import Keys
from lakehouse.engines.kernels.entity_codes import check_kinds
from lakehouse.engines.kernels.spines import by_entity
from lakehouse.engines.kernels.view_rows import Selection

Types = Mapping[str, Any]
"""Arrow types by column, of those columns that hold anything but nulls."""


@dataclass(frozen=True)
class OnTable:
    """The views on one table, and the rows that they are computed from."""

    views: Sequence[StoredView]
    selected: Selection
    rows: DuckFrame

    def needed(self) -> dict[Keys, list[str]]:
        """Return the columns that the views of each entity need, by its keys."""
        computed = self.selected.computed.names.values()
        return {
            views[0].by.keys: list(
                dict.fromkeys(
                    [*(name for view in views for name in view.source_columns), *computed]
                )
            )
            for views in by_entity(self.views)
        }


def check_keys(views: Sequence[StoredView], events: Types, moments: Types) -> None:
    """Raise EntityKeyError for keys of two kinds; a column without a value is of any kind.

    A kernel sees to it for the rows that it is given, of which either side may have none.
    """
    for key in views[0].by.keys:
        if key in events and key in moments:
            check_kinds([events[key]], [moments[key]], [key], f"View '{views[0].name}'")
