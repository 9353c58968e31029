"""A LatestView's features at a moment, from the rows that the online store keeps."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from lakehouse.declare.features import LatestView
from lakehouse.features.latest_rows import RowFormat, StoredRow
from lakehouse.features.online_layout import LatestLayout
from lakehouse.features.online_windows import Span, StoredDifferently, Values

BEGINNING = -(2**62)
"""Earlier than every time."""


class LatestAnswers:
    """One view's features, from stored rows of this layout.

    What has no event time happens one microsecond before it is known: it counts from then on.
    """

    def __init__(self, view: LatestView, layout: LatestLayout) -> None:
        self._format = RowFormat(layout)
        self._ttl_us = None
        if view.ttl is not None:
            self._ttl_us = view.ttl.us + (view.of.event_time is None)
        self.empty: Values = dict.fromkeys(f.full_name for f in view.features)
        places = {(c.name, c.kind, c.scale): n for n, c in enumerate(layout.columns)}
        self._features: list[tuple[str, int]] = []
        for feature in view.features:
            number = places.get((str(feature.column), feature.kind, feature.scale or 0))
            if number is None:
                raise StoredDifferently(
                    f"View '{view.name}': the online store was filled for another declaration of "
                    f"it and has no '{feature.column}' as {feature.kind}; materialise the view "
                    "as it is declared here, or serve a model of the declaration that was."
                )
            self._features.append((feature.full_name, number))

    def needed(self, at_us: int) -> Span:
        """The event times that may hold the row; what is older than the ttl counts as none."""
        return Span(BEGINNING if self._ttl_us is None else at_us - self._ttl_us, at_us)

    def values(self, at_us: int, newest_first: Iterable[tuple[int, bytes]]) -> Values:
        """The features at a moment, from (bucket, chunk) pairs read until the row is found."""
        found: StoredRow | None = None
        found_in = 0
        for bucket, chunk in newest_first:
            if found is not None and bucket != found_in:
                break
            row = self._format.last_visible(chunk, at_us)
            if row is not None and (found is None or self._after(row, found)):
                found, found_in = row, bucket
        if found is None or found.event_us < self.needed(at_us).begin:
            return self.empty.copy()
        return {name: self._format.value(found, number) for name, number in self._features}

    def _after(self, row: StoredRow, other: StoredRow) -> bool:
        """Whether a row counts before another: it happened or was known later, or is greater."""
        if row.times != other.times:
            return row.times > other.times
        return self._order(row) >= self._order(other)

    def _order(self, row: StoredRow) -> list[tuple[bool, bool, Any]]:
        """What orders rows of equal times: null is least, NaN greater than every number."""
        values = [self._format.value(row, n) for n in range(len(self._format.columns))]
        return [(v is not None, v != v, v if v is not None and v == v else 0) for v in values]
