"""A LatestView's features at a moment, from the rows that the online store keeps."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from lakehouse.declare.features import LatestView
from lakehouse.features.online.layout.kinds import StoredDifferently
from lakehouse.features.online.layout.latest_rows import RowFormat, StoredRow
from lakehouse.features.online.layout.slots import BEGINNING, LatestLayout
from lakehouse.features.online.read.windows import Values, defaults_of


class LatestAnswers:
    """One view's features, from stored rows of this layout.

    What has no event time happens one microsecond before it is known: it counts from then on.
    """

    def __init__(self, view: LatestView, layout: LatestLayout) -> None:
        self._format = RowFormat(layout)
        self._ttl_us = None
        if view.ttl is not None:
            self._ttl_us = view.ttl.us + (view.of.event_time is None)
        self._defaults = defaults_of(view)
        self._empty: Values = dict.fromkeys(f.full_name for f in view.features) | self._defaults
        places = {(c.name, c.kind, c.scale): n for n, c in enumerate(layout.columns)}
        self._features: list[tuple[str, int]] = []
        for feature in view.features:
            number = places.get((feature.column, feature.kind, feature.scale or 0))
            if number is None:
                raise StoredDifferently(
                    f"View '{view.name}': the online store was filled for another declaration of "
                    f"it and has no '{feature.column}' as {feature.kind}; materialise the view "
                    "as it is declared here, or serve a model of the declaration that was."
                )
            self._features.append((feature.full_name, number))

    def empty(self) -> Values:
        """The features of an entity without rows."""
        return self._empty.copy()

    def begins(self, at_us: int) -> int:
        """The event times from which a row counts: what is older than the ttl counts as none."""
        return BEGINNING if self._ttl_us is None else at_us - self._ttl_us

    def values(self, at_us: int, newest_first: Iterable[bytes]) -> Values:
        """The features at a moment, from chunks that are read until the row is found."""
        for chunk in newest_first:
            row = self._format.last_visible(chunk, at_us)
            if row is None:
                continue
            if row.event_us < self.begins(at_us):
                break
            return self._values(row)
        return self.empty()

    def _values(self, row: StoredRow) -> Values:
        found: Values = {}
        for name, number in self._features:
            value: Any = self._format.value(row, number)
            found[name] = self._defaults.get(name) if value is None else value
        return found
