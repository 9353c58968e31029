"""Features as they were known at past moments: the stored views' and the request views'."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from lakehouse.context import Context
from lakehouse.declare.contract import Column
from lakehouse.declare.features import RequestView, StoredView, View, stored_and_requested
from lakehouse.engines.arrow_types import MICROSECONDS, arrow_type
from lakehouse.engines.protocol import BoundView, Engine, Frame
from lakehouse.errors import LakehouseError, unknown
from lakehouse.features.binding import bind
from lakehouse.features.spine_entities import keys_of_spine
from lakehouse.language.expressions import parse
from lakehouse.language.expressions.sql import to_sql
from lakehouse.records.store import Run


def historical(
    ctx: Context,
    spine: Frame,
    at: str,
    views: Sequence[View],
    run: Run | None = None,
) -> Frame:
    """Add the views' features to a spine, as they were known at each row's moment `at`.

    Every row comes back once with all its columns, then `view__feature` for each view, those
    included that a request view uses. The spine holds the entities' keys and the request
    columns that expressions use, in the declared types; a time without a zone is one of UTC.
    A request view's decimals come out as floats. Tables are read at the versions of `ctx`, only
    the columns and event times that are needed. A spine that does not fit raises LakehouseError.
    """
    stored, requested = stored_and_requested(views)
    engine = ctx.engine
    _check_spine(engine, spine, at, stored)
    moments, first_us, last_us = _moments(engine, spine, at)
    keys = keys_of_spine(engine, spine, moments, stored)
    bound = bind(ctx, stored, first_us, last_us, run, keys)
    return compute(engine, spine, at, bound, requested)


def compute(
    engine: Engine,
    spine: Frame,
    at: str,
    bound: Sequence[BoundView],
    requested: Sequence[RequestView],
) -> Frame:
    """Add the features of bound views to a spine, and of the request views that use them."""
    request_columns = _request_columns(engine, spine, requested)
    frame = engine.historical_features(spine, at, bound)
    if not requested:
        return frame
    names = {f.dotted: f"`{f.full_name}`" for one in bound for f in one.view.features}
    selected = [f"`{name}`" for name in engine.columns(frame)]
    for view in requested:
        for feature in view.features:
            expression = parse(feature.expression)
            sql = to_sql(expression, names | request_columns[view.name])
            if feature.kind == "float":
                sql = f"CAST({sql} AS DOUBLE)"
            selected.append(f"{sql} AS `{feature.full_name}`")
    return engine.query(f"SELECT {', '.join(selected)} FROM features", {"features": frame})


def _check_spine(engine: Engine, spine: Frame, at: str, stored: Sequence[StoredView]) -> None:
    there = engine.columns(spine)
    for name in (at, *(k for view in stored for k in view.by.keys)):
        if name not in there:
            raise LakehouseError(unknown("column", name, there, "The spine"))


def _request_columns(
    engine: Engine, spine: Frame, requested: Sequence[RequestView]
) -> dict[str, dict[str, str]]:
    """Return for each request view the SQL of the request columns that its expressions use.

    Refuses a spine that lacks one of them, or has it in another type.
    """
    if not requested:
        return {}
    listed = ", ".join(f"`{name}`" for name in engine.columns(spine))
    empty = engine.query(f"SELECT {listed} FROM spine WHERE 1 = 0", {"spine": spine})
    types = {field.name: field.type for field in engine.to_arrow(empty).schema}
    found: dict[str, dict[str, str]] = {}
    for view in requested:
        columns = view.used_columns
        for column in columns:
            if column.name not in types:
                where = f"The spine, for view '{view.name}',"
                raise LakehouseError(unknown("column", column.name, types, where))
            _check_type(view, column, types[column.name])
        found[view.name] = {c.name: _typed(c, types[c.name]) for c in columns}
    return found


def _check_type(view: RequestView, column: Column, spine_type: Any) -> None:
    wanted = arrow_type(column.kind, column.scale)
    matches = {
        "string": lambda t: pa.types.is_string(t) or pa.types.is_large_string(t),
        "int": pa.types.is_integer,
        "float": lambda t: pa.types.is_floating(t) or pa.types.is_integer(t),
        "decimal": lambda t: pa.types.is_decimal(t) and t.scale <= wanted.scale,
        "bool": pa.types.is_boolean,
        "timestamp": pa.types.is_timestamp,
        "date": pa.types.is_date,
    }
    if not matches[column.kind](spine_type):
        contract = "" if view.request is None else view.request.name
        raise LakehouseError(
            f"The spine's column '{column.name}' is {spine_type}, and {wanted} in contract "
            f"{contract} of view '{view.name}'; convert it first."
        )


def _typed(column: Column, spine_type: Any) -> str:
    """Return a request column as SQL of its declared type; a cast where the spine's is narrower."""
    name = f"`{column.name}`"
    if spine_type == arrow_type(column.kind, column.scale):
        return name
    types = {"int": "BIGINT", "float": "DOUBLE", "decimal": f"DECIMAL(18, {column.scale})"}
    return f"CAST({name} AS {types[column.kind]})" if column.kind in types else name


def _moments(engine: Engine, spine: Frame, at: str) -> tuple[int, int, int]:
    """Return the number of rows and the first and last moment in UTC microseconds, 1970 if none."""
    sql = f"SELECT count(*) AS moments, min(`{at}`) AS first_at, max(`{at}`) AS last_at FROM spine"
    found = engine.to_arrow(engine.query(sql, {"spine": spine}))
    bounds = []
    for column in found.columns[1:]:
        if not pa.types.is_timestamp(column.type):
            raise LakehouseError(f"The spine's column '{at}' is {column.type}, not a timestamp.")
        value = column.cast(MICROSECONDS, safe=False).cast(pa.int64())[0].as_py()
        bounds.append(0 if value is None else int(value))
    return int(found.column(0)[0].as_py()), bounds[0], bounds[1]
