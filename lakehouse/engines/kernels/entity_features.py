"""Point-in-time features: the views of one entity on one table, at each moment of a spine.

The views share the sorted index, the search for the moments and the running sums.

A row with a null event time or known time counts at no moment. Of rows of a LatestView that are
equal in event time, known time and key, the one with the greater values counts, compared in the
order of the view's columns, nulls least; for First, Last and LastK the column's own value decides
between such rows. The order of rows in a table means nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import singledispatchmethod
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lakehouse.declare.features import (
    Feature,
    FeatureView,
    LatestView,
    StoredFeature,
    StoredView,
)
from lakehouse.declare.view import unknown_kind
from lakehouse.engines.arrow_types import arrow_type, feature_type
from lakehouse.engines.kernels.arrow_numbers import as_microseconds
from lakehouse.engines.kernels.entity_codes import UNKNOWN, entity_codes, rank_codes
from lakehouse.engines.kernels.index import EventIndex, Moments
from lakehouse.engines.kernels.latest import last_index
from lakehouse.engines.kernels.ordering import Int64
from lakehouse.engines.kernels.view_rows import ViewRows
from lakehouse.engines.kernels.windowed_values import WindowedValues
from lakehouse.language.provenance import KNOWN_AT


def entity_features(
    rows: ViewRows, spine: Any, at: str, views: Sequence[StoredView]
) -> dict[str, Any]:
    """Return the columns of views that share their rows and their entity, by full name.

    Each column stands in the order of the spine, an Arrow table that holds the entity's keys and
    the moments `at`, which are not null. Its type is `feature_type`, and where the value is null
    the feature's default stands. Raises ColumnTypeError for a sum of more than 18 digits,
    EntityKeyError for keys that cannot be compared.
    """
    keys = views[0].by.keys
    moments, _ = as_microseconds(spine.column(at), f"Spine column '{at}'")
    events, asked = rows.keys(keys), [spine.column(key) for key in keys]
    codes, entities = entity_codes(events, asked, keys, f"View '{views[0].name}'")
    entity = _EntityRows(rows, codes, Moments(entities, moments), views)
    return {
        f.full_name: _with_default(f, column) for view in views for f, column in entity.values(view)
    }


def _with_default(feature: Feature, column: Any) -> Any:
    if feature.default is None:
        return column
    return pc.fill_null(column, pa.scalar(feature.default_value, feature_type(feature)))


class _EntityRows:
    """One entity's rows and moments, and what its views have in common."""

    def __init__(
        self, rows: ViewRows, codes: Int64, moments: Moments, views: Sequence[StoredView]
    ) -> None:
        self._rows = rows
        self._rows_counted = any(view.counts_rows for view in views)
        self._codes = codes
        self._moments = moments
        self._windowed: WindowedValues | None = None
        self._indices: dict[str | None, EventIndex] = {}

    @singledispatchmethod
    def values(self, view: StoredView) -> Iterator[tuple[StoredFeature, Any]]:
        """Yield each feature of a view with its column, in the order of the spine."""
        raise unknown_kind(view, "_EntityRows.values")

    @values.register
    def _(self, view: FeatureView) -> Iterator[tuple[StoredFeature, Any]]:
        if self._windowed is None:
            index = self._index(view.of.event_time)
            if self._rows_counted and len(index.tied):
                index.retie(self._tie(index, view.of.keys))
            self._windowed = WindowedValues(self._rows, index, self._moments)
        for feature in view.features:
            yield feature, self._windowed.column(view, feature)

    @values.register
    def _(self, view: LatestView) -> Iterator[tuple[StoredFeature, Any]]:
        ttl = None if view.ttl is None else view.ttl.us
        if view.of.event_time is None and ttl is not None:
            ttl += 1  # the row stands one microsecond before it was known
        index = self._index(view.of.event_time)
        in_order = index.rows
        if len(index.tied):
            in_order = index.retied(self._tie(index, view.order))
        rows = last_index(index, self._moments, ttl=ttl, rows=in_order)
        taken = pa.array(rows, mask=rows < 0)
        for feature in view.features:
            column = self._rows.column(feature.column).take(taken)
            yield feature, column.cast(arrow_type(feature.kind, feature.scale))

    def _tie(self, index: EventIndex, columns: Sequence[str]) -> Int64:
        """Return numbers that order tied rows as some columns do."""
        tied = index.rows[index.tied]
        tie = np.zeros(len(self._codes), dtype=np.int64)
        tie[tied] = rank_codes([self._rows.column(c).take(pa.array(tied)) for c in columns])
        return tie

    def _index(self, event_time: str | None) -> EventIndex:
        if event_time not in self._indices:
            known_at, counts = self._rows.times(KNOWN_AT)
            if event_time is None:
                # What has no event time happens just before it is known: it counts from then on.
                event_at = known_at - 1
            else:
                event_at, happened = self._rows.times(event_time)
                counts = counts & happened
            codes = np.where(counts, self._codes, UNKNOWN)
            self._indices[event_time] = EventIndex(codes, event_at, known_at)
        return self._indices[event_time]
