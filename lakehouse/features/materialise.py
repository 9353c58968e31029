"""Bring the online store up to date with a view's table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from lakehouse.declare import compiled, expressions
from lakehouse.declare.features import StoredView
from lakehouse.engines.arrow_types import MICROSECONDS
from lakehouse.engines.context import Context
from lakehouse.engines.protocol import KNOWN_AT, Engine, Frame
from lakehouse.errors import LakehouseError
from lakehouse.features.binding import columns_of
from lakehouse.features.expressions_sql import to_sql
from lakehouse.features.online import Chunk, OnlineStore, Stored
from lakehouse.features.online_layout import (
    Extent,
    LatestLayout,
    Layout,
    criteria,
    layout_of,
    slice_us,
)
from lakehouse.features.online_sqlite import SqliteStore
from lakehouse.features.packing import pack

SLICE_ROWS = 4_000_000
"""About so many rows are in memory at once, some 100 bytes each."""


@dataclass(frozen=True)
class Materialised:
    """What the online store holds of a view: its rows, entities, and its table's version.

    `changed` says whether anything had to be done.
    """

    rows: int
    entities: int
    version: int
    changed: bool


def materialise(ctx: Context, view: StoredView, store: OnlineStore | None = None) -> Materialised:
    """Put the rows of a view's table, at its newest version, into the online store.

    Readers see all of it or what was there before. Nothing is done if the table's version and
    the view's declaration are those that the store was filled for. `store` is the lake's own
    SQLite file by default.
    """
    if ctx.pins is not None:
        raise LakehouseError(
            f"View '{view.name}' cannot be materialised as of the past: the online store holds the "
            "newest version of its table; ask historical features for a past one."
        )
    online = store if store is not None else SqliteStore(ctx.home.online(ctx.domain.name))
    digest = compiled.digest(view)
    with ctx.run("features", view.name) as run:
        version = ctx.version(view.of)
        there = online.stored(view.name)
        if there is not None and (there.version, there.digest) == (version, digest):
            run.metrics["unchanged"] = True
            return Materialised(there.rows, there.entities, version, changed=False)
        frame = ctx.read(view.of, run, columns=columns_of(view))
        source = _Source(ctx.engine, view, frame)
        layout = layout_of(view, source.extent)
        stored = Stored(
            view.name, version, digest, layout, source.extent.rows, source.extent.entities
        )
        online.replace(stored, source.chunks(layout))
        run.metrics |= {"rows": stored.rows, "entities": stored.entities, "version": version}
    if store is None:
        online.close()
    return Materialised(stored.rows, stored.entities, version, changed=True)


class _Source:
    """A view's table: how much there is of it, and its rows in slices of time."""

    def __init__(self, engine: Engine, view: StoredView, frame: Frame) -> None:
        self._engine, self._view, self._frame = engine, view, frame
        self._time = f"`{view.of.event_time or KNOWN_AT}`"
        needed = dict.fromkeys((*view.by.keys, view.of.event_time or KNOWN_AT, KNOWN_AT))
        self._counted = " AND ".join(f"`{name}` IS NOT NULL" for name in needed)
        found = self._query(
            f"SELECT count(*) AS row_count, min({self._time}) AS first_at, "
            f"max({self._time}) AS last_at FROM `rows` WHERE {self._counted}"
        )
        rows = int(found.column("row_count")[0].as_py())
        self._first_us, self._last_us = (
            found.column(name).cast(MICROSECONDS).cast(pa.int64())[0].as_py() or 0
            for name in ("first_at", "last_at")
        )
        keys = ", ".join(f"`{k}`" for k in view.by.keys)
        distinct = self._query(
            "SELECT count(*) AS entity_count FROM "
            f"(SELECT DISTINCT {keys} FROM `rows` WHERE {self._counted}) AS entities"
        )
        entities = int(distinct.column("entity_count")[0].as_py())
        self.extent = Extent(rows, entities, self._last_us - self._first_us)

    def chunks(self, layout: Layout) -> Iterator[Chunk]:
        """Yield all chunks, one slice of time after another, none of them much in memory."""
        selected = self._selected(layout)
        for begin, end in self._slices(slice_us(layout)):
            sql = (
                f"SELECT {selected} FROM `rows` WHERE {self._counted} "
                f"AND unix_micros({self._time}) >= {begin} AND unix_micros({self._time}) < {end}"
            )
            yield from pack(self._view, layout, self._query(sql))

    def _slices(self, unit: int) -> Iterator[tuple[int, int]]:
        """Yield slices of whole units that hold about `SLICE_ROWS` rows each, and all of them."""
        # What has no event time stands a microsecond before it is known.
        begin, end = (self._first_us - 1) // unit, self._last_us // unit + 1
        parts = -(-self.extent.rows // SLICE_ROWS)
        step = max(-(-(end - begin) // max(parts, 1)), 1)
        shift = self._view.of.event_time is None
        for first in range(begin, end, step):
            yield first * unit + shift, min(first + step, end) * unit + shift

    def _selected(self, layout: Layout) -> str:
        view = self._view
        columns = [*view.by.keys, view.of.event_time or KNOWN_AT, KNOWN_AT]
        if isinstance(layout, LatestLayout):
            columns += [c.name for c in layout.columns]
            holds: list[str] = []
        else:
            columns += [slot.column for slot in layout.slots if slot.column is not None]
            names = {c.name: f"`{c.name}`" for c in view.of.columns}
            holds = [
                f"{to_sql(expressions.parse(text), names)} AS `{name}`"
                for text, name in criteria(layout).items()
            ]
        return ", ".join([*(f"`{name}`" for name in dict.fromkeys(columns)), *holds])

    def _query(self, sql: str) -> Any:
        return self._engine.to_arrow(self._engine.query(sql, {"rows": self._frame}))
