"""Materialise: bring the online store to a version of a view's table."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from lakehouse.declare import expressions
from lakehouse.declare.compiled import digest
from lakehouse.declare.features import FeatureView, StoredView
from lakehouse.engines import delta
from lakehouse.engines.context import Context
from lakehouse.features.binding import columns_of
from lakehouse.features.expressions_sql import to_sql
from lakehouse.features.online import Stored
from lakehouse.features.online_layout import Extent, WindowLayout, criteria, layout_of
from lakehouse.features.online_sqlite import SqliteStore
from lakehouse.features.packing import pack
from lakehouse.records.store import Run


@dataclass(frozen=True)
class Materialised:
    """What the online store holds of a view; `version` is that of the view's table."""

    rows: int
    entities: int
    version: int
    changed: bool


def materialise(ctx: Context, view: StoredView) -> Materialised:
    """Put a view's rows into the online store, all at once for every reader.

    Nothing is done while the store holds this version of the table under this declaration; a
    version that only compacted the table counts as the same. A run that is cut short leaves the
    store as it was.
    """
    with ctx.run("features", view.name) as run:
        newest = ctx.version(view.of)
        version = delta.data_version(ctx.path(view.of.zone, view.of.name), newest)
        assert version is not None  # ctx.version would have said that there is no table
        store = SqliteStore(ctx.home.online(ctx.domain.name))
        try:
            held = store.stored(view.name)
            wanted = digest(view)
            if held is not None and (held.version, held.digest) == (version, wanted):
                run.metrics["unchanged"] = True
                return Materialised(held.rows, held.entities, version, changed=False)
            table = _rows(ctx, view, run)
            extent = _extent(view, table)
            layout = layout_of(view, extent)
            stored = Stored(view.name, version, wanted, layout, extent.rows, extent.entities)
            store.replace(stored, pack(view, layout, table))
        finally:
            store.close()
        run.metrics.update(rows=extent.rows, entities=extent.entities)
        return Materialised(extent.rows, extent.entities, version, changed=True)


def _rows(ctx: Context, view: StoredView, run: Run) -> pa.Table:
    """The columns that the view uses, and for each criterion a column of booleans."""
    frame = ctx.read(view.of, run, columns=columns_of(view))
    layout = layout_of(view) if isinstance(view, FeatureView) else None
    if isinstance(layout, WindowLayout) and (named := criteria(layout)):
        names = {c.name: f"`{c.name}`" for c in view.of.columns}
        marks = [f"({to_sql(expressions.parse(w), names)}) AS `{n}`" for w, n in named.items()]
        frame = ctx.engine.query(f"SELECT *, {', '.join(marks)} FROM events", {"events": frame})
    return ctx.engine.to_arrow(frame)


def _extent(view: StoredView, table: pa.Table) -> Extent:
    """How much the table holds, by which the store cuts it into chunks."""
    keys = list(view.by.keys)
    entities = table.select(keys).group_by(keys).aggregate([]).num_rows
    at = view.of.event_time or "_known_at"
    found = pc.min_max(table[at].cast(pa.int64())).as_py()
    span = (found["max"] - found["min"]) if found["min"] is not None else 0
    return Extent(table.num_rows, entities, span)
