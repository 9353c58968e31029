"""Which rows made a number."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import singledispatch
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.compute as pc

from lakehouse.context import Context
from lakehouse.declare.features import (
    ColumnFeature,
    FeatureView,
    LatestView,
    StoredFeature,
    StoredView,
    WindowedFeature,
)
from lakehouse.declare.operands import operand_sql
from lakehouse.declare.tables import table_column
from lakehouse.declare.view import unknown_kind
from lakehouse.engines.arrow_types import MICROSECONDS, arrow_type
from lakehouse.errors import LakehouseError
from lakehouse.features.aggregates import form_of
from lakehouse.features.aggregates.form import ExplainedRows
from lakehouse.features.online.layout.arrow_numbers import row_order
from lakehouse.language.provenance import KNOWN_AT
from lakehouse.times import microseconds, moment

_MATCHES, _VALUE = "_matches", "_value"
"""Of each row: whether its criterion is true, and what its aggregate is of."""


@dataclass(frozen=True)
class Explanation:
    """A feature's value, and the rows of its table that it is made of.

    The window is [begins_at, ends_at); a latest value without a ttl has no beginning, nor has a
    window of the last rows or of all that was. `rows` has all columns of the table, its provenance
    included, in the order of event time and known time: those that First, Last and LastK take, for
    a share all it is of, and else those that count.
    `excluded_late` counts rows of the window that would count, had they been known.
    """

    feature: str
    value: Any
    begins_at: datetime | None
    ends_at: datetime
    rows: pa.Table
    excluded_late: int


def explain(
    ctx: Context, view: StoredView, feature_name: str, entity: Mapping[str, Any], at: datetime
) -> Explanation:
    """Say which rows made a feature of one entity at a moment.

    `entity` holds the view's key columns. Rows are read at the version that `ctx` reads, and the
    value is computed from these rows alone.
    """
    at_us = microseconds(at)
    question = _question(view, feature_name, at_us)
    rows = _rows(ctx, question, entity)
    with_late = question.among(rows)
    rows = question.among(rows.filter(_known(rows, at)))
    late = pc.sum(pc.invert(_known(with_late, at))).as_py() or 0
    rows, value = question.value(rows)
    feature = question.feature
    return Explanation(
        feature.dotted,
        feature.default_value if value is None else value,
        None if question.begin_us is None else moment(question.begin_us),
        moment(question.end_us),
        rows,
        late,
    )


def _known(rows: pa.Table, at: datetime) -> Any:
    """Which rows are known at a moment."""
    return pc.less_equal(rows.column(KNOWN_AT).cast(MICROSECONDS), pa.scalar(at, MICROSECONDS))


class _Question(Protocol):
    """A feature and the moment it is asked for: which rows it is of, and what they make."""

    @property
    def view(self) -> StoredView: ...

    @property
    def feature(self) -> StoredFeature: ...

    @property
    def begin_us(self) -> int | None:
        """The first event time that may count, None if there is none."""

    @property
    def end_us(self) -> int:
        """The first event time that may not count any more."""

    def condition(self, names: Mapping[str, str]) -> str | None:
        """The SQL of what rows have to fulfil beside their times, by names of columns."""

    def computed(self, names: Mapping[str, str]) -> Mapping[str, str]:
        """The SQL of what is computed of each row, by the name of its column."""

    def ordering(self) -> Iterable[str | None]:
        """The columns that order rows of equal times."""

    def among(self, rows: pa.Table) -> pa.Table:
        """The rows that count, of those of the right times in their order."""

    def value(self, rows: pa.Table) -> tuple[pa.Table, Any]:
        """The rows that the value is made of, of those that count, and the value."""


@dataclass(frozen=True)
class _Window:
    """An aggregate over a window."""

    view: FeatureView
    feature: WindowedFeature
    at_us: int

    @property
    def end_us(self) -> int:
        return self.at_us - self.view.delay_us

    @property
    def begin_us(self) -> int | None:
        return self.feature.window.begin_us(self.end_us)

    def condition(self, names: Mapping[str, str]) -> str | None:
        aggregate = self.feature.aggregate
        conditions = []
        # A window of so many rows counts those too whose column is null.
        if aggregate.column is not None and self.feature.window.rows is None:
            conditions.append(f"{operand_sql(self.view.of, aggregate.column, names)} IS NOT NULL")
        if aggregate.where is not None and not aggregate.facts.compares:
            conditions.append(operand_sql(self.view.of, aggregate.where, names))
        return " AND ".join(f"({condition})" for condition in conditions) or None

    def computed(self, names: Mapping[str, str]) -> Mapping[str, str]:
        aggregate = self.feature.aggregate
        texts = {_VALUE: aggregate.column}
        if aggregate.facts.compares:
            texts[_MATCHES] = aggregate.where
        return {
            name: operand_sql(self.view.of, text, names)
            for name, text in texts.items()
            if text is not None
        }

    def ordering(self) -> Iterable[str | None]:
        aggregate = self.feature.aggregate
        if aggregate.facts.ordered or self.feature.window.rows is not None:
            return (*self.view.of.keys, None if aggregate.column is None else _VALUE)
        return ()

    def among(self, rows: pa.Table) -> pa.Table:
        last, column = self.feature.window.rows, self.feature.aggregate.column
        if last is None:
            return rows
        rows = rows.slice(max(rows.num_rows - last, 0))
        return rows if column is None else rows.filter(pc.is_valid(rows.column(_VALUE)))

    def value(self, rows: pa.Table) -> tuple[pa.Table, Any]:
        aggregate = self.feature.aggregate
        form = form_of(aggregate.function)
        kept = form.made_of(aggregate, rows.num_rows)
        rows = rows.slice(kept.start, kept.stop - kept.start)
        happened = rows.column(str(self.view.of.event_time)).cast(MICROSECONDS).cast(pa.int64())
        column = _MATCHES if aggregate.facts.compares else _VALUE
        of_rows = column not in rows.column_names
        values = [True] * rows.num_rows if of_rows else rows.column(column).to_pylist()
        explained = ExplainedRows(self.feature, values, happened.to_pylist(), self.at_us)
        shown = [name for name in rows.column_names if name not in (_MATCHES, _VALUE)]
        return rows.select(shown), form.explained(explained)


@dataclass(frozen=True)
class _Latest:
    """A column of the latest row."""

    view: LatestView
    feature: ColumnFeature
    at_us: int

    @property
    def end_us(self) -> int:
        return self.at_us

    @property
    def begin_us(self) -> int | None:
        return self.view.begin_us(self.at_us)

    def condition(self, names: Mapping[str, str]) -> None:  # noqa: ARG002
        return None

    def computed(self, names: Mapping[str, str]) -> Mapping[str, str]:  # noqa: ARG002
        return {}

    def ordering(self) -> Iterable[str]:
        return self.view.order

    def among(self, rows: pa.Table) -> pa.Table:
        return rows

    def value(self, rows: pa.Table) -> tuple[pa.Table, Any]:
        rows = rows.slice(max(rows.num_rows - 1, 0))
        return rows, rows.column(self.feature.column)[0].as_py() if rows.num_rows else None


@singledispatch
def _question(view: StoredView, feature: str, at_us: int) -> _Question:  # noqa: ARG001
    raise unknown_kind(view, "_question")


@_question.register
def _(view: FeatureView, feature: str, at_us: int) -> _Question:
    return _Window(view, view[feature], at_us)


@_question.register
def _(view: LatestView, feature: str, at_us: int) -> _Question:
    return _Latest(view, view[feature], at_us)


def _rows(ctx: Context, question: _Question, entity: Mapping[str, Any]) -> pa.Table:
    """The entity's rows of the right times that may count once known, in order of their times."""
    of, keys = question.view.of, question.view.by.keys
    names = {c.name: f"t.`{c.name}`" for c in of.columns}
    # What has no event time happens one microsecond before it is known.
    time = "unix_micros(t.`{}`){}".format(
        *((KNOWN_AT, " - 1") if of.event_time is None else (of.event_time, ""))
    )
    conditions = [f"{time} < {question.end_us}"]
    if question.begin_us is not None:
        conditions.append(f"{time} >= {question.begin_us}")
    conditions += [f"t.`{name}` = asked.`{name}`" for name in keys]
    condition = question.condition(names)
    if condition is not None:
        conditions.append(condition)
    table = ctx.read(of)
    listed = [f"t.`{name}`" for name in ctx.engine.columns(table)]
    listed += [f"{sql} AS `{name}`" for name, sql in question.computed(names).items()]
    sql = (
        f"SELECT {', '.join(listed)} FROM `rows` t JOIN `asked` asked ON {' AND '.join(conditions)}"
    )
    frames = {"rows": table, "asked": ctx.engine.from_arrow(_entity(question.view, entity))}
    rows = ctx.engine.to_arrow(ctx.engine.query(sql, frames))
    ordering = (of.event_time, KNOWN_AT, *question.ordering())
    by = dict.fromkeys(name for name in ordering if name is not None)
    return rows.take(pa.array(row_order(rows, by)))


def _entity(view: StoredView, entity: Mapping[str, Any]) -> pa.Table:
    """The entity as one row, typed as the view's table is."""
    columns = {}
    for name in view.by.keys:
        column = table_column(view.of, name)
        if name not in entity:
            raise LakehouseError(
                f"Entity '{view.by.name}' is told by {', '.join(view.by.keys)}, and '{name}' is "
                "not given; give it."
            )
        try:
            columns[name] = pa.array([entity[name]], arrow_type(column.kind, column.scale))
        except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
            raise LakehouseError(
                f"Entity '{view.by.name}': '{name}' is a {column.kind}, and what was given is "
                f"none ({type(error).__name__})."
            ) from error
    return pa.table(columns)
