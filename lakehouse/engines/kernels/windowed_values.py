"""The columns of windowed features, from the rows and moments of one entity."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from lakehouse.declare.features import Aggregate, Feature, FeatureView
from lakehouse.engines.arrow_types import arrow_type
from lakehouse.engines.kernels.arrow_numbers import (
    ColumnTypeError,
    from_floats,
    from_integers,
    from_scaled_integers,
    validity,
)
from lakehouse.engines.kernels.deviations import deviation
from lakehouse.engines.kernels.distinct import Presence, distinct
from lakehouse.engines.kernels.entity_codes import rank_codes, value_codes
from lakehouse.engines.kernels.index import EventIndex, Moments
from lakehouse.engines.kernels.measures import Measure
from lakehouse.engines.kernels.ordering import Bool, Int64
from lakehouse.engines.kernels.sequences import (
    Listed,
    Sequence,
    first_row,
    last_row,
    last_rows,
)
from lakehouse.engines.kernels.spans import Nullable, Window
from lakehouse.engines.kernels.view_rows import ViewRows
from lakehouse.engines.kernels.windows import SumOverflow, Windows
from lakehouse.errors import LakehouseError

_VALUES_A_CHUNK = 2**24
"""Values of lists in one Arrow array, whose offsets, and those of its texts, have 32 bits."""


class WindowedValues:
    """Windowed features over one sorted index, which share what they are computed from."""

    def __init__(self, rows: ViewRows, index: EventIndex, moments: Moments) -> None:
        self._rows = rows
        self._windows = Windows(index, moments)
        self._measures: dict[tuple[str | None, str | None], Measure] = {}
        self._sequences: dict[tuple[str, str | None], Sequence] = {}
        self._presences: dict[tuple[str, str | None], Presence] = {}
        self._ties: dict[tuple[str, ...], tuple[Int64, bool]] = {}

    def column(self, view: FeatureView, feature: Feature) -> Any:
        """Return a feature's Arrow column, in the order of the spine."""
        aggregate, asked = feature.aggregate, feature.window
        if aggregate is None or asked is None:
            raise LakehouseError(f"Feature '{feature.dotted}' has no aggregate over a window.")
        delay = 0 if view.delay is None else view.delay.us
        edge = None if asked.edge is None else asked.edge.us
        window = Window(asked.length.us, delay, edge)
        if aggregate.function in ("first", "last", "last_k"):
            return self._taken(view, feature, aggregate, window)
        if aggregate.function == "distinct":
            values = distinct(self._presence(aggregate), self._windows.spans, window)
            return pa.array(values)
        result, scale = self._number(feature, aggregate, window)
        if feature.kind == "float":
            return from_floats(result.values, result.valid)
        if feature.kind == "decimal":
            where = f"Feature '{feature.dotted}'"
            return from_scaled_integers(result.values, result.valid, scale, where)
        return from_integers(result.values, result.valid)

    def _number(
        self, feature: Feature, aggregate: Aggregate, window: Window
    ) -> tuple[Nullable, int]:
        measure = self._measure(aggregate.column, aggregate.where)
        if aggregate.function == "share":
            among = self._measure(aggregate.column, None)
            return self._windows.share(measure, among, window), 0
        if aggregate.function == "std":
            return deviation(measure, self._windows.spans, window), 0
        try:
            return self._windows.value(aggregate.function, measure, window), measure.scale
        except SumOverflow as error:
            raise ColumnTypeError(f"Feature '{feature.dotted}': {error}") from error

    def _taken(
        self, view: FeatureView, feature: Feature, aggregate: Aggregate, window: Window
    ) -> Any:
        sequence, spans = self._sequence(view, aggregate), self._windows.spans
        column, kind = (
            self._rows.column(str(aggregate.column)),
            arrow_type(feature.kind, feature.scale),
        )
        if aggregate.function == "last_k":
            return _lists(column, last_rows(sequence, spans, window, feature.many or 0), kind)
        find = first_row if aggregate.function == "first" else last_row
        rows = find(sequence, spans, window)
        return column.take(pa.array(rows, mask=rows < 0)).cast(kind)

    def _measure(self, column: str | None, where: str | None) -> Measure:
        key = (column, where)
        if key not in self._measures:
            counted = None if where is None else self._rows.flags(where)
            values, scale = None, 0
            if column is not None:
                if self._rows.is_number(column):
                    values, present, scale = self._rows.numbers(column)
                else:
                    present = validity(self._rows.column(column))
                counted = present if counted is None else present & counted
            self._measures[key] = Measure(self._windows.index, values, where=counted, scale=scale)
        return self._measures[key]

    def _presence(self, aggregate: Aggregate) -> Presence:
        key = (str(aggregate.column), aggregate.where)
        if key not in self._presences:
            codes = value_codes(self._rows.column(key[0]))
            where = None if aggregate.where is None else self._rows.flags(aggregate.where)
            self._presences[key] = Presence(self._windows.index, codes, where)
        return self._presences[key]

    def _sequence(self, view: FeatureView, aggregate: Aggregate) -> Sequence:
        key = (str(aggregate.column), aggregate.where)
        if key not in self._sequences:
            counted: Bool = validity(self._rows.column(key[0]))
            if aggregate.where is not None:
                counted = counted & self._rows.flags(aggregate.where)
            tie = self._tie(view.of.keys, key[0])
            self._sequences[key] = Sequence(self._windows.index, counted, tie)
        return self._sequences[key]

    def _tie(self, keys: tuple[str, ...], column: str) -> Int64 | None:
        """Return what orders rows of equal times: the table's key, then the column itself."""
        index = self._windows.index
        if not len(index.tied):
            return None
        if keys not in self._ties:
            self._ties[keys] = self._ranked(keys)
        tie, alike = self._ties[keys]
        if alike:
            if (*keys, column) not in self._ties:
                self._ties[(*keys, column)] = self._ranked((*keys, column))
            tie, _ = self._ties[(*keys, column)]
        return tie

    def _ranked(self, columns: tuple[str, ...]) -> tuple[Int64, bool]:
        """Return the order of tied rows by some columns, and whether it leaves any tied."""
        index = self._windows.index
        tied = index.rows[index.tied]
        tie = np.zeros(index.size, dtype=np.int64)
        if columns:
            tie[tied] = rank_codes([self._rows.column(c).take(pa.array(tied)) for c in columns])
        groups = np.cumsum(~index.like_the_one_before[index.tied])
        pairs = np.sort(groups * (int(tie.max(initial=0)) + 1) + tie[tied])
        return tie, bool((pairs[1:] == pairs[:-1]).any())


def _lists(column: Any, listed: Listed, kind: Any) -> Any:
    """Return lists of a column's values at the rows listed, in arrays of a bounded size."""
    offsets, rows = listed
    moments = len(offsets) - 1
    chunks: list[Any] = []
    begin = 0
    while begin < moments or not chunks:
        most = int(offsets[begin]) + _VALUES_A_CHUNK
        end = min(max(int(np.searchsorted(offsets, most, "right")) - 1, begin + 1), moments)
        first, last = int(offsets[begin]), int(offsets[end])
        values = column.take(pa.array(rows[first:last])).cast(kind)
        if isinstance(values, pa.ChunkedArray):
            values = values.combine_chunks()
        starts = pa.array(offsets[begin : end + 1] - first, pa.int32())
        chunks.append(pa.ListArray.from_arrays(starts, values))
        begin = end
    return pa.chunked_array(chunks, pa.list_(kind))
