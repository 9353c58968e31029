"""Which rows made a number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from lakehouse.context import Context
from lakehouse.declare.features import Aggregate, Feature, LatestView, StoredView
from lakehouse.declare.tables import table_column
from lakehouse.engines.arrow_types import MICROSECONDS, arrow_type
from lakehouse.errors import LakehouseError
from lakehouse.features.aggregates import form_of
from lakehouse.features.aggregates.form import ExplainedRows
from lakehouse.features.online.layout.arrow_numbers import row_order
from lakehouse.language import expressions
from lakehouse.language.expressions.sql import to_sql
from lakehouse.language.provenance import KNOWN_AT
from lakehouse.times import microseconds, moment

_MATCHES = "_matches"


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
    feature = view[feature_name]
    at_us = microseconds(at)
    begin_us, end_us = _bounds(view, feature, at_us)
    rows = _rows(ctx, view, feature, entity, begin_us, end_us)
    with_late = _that_count(feature, rows)
    rows = _that_count(feature, rows.filter(_known(rows, at)))
    late = pc.sum(pc.invert(_known(with_late, at))).as_py() or 0
    value: Any
    if feature.aggregate is None:
        rows = rows.slice(max(rows.num_rows - 1, 0))
        value = rows.column(str(feature.column))[0].as_py() if rows.num_rows else None
    else:
        form = form_of(feature.aggregate.function)
        kept = form.made_of(feature.aggregate, rows.num_rows)
        rows = rows.slice(kept.start, kept.stop - kept.start)
        happened = rows.column(str(view.of.event_time)).cast(MICROSECONDS).cast(pa.int64())
        values = _values(feature.aggregate, rows)
        value = form.explained(ExplainedRows(feature, values, happened.to_pylist(), at_us))
        rows = rows.select([name for name in rows.column_names if name != _MATCHES])
    return Explanation(
        feature.dotted,
        feature.default_value if value is None else value,
        None if begin_us is None else moment(begin_us),
        moment(end_us),
        rows,
        late,
    )


def _known(rows: pa.Table, at: datetime) -> Any:
    """Which rows are known at a moment."""
    return pc.less_equal(rows.column(KNOWN_AT).cast(MICROSECONDS), pa.scalar(at, MICROSECONDS))


def _that_count(feature: Feature, rows: pa.Table) -> pa.Table:
    """The rows that lie in the window, of those of its time: the last so many, without nulls."""
    if not _in_rows(feature):
        return rows
    assert feature.window is not None
    rows = rows.slice(max(rows.num_rows - (feature.window.rows or 0), 0))
    column = feature.aggregate.column if feature.aggregate is not None else None
    return rows if column is None else rows.filter(pc.is_valid(rows.column(column)))


def _in_rows(feature: Feature) -> bool:
    return feature.window is not None and feature.window.rows is not None


def _bounds(view: StoredView, feature: Feature, at_us: int) -> tuple[int | None, int]:
    """The event times that may count: from, if there is a beginning, and until, not included."""
    if isinstance(view, LatestView):
        return (None if view.ttl is None else at_us - view.ttl.us), at_us
    window = feature.window
    if window is None:
        raise LakehouseError(f"Feature '{feature.dotted}' has no window.")
    end = at_us - (0 if view.delay is None else view.delay.us)
    return window.begin_us(end), end


def _rows(
    ctx: Context,
    view: StoredView,
    feature: Feature,
    entity: Mapping[str, Any],
    begin_us: int | None,
    end_us: int,
) -> pa.Table:
    """The entity's rows of the window's time that count once known, in order of their times.

    Of a window of so many rows also those whose column is null: they are counted in it.
    """
    # What has no event time happens one microsecond before it is known.
    time = "unix_micros(t.`{}`){}".format(
        *((KNOWN_AT, " - 1") if view.of.event_time is None else (view.of.event_time, ""))
    )
    conditions = [f"{time} < {end_us}"]
    if begin_us is not None:
        conditions.append(f"{time} >= {begin_us}")
    conditions += [f"t.`{name}` = asked.`{name}`" for name in view.by.keys]
    aggregate = feature.aggregate
    if aggregate is not None and aggregate.column is not None and not _in_rows(feature):
        conditions.append(f"t.`{aggregate.column}` IS NOT NULL")
    table = ctx.read(view.of)
    listed = [f"t.`{name}`" for name in ctx.engine.columns(table)]
    if aggregate is not None and aggregate.where is not None:
        names = {c.name: f"t.`{c.name}`" for c in view.of.columns}
        matches = to_sql(expressions.parse(aggregate.where), names)
        if aggregate.facts.compares:
            listed.append(f"({matches}) AS `{_MATCHES}`")
        else:
            conditions.append(matches)
    ordering = [view.of.event_time, KNOWN_AT]
    if isinstance(view, LatestView):
        ordering += [*view.of.keys, *view.columns]
    elif aggregate is not None and (_in_rows(feature) or aggregate.facts.ordered):
        ordering += [*view.of.keys, aggregate.column]
    sql = (
        f"SELECT {', '.join(listed)} FROM `rows` t JOIN `asked` asked ON {' AND '.join(conditions)}"
    )
    frames = {"rows": table, "asked": ctx.engine.from_arrow(_asked(view, entity))}
    found = ctx.engine.to_arrow(ctx.engine.query(sql, frames))
    by = dict.fromkeys(name for name in ordering if name is not None)
    return found.take(pa.array(row_order(found, by)))


def _values(aggregate: Aggregate, rows: pa.Table) -> list[Any]:
    """What an aggregate is of, in each of the rows."""
    column = _MATCHES if aggregate.facts.compares else aggregate.column
    return [True] * rows.num_rows if column is None else rows.column(column).to_pylist()


def _asked(view: StoredView, entity: Mapping[str, Any]) -> pa.Table:
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
