"""The rows that stored views are computed from, with the columns and flags that the views need."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from lakehouse.declare.computed import Computed
from lakehouse.declare.features import StoredView
from lakehouse.engines.kernels.arrow_numbers import (
    Numbers,
    as_flags,
    as_microseconds,
    as_numbers,
)
from lakehouse.engines.kernels.ordering import Bool, Int64
from lakehouse.errors import LakehouseError, unknown


@dataclass(frozen=True)
class Selection:
    """Which columns and flags views need of one table, as portable SQL over the frame `rows`.

    `columns` are those of the table; `computed` are the criteria of the views and the expressions
    that their aggregates are of.
    """

    subject: str
    sql: str
    columns: tuple[str, ...]
    computed: Computed


def selection(views: Sequence[StoredView], there: Sequence[str]) -> Selection:
    """Return what views of one table need of a frame with the columns `there`.

    Raises LakehouseError for a column that the frame lacks.
    """
    subject = f"Table '{views[0].of.name}'"
    needed = list(dict.fromkeys(name for view in views for name in view.source_columns))
    for name in needed:
        if name not in there:
            raise LakehouseError(
                unknown("column", name, there, f"{subject}, read for '{views[0].name}',")
            )
    texts = [text for view in views for text in view.operands]
    computed = Computed.of(views[0].of, texts)
    names = {name: f"`{name}`" for name in needed}
    selected = [*names.values(), *computed.sql(names)]
    sql = f"SELECT {', '.join(selected)} FROM `rows`"
    return Selection(subject, sql, tuple(needed), computed)


class ViewRows:
    """The rows of a selection as Arrow columns, and as arrays for the kernels, each made once.

    A column is asked for by its name, or by the expression that it is computed from.
    """

    def __init__(self, selected: Selection, table: Any) -> None:
        self._subject = selected.subject
        self._computed = selected.computed
        self._table = table
        self._numbers: dict[str, Numbers] = {}
        self._times: dict[str, tuple[Int64, Bool]] = {}

    def keys(self, names: Sequence[str]) -> list[Any]:
        """Return columns that hold an entity's keys, with dictionaries where they have them."""
        return [self._table.column(name) for name in names]

    def column(self, name: str) -> Any:
        """Return a column of plain values."""
        column = self._table.column(self._computed.column(name))
        if pa.types.is_dictionary(column.type):
            return column.cast(column.type.value_type)
        return column

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
        return as_flags(self.column(criterion))

    def is_number(self, name: str) -> bool:
        """Whether a column is numeric or boolean."""
        kind = self.column(name).type
        tests = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal)
        return bool(pa.types.is_boolean(kind)) or any(test(kind) for test in tests)
