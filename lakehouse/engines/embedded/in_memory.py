"""Point-in-time features of rows that fit into memory: in one piece, or the entities in parts.

A part is few enough rows to stay in the processor's caches. It is gathered from the columns, and
its values are written to where they belong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa

from lakehouse.declare.features import StoredView
from lakehouse.engines.arrow_types import feature_type
from lakehouse.engines.embedded.buckets import Keys, even_ends, in_buckets, with_buckets
from lakehouse.engines.embedded.frames import DuckFrame
from lakehouse.engines.embedded.on_table import OnTable, Types, check_keys
from lakehouse.engines.embedded.placed import Placed
from lakehouse.engines.embedded.session import Session
from lakehouse.engines.embedded.threads import in_order
from lakehouse.engines.kernels.arrow_numbers import as_microseconds
from lakehouse.engines.kernels.asked import by_entity, check_moments
from lakehouse.engines.kernels.ordering import Int64
from lakehouse.engines.kernels.point_in_time import entity_features
from lakehouse.engines.kernels.view_rows import Selection, ViewRows

Features = Mapping[str, Any]
"""Arrow columns by feature."""


def features_in_one_piece(
    session: Session, spine: DuckFrame, at: str, tables: Sequence[OnTable]
) -> pa.Table:
    """Return the spine with the features of all views, as `historical_features` describes them."""
    read = in_order([partial(session.arrow, frame) for frame in (spine, *(t.rows for t in tables))])
    asked = next(read)
    _check_moments(asked, at)
    entities = [
        partial(entity_features, rows, asked, at, views)
        for table, arrow in zip(tables, read, strict=True)
        for rows in [ViewRows(table.selected, arrow)]
        for views in by_entity(table.views)
    ]
    columns = {name: asked.column(name) for name in asked.column_names}
    for features in in_order(entities):
        columns |= features
    return pa.table(columns)


def features_in_parts(
    session: Session, spine: DuckFrame, at: str, tables: Sequence[OnTable], most: int
) -> pa.Table:
    """Return the same, computed in parts of about so many rows of the spine and a table."""
    moments = {keys: [*keys, at] for table in tables for keys in table.needed()}
    read = in_order(
        [
            partial(_read, session, spine, moments),
            *(partial(_read, session, table.rows, table.needed()) for table in tables),
        ]
    )
    asked = next(read)
    _check_moments(asked.table, at)
    placed: dict[str, Placed] = {}
    work: list[Callable[[], tuple[Int64, Features]]] = []
    for table, rows in zip(tables, read, strict=True):
        for views in by_entity(table.views):
            check_keys(views, rows.types, asked.types)
            for feature in (f for view in views for f in view.features):
                placed[feature.full_name] = Placed(feature_type(feature), len(asked.table))
            work += _parts(views, table.selected, rows, asked, at, most)
    for where, features in in_order(work):
        for name, column in features.items():
            placed[name].put(where, _one_array(column))
    columns = {name: asked.table.column(name) for name in asked.table.column_names}
    return pa.table(columns | {name: column.array() for name, column in placed.items()})


@dataclass(frozen=True)
class _Held:
    """A frame in memory; by each of some keys the columns needed, and the order of its buckets."""

    table: pa.Table
    by: Mapping[Keys, tuple[pa.Table, Int64, Int64]]

    @property
    def types(self) -> Types:
        """The types of the columns that hold anything but nulls."""
        return {
            field.name: field.type
            for field, column in zip(self.table.schema, self.table.columns, strict=True)
            if column.null_count < len(column)
        }


def _read(session: Session, frame: DuckFrame, needed: Mapping[Keys, Sequence[str]]) -> _Held:
    held = frame.computed if isinstance(frame.computed, pa.Table) else None
    reading, buckets = with_buckets(frame, frame.names if held is None else [], list(needed))
    read = session.arrow(reading)
    table = read.drop_columns(buckets) if held is None else held
    wanted = list(dict.fromkeys(name for columns in needed.values() for name in columns))
    together = table.select(wanted).combine_chunks()
    return _Held(
        table,
        {
            keys: (together.select(columns), *in_buckets(read.column(bucket).combine_chunks()))
            for (keys, columns), bucket in zip(needed.items(), buckets, strict=True)
        },
    )


def _parts(
    views: Sequence[StoredView],
    selected: Selection,
    rows: _Held,
    asked: _Held,
    at: str,
    most: int,
) -> Iterator[Callable[[], tuple[Int64, Features]]]:
    """Yield the computation of each part: the rows of the spine, and their features."""
    keys = views[0].by.keys
    events, of_events, event_counts = rows.by[keys]
    moments, of_moments, moment_counts = asked.by[keys]
    ends = even_ends(event_counts + moment_counts, most)

    def compute(of_part: Int64, of_part_events: Int64) -> tuple[Int64, Features]:
        own = ViewRows(selected, events.take(pa.array(of_part_events)))
        return of_part, entity_features(own, moments.take(pa.array(of_part)), at, views)

    event_ends, moment_ends = (
        np.cumsum(counts)[ends - 1] for counts in (event_counts, moment_counts)
    )
    of_each = (np.split(of_moments, moment_ends[:-1]), np.split(of_events, event_ends[:-1]))
    for of_part, of_part_events in zip(*of_each, strict=True):
        yield partial(compute, of_part, of_part_events)


def _check_moments(asked: pa.Table, at: str) -> None:
    _, present = as_microseconds(asked.column(at), f"Spine column '{at}'")
    check_moments(int(np.count_nonzero(~present)), len(present), at)


def _one_array(column: Any) -> Any:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
