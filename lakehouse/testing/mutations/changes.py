"""Wrong ways to see a view's rows: each takes a view and its rows, and gives other rows."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from lakehouse.declare.features import FeatureView, LatestView, StoredView
from lakehouse.declare.operands import names_of
from lakehouse.engines.arrow_types import MICROSECONDS
from lakehouse.language.provenance import KNOWN_AT


def shifted(times: Any, us: int) -> Any:
    moved = pc.add(times.cast(MICROSECONDS).cast(pa.int64()), us)
    return moved.cast(MICROSECONDS)


def with_shifted(rows: Any, name: str, us: int) -> Any:
    place = rows.column_names.index(name)
    return rows.set_column(place, name, shifted(rows.column(name), us))


def without_ties(view: StoredView, rows: Any) -> Any:
    if isinstance(view, LatestView) or not rows.num_rows:
        return rows
    numbered = rows.append_column("_n", pa.array(range(rows.num_rows)))
    by = [*view.by.keys, str(view.of.event_time)]
    first = numbered.group_by(by).aggregate([("_n", "min")]).column("_n_min")
    return rows.take(first)


def known_at_once(view: StoredView, rows: Any) -> Any:
    if view.of.event_time is None:
        return rows
    place = rows.column_names.index(KNOWN_AT)
    return rows.set_column(place, KNOWN_AT, rows.column(view.of.event_time))


def filled(view: StoredView, rows: Any) -> Any:
    """Replace nulls of what is aggregated by nothing's look-alikes: 0, false and empty text."""
    if not isinstance(view, FeatureView):
        return rows
    columns = [a.column for _, a in view.aggregates if a.column is not None]
    for name in dict.fromkeys(name for text in columns for name in names_of(view.of, text)):
        column = rows.column(name)
        nothing = pa.scalar("" if pa.types.is_string(column.type) else "0").cast(column.type)
        rows = rows.set_column(rows.column_names.index(name), name, pc.fill_null(column, nothing))
    return rows


def null_is_an_entity(view: StoredView, rows: Any) -> Any:
    for name in view.by.keys:
        if pa.types.is_string(rows.schema.field(name).type):
            named = pc.fill_null(rows.column(name), "")
            rows = rows.set_column(rows.column_names.index(name), name, named)
    return rows


def latest_by_known_time(view: StoredView, rows: Any) -> Any:
    if isinstance(view, FeatureView) or view.of.event_time is None:
        return rows
    place = rows.column_names.index(view.of.event_time)
    return rows.set_column(place, view.of.event_time, shifted(rows.column(KNOWN_AT), -1))


def without_null_rows(view: StoredView, rows: Any) -> Any:
    if not isinstance(view, LatestView):
        return rows
    for name in view.columns:
        rows = rows.filter(pc.is_valid(rows.column(name)))
    return rows


def in_milliseconds(view: StoredView, rows: Any) -> Any:
    if view.of.event_time is None:
        return rows
    place = rows.column_names.index(view.of.event_time)
    cut = pc.floor_temporal(rows.column(view.of.event_time), unit="millisecond")
    return rows.set_column(place, view.of.event_time, cut)


def with_trimmed_keys(view: StoredView, rows: Any) -> Any:
    """Take keys for equal that differ in spaces around them."""
    for name in view.by.keys:
        if pa.types.is_string(rows.schema.field(name).type):
            trimmed = pc.utf8_trim_whitespace(rows.column(name))
            rows = rows.set_column(rows.column_names.index(name), name, trimmed)
    return rows


def with_float_keys(view: StoredView, rows: Any) -> Any:
    """Take whole numbers for floats and back, as a data frame with a null in them does."""
    for name in view.by.keys:
        if pa.types.is_integer(rows.schema.field(name).type):
            rounded = rows.column(name).cast(pa.float64(), safe=False).cast(pa.int64())
            rows = rows.set_column(rows.column_names.index(name), name, rounded)
    return rows


def in_single_precision(view: StoredView, rows: Any) -> Any:
    """Hold floats in 32 bits."""
    if isinstance(view, LatestView):
        return rows
    for place, field in enumerate(rows.schema):
        if pa.types.is_floating(field.type):
            single = rows.column(place).cast(pa.float32(), safe=False).cast(pa.float64())
            rows = rows.set_column(place, field.name, single)
    return rows
