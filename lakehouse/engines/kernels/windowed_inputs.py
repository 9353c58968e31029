"""What windowed features of one entity are computed from, each made once and shared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from lakehouse.declare import windows as declared
from lakehouse.declare.features import Aggregate, FeatureView, WindowedFeature
from lakehouse.engines.arrow_types import arrow_type
from lakehouse.engines.kernels.arrow_numbers import (
    from_floats,
    from_integers,
    from_scaled_integers,
    validity,
)
from lakehouse.engines.kernels.distinct import Presence
from lakehouse.engines.kernels.entity_codes import rank_codes, value_codes
from lakehouse.engines.kernels.index import EventIndex, Moments
from lakehouse.engines.kernels.last_rows import LastRows
from lakehouse.engines.kernels.measures import Measure
from lakehouse.engines.kernels.ordering import Bool, Int64
from lakehouse.engines.kernels.sequences import Sequence
from lakehouse.engines.kernels.spans import AnyWindow, Nullable, Spans, TimeWindow
from lakehouse.engines.kernels.view_rows import ViewRows
from lakehouse.engines.kernels.windows import WindowAggregates


class WindowedInputs:
    """Measures, sequences and presences over one sorted index, and the positions of windows."""

    def __init__(self, rows: ViewRows, index: EventIndex, moments: Moments) -> None:
        self.rows = rows
        self.windows = WindowAggregates(index, moments)
        self._measures: dict[tuple[str | None, str | None], Measure] = {}
        self._sequences: dict[tuple[str, str | None], Sequence] = {}
        self._counted: dict[str | None, Sequence] = {}
        self._presences: dict[tuple[str, str | None], Presence] = {}
        self._ties: dict[tuple[str, ...], tuple[Int64, bool]] = {}

    def measure(self, column: str | None, where: str | None) -> Measure:
        """The numbers of a column, and which rows count; None counts rows."""
        key = (column, where)
        if key not in self._measures:
            counted = None if where is None else self.rows.flags(where)
            values, scale = None, 0
            if column is not None:
                if self.rows.is_number(column):
                    values, present, scale = self.rows.numbers(column)
                else:
                    present = validity(self.rows.column(column))
                counted = present if counted is None else present & counted
            self._measures[key] = Measure(self.windows.index, values, where=counted, scale=scale)
        return self._measures[key]

    def presence(self, column: str, where: str | None) -> Presence:
        """The values of a column, told apart from one another, in rows that count."""
        key = (column, where)
        if key not in self._presences:
            codes = value_codes(self.rows.column(column))
            counted = None if where is None else self.rows.flags(where)
            self._presences[key] = Presence(self.windows.index, codes, counted)
        return self._presences[key]

    def sequence(self, view: FeatureView, column: str, where: str | None) -> Sequence:
        """The rows that count where a column is not null, in the order that a view's go by."""
        key = (column, where)
        if key not in self._sequences:
            counted: Bool = validity(self.rows.column(column))
            if where is not None:
                counted = counted & self.rows.flags(where)
            tie = self._tie(view.of.keys, column)
            self._sequences[key] = Sequence(self.windows.index, counted, tie)
        return self._sequences[key]

    def window(self, over: declared.AnyWindow, where: str | None, delay: int) -> AnyWindow:
        """A declared window as kernels know it; one of so many rows counts those of a `where`."""
        if isinstance(over, declared.RowsWindow):
            return LastRows(over.rows, self._rows_of(where), delay)
        if isinstance(over, declared.EverWindow):
            return TimeWindow(None, delay)
        return TimeWindow(over.length.us, delay, None if over.edge is None else over.edge.us)

    def _rows_of(self, where: str | None) -> Sequence:
        if where not in self._counted:
            flags = None if where is None else self.rows.flags(where)
            self._counted[where] = Sequence(self.windows.index, flags)
        return self._counted[where]

    def _tie(self, keys: tuple[str, ...], column: str) -> Int64 | None:
        """Return what orders rows of equal times: the table's key, then the column itself."""
        index = self.windows.index
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
        index = self.windows.index
        tied = index.rows[index.tied]
        tie = np.zeros(index.size, dtype=np.int64)
        if columns:
            tie[tied] = rank_codes([self.rows.column(c).take(pa.array(tied)) for c in columns])
        groups = np.cumsum(~index.like_the_one_before[index.tied])
        pairs = np.sort(groups * (int(tie.max(initial=0)) + 1) + tie[tied])
        return tie, bool((pairs[1:] == pairs[:-1]).any())


@dataclass(frozen=True)
class Windowed:
    """One windowed feature, and what its column is computed from."""

    inputs: WindowedInputs
    view: FeatureView
    feature: WindowedFeature
    window: AnyWindow

    @property
    def aggregate(self) -> Aggregate:
        return self.feature.aggregate

    @property
    def windows(self) -> WindowAggregates:
        return self.inputs.windows

    @property
    def spans(self) -> Spans:
        return self.inputs.windows.spans

    @property
    def kind(self) -> Any:
        """The Arrow type of one value."""
        return arrow_type(self.feature.kind, self.feature.scale)

    @property
    def column(self) -> Any:
        """The Arrow column of the table that the aggregate is of."""
        return self.inputs.rows.column(str(self.aggregate.column))

    @property
    def measure(self) -> Measure:
        """The numbers that count."""
        return self.inputs.measure(self.aggregate.column, self.aggregate.where)

    @property
    def measure_of_all(self) -> Measure:
        """The numbers of all rows, those too for which `where` is not true."""
        return self.inputs.measure(self.aggregate.column, None)

    @property
    def presence(self) -> Presence:
        """The values that count, told apart from one another."""
        return self.inputs.presence(str(self.aggregate.column), self.aggregate.where)

    @property
    def sequence(self) -> Sequence:
        """The rows that count, in their order."""
        column = str(self.aggregate.column)
        return self.inputs.sequence(self.view, column, self.aggregate.where)

    def numbers(self, column: Nullable, scale: int = 0) -> Any:
        """Return values as a column of the feature's kind; amounts come as units of 10**-scale.

        Raises ColumnTypeError for amounts of more than 18 digits.
        """
        if self.feature.kind == "float":
            return from_floats(column.values, column.valid)
        if self.feature.kind == "decimal":
            where = f"Feature '{self.feature.dotted}'"
            return from_scaled_integers(column.values, column.valid, scale, where)
        return from_integers(column.values, column.valid)

    def taken(self, rows: Int64) -> Any:
        """Return the column's values at rows, null where a row is -1."""
        return self.column.take(pa.array(rows, mask=rows < 0)).cast(self.kind)
