"""Point-in-time features: the views of one entity on one table, at each moment of a spine.

The views share the sorted index, the search for the moments and the running sums.

A row with a null event time or known time counts at no moment. Of rows of a LatestView that are
equal in event time, known time and key, the one with the greater values counts, compared in the
order of the view's columns, nulls least: the order of rows in a table means nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from lakehouse.declare.features import Aggregate, Feature, FeatureView, LatestView, StoredView
from lakehouse.engines.arrow_types import arrow_type
from lakehouse.engines.kernels.arrow_numbers import (
    ColumnTypeError,
    as_microseconds,
    from_floats,
    from_integers,
    from_scaled_integers,
    validity,
)
from lakehouse.engines.kernels.entity_codes import UNKNOWN, entity_codes, rank_codes
from lakehouse.engines.kernels.index import EventIndex, Moments
from lakehouse.engines.kernels.latest import last_index
from lakehouse.engines.kernels.measures import Measure
from lakehouse.engines.kernels.ordering import Bool, Int64
from lakehouse.engines.kernels.view_rows import ViewRows
from lakehouse.engines.kernels.windows import SumOverflow, Window, Windows
from lakehouse.engines.protocol import KNOWN_AT
from lakehouse.errors import LakehouseError


def entity_features(
    rows: ViewRows, spine: Any, at: str, views: Sequence[StoredView]
) -> dict[str, Any]:
    """Return the columns of views that share their rows and their entity, by full name.

    Each column stands in the order of the spine, an Arrow table that holds the entity's keys and
    the moments `at`, which are not null. Counts and sums of integers and booleans are int64,
    decimals decimal128(18, scale), means and floats float64, and columns of LatestViews have
    their declared types. Raises ColumnTypeError for a sum of more than 18 digits, EntityKeyError
    for keys that cannot be compared.
    """
    keys = views[0].by.keys
    moments, _ = as_microseconds(spine.column(at), f"Spine column '{at}'")
    events, asked = ([table.column(k) for k in keys] for table in (rows, spine))
    codes, entities = entity_codes(events, asked, keys, f"View '{views[0].name}'")
    entity = _EntityRows(rows, codes, Moments(entities, moments))
    return {f.full_name: column for view in views for f, column in entity.values(view)}


class _EntityRows:
    """One entity's rows and moments, and what its views have in common."""

    def __init__(self, rows: ViewRows, codes: Int64, moments: Moments) -> None:
        self._rows = rows
        self._codes = codes
        self._moments = moments
        self._windows: Windows | None = None
        self._measures: dict[tuple[str | None, str | None], Measure] = {}

    def values(self, view: StoredView) -> Iterator[tuple[Feature, Any]]:
        """Yield each feature of a view with its column, in the order of the spine."""
        if isinstance(view, LatestView):
            yield from self._latest(view)
            return
        for feature in view.features:
            yield feature, self._windowed(view, feature)

    def _windowed(self, view: FeatureView, feature: Feature) -> Any:
        aggregate, asked = feature.aggregate, feature.window
        if aggregate is None or asked is None:
            raise LakehouseError(f"Feature '{feature.dotted}' has no aggregate over a window.")
        delay = 0 if view.delay is None else view.delay.us
        edge = None if asked.edge is None else asked.edge.us
        window = Window(asked.length.us, delay, edge)
        if self._windows is None:
            self._windows = Windows(self._index(str(view.of.event_time)), self._moments)
        measure = self._measure(self._windows.index, aggregate)
        try:
            result = self._windows.value(aggregate.function, measure, window)
        except SumOverflow as error:
            raise ColumnTypeError(f"Feature '{feature.dotted}': {error}") from error
        if feature.kind == "float":
            return from_floats(result.values, result.valid)
        if feature.kind == "decimal":
            where = f"Feature '{feature.dotted}'"
            return from_scaled_integers(result.values, result.valid, measure.scale, where)
        return from_integers(result.values, result.valid)

    def _measure(self, index: EventIndex, aggregate: Aggregate) -> Measure:
        key = (aggregate.column, aggregate.where)
        if key not in self._measures:
            where = None if aggregate.where is None else self._rows.flags(aggregate.where)
            values, scale = None, 0
            if aggregate.column is not None:
                if self._rows.is_number(aggregate.column):
                    values, present, scale = self._rows.numbers(aggregate.column)
                else:
                    present = validity(self._rows.column(aggregate.column))
                where = present if where is None else present & where
            self._measures[key] = Measure(index, values, where=where, scale=scale)
        return self._measures[key]

    def _latest(self, view: LatestView) -> Iterator[tuple[Feature, Any]]:
        ttl = None if view.ttl is None else view.ttl.us
        if view.of.event_time is None and ttl is not None:
            ttl += 1  # the row stands one microsecond before it was known
        index = self._index(view.of.event_time)
        tied = _tied(index)
        if len(tied):
            ordering = [*view.of.keys, *view.columns]
            tie = np.zeros(len(self._codes), dtype=np.int64)
            tie[tied] = rank_codes([self._rows.column(c).take(pa.array(tied)) for c in ordering])
            index = self._index(view.of.event_time, tie)
        rows = last_index(index, self._moments, ttl=ttl)
        taken = pa.array(rows, mask=rows < 0)
        for feature in view.features:
            column = self._rows.column(str(feature.column)).take(taken)
            yield feature, column.cast(arrow_type(feature.kind, feature.scale))

    def _index(self, event_time: str | None, tie: Int64 | None = None) -> EventIndex:
        known_at, counts = self._rows.times(KNOWN_AT)
        if event_time is None:
            # What has no event time happens just before it is known: it counts from then on.
            event_at = known_at - 1
        else:
            event_at, happened = self._rows.times(event_time)
            counts = counts & happened
        codes = np.where(counts, self._codes, UNKNOWN)
        return EventIndex(codes, event_at, known_at, tie=tie)


def _tied(index: EventIndex) -> Int64:
    """Return the caller's rows that no time tells apart from another of their entity."""
    as_before: Bool = np.zeros(len(index.rows) + 1, dtype=np.bool_)
    as_before[1:-1] = True
    for column in (index.entity, index.event_at, index.known_at):
        as_before[1:-1] &= column[1:] == column[:-1]
    return index.rows[as_before[:-1] | as_before[1:]]


def feature_type(feature: Feature) -> Any:
    """Return the Arrow type that a stored view's feature has in an answer."""
    return arrow_type(feature.kind, feature.scale)
