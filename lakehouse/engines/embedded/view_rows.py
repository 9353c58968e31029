"""The rows that stored views are computed from, loaded once with the columns the views need."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from lakehouse.declare import expressions
from lakehouse.declare.features import FeatureView, StoredView
from lakehouse.engines.embedded.arrow_numbers import (
    Numbers,
    as_flags,
    as_microseconds,
    as_numbers,
)
from lakehouse.engines.embedded.ordering import Bool, Int64
from lakehouse.engines.protocol import Engine, Frame
from lakehouse.errors import LakehouseError, unknown
from lakehouse.features.binding import columns_of
from lakehouse.features.expressions_sql import to_sql


class ViewRows:
    """One frame's rows as Arrow columns, and as arrays for the kernels, each made once.

    Every distinct `where` of the views is evaluated by the engine in the query that loads the rows.
    """

    def __init__(self, engine: Engine, frame: Frame, views: Sequence[StoredView]) -> None:
        self._subject = f"Table '{views[0].of.name}'"
        needed = list(dict.fromkeys(name for view in views for name in columns_of(view)))
        there = engine.columns(frame)
        for name in needed:
            if name not in there:
                raise LakehouseError(
                    unknown("column", name, there, f"{self._subject}, read for '{views[0].name}',")
                )
        criteria = dict.fromkeys(
            aggregate.where
            for view in views
            if isinstance(view, FeatureView)
            for _, aggregate in view.aggregates
            if aggregate.where is not None
        )
        self._criteria = {text: f"_where_{number}" for number, text in enumerate(criteria)}
        names = {name: f"`{name}`" for name in needed}
        selected = list(names.values())
        for text, name in self._criteria.items():
            selected.append(f"{to_sql(expressions.parse(text), names)} AS `{name}`")
        sql = f"SELECT {', '.join(selected)} FROM `rows`"
        self._table = engine.to_arrow(engine.query(sql, {"rows": frame}))
        self._numbers: dict[str, Numbers] = {}
        self._times: dict[str, tuple[Int64, Bool]] = {}

    def column(self, name: str) -> Any:
        """Return a column as Arrow holds it."""
        return self._table.column(name)

    def numbers(self, name: str) -> Numbers:
        """Return a numeric or boolean column as an array."""
        if name not in self._numbers:
            self._numbers[name] = as_numbers(self.column(name), f"{self._subject}, '{name}',")
        return self._numbers[name]

    def times(self, name: str) -> tuple[Int64, Bool]:
        """Return a time column as UTC microseconds, and where it is not null."""
        if name not in self._times:
            self._times[name] = as_microseconds(self.column(name), f"{self._subject}, '{name}',")
        return self._times[name]

    def flags(self, criterion: str) -> Bool:
        """Return which rows a `where` is true for."""
        return as_flags(self.column(self._criteria[criterion]))

    def is_number(self, name: str) -> bool:
        """Whether a column is numeric or boolean."""
        kind = self.column(name).type
        tests = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal)
        return bool(pa.types.is_boolean(kind)) or any(test(kind) for test in tests)
