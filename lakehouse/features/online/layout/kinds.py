"""Whether the store holds under a view's name what a view of its kind needs."""

from __future__ import annotations

from typing import TypeVar

from lakehouse.declare.features import StoredView
from lakehouse.errors import LakehouseError
from lakehouse.features.online.layout.slots import Layout

L = TypeVar("L", bound=Layout)


class StoredDifferently(LakehouseError):
    """The rows in the online store do not hold what a view needs."""


def of_kind(kind: type[L], view: StoredView, layout: Layout) -> L:
    """Return a view's layout, which has to be of this kind; raises StoredDifferently."""
    if not isinstance(layout, kind):
        raise StoredDifferently(
            f"View '{view.name}': the online store holds another kind of view by this name; "
            "materialise the view as it is declared here."
        )
    return layout
