"""A view's table as it goes into the online store: how much of it there is, and its rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from lakehouse.context import Context
from lakehouse.declare.features import StoredView
from lakehouse.declare.tables import table_column
from lakehouse.engines.arrow_types import MICROSECONDS, arrow_type
from lakehouse.errors import LakehouseError
from lakehouse.features.online.layout.slots import BEGINNING, LatestLayout, Layout, computed_for
from lakehouse.language.provenance import KNOWN_AT
from lakehouse.records.store import Run
from lakehouse.times import microseconds

SLICE_ROWS = 4_000_000
"""About so many rows are in memory at once, some 100 bytes each."""


class KeyTooLarge(LakehouseError):
    """An entity has more rows in a window than are read at once online."""


@dataclass(frozen=True)
class Extent:
    """How much a view's table holds: rows and entities, and up to when.

    `newest_us` is the time of the newest row, or when it was known if that was before; 0 where
    there is none. A row from the future, by the wall clock, moves nothing out of reach.
    """

    rows: int
    entities: int
    newest_us: int


def columns_needed(view: StoredView) -> list[str]:
    """The columns that the online store needs of a view's table: the table's key tells rows."""
    return list(dict.fromkeys((*view.source_columns, *view.of.keys)))


class ViewSource:
    """A view's table at the version that a context reads."""

    def __init__(self, ctx: Context, view: StoredView, run: Run) -> None:
        self._engine, self._view = ctx.engine, view
        self._frame = ctx.read(view.of, run, columns=columns_needed(view))
        self._time = f"`{view.of.event_time or KNOWN_AT}`"
        # What has no event time stands a microsecond before it is known.
        self._shift = view.of.event_time is None
        needed = dict.fromkeys((*view.by.keys, view.of.event_time or KNOWN_AT, KNOWN_AT))
        self._counted = " AND ".join(f"`{name}` IS NOT NULL" for name in needed)
        self._listed_keys = ", ".join(f"`{k}`" for k in view.by.keys)
        self._first_us = self._last_us = self._newest_us = self._rows = 0
        self._now_us = microseconds(ctx.records.now())

    def extent(self) -> Extent:
        """Count what counts at some moment."""
        seen = f"least({self._time}, `{KNOWN_AT}`)"
        found = self._query(
            f"SELECT count(*) AS row_count, min({self._time}) AS first_at, "
            f"max({self._time}) AS last_at, "
            f"max(CASE WHEN unix_micros({seen}) <= {self._now_us} THEN {seen} END) AS newest_at "
            f"FROM `rows` WHERE {self._counted}"
        )
        self._rows = int(found.column("row_count")[0].as_py())
        self._first_us, self._last_us, self._newest_us = (
            found.column(name).cast(MICROSECONDS).cast(pa.int64())[0].as_py() or 0
            for name in ("first_at", "last_at", "newest_at")
        )
        distinct = self._query(
            "SELECT count(*) AS entity_count FROM "
            f"(SELECT DISTINCT {self._listed_keys} FROM `rows` WHERE {self._counted}) AS entities"
        )
        entities = int(distinct.column("entity_count")[0].as_py())
        return Extent(self._rows, entities, self._newest_us)

    def check_entities(self, first_us: int, most_rows: int) -> None:
        """Raise KeyTooLarge for an entity with more rows in a window exact to the event."""
        view = self._view
        exact = [w.reach_us for w in view.windows if not w.tiled and w.rows is None]
        if not exact or self._rows <= most_rows:
            return
        begin = max(first_us, self._newest_us - max(us for us in exact if us is not None))
        found = self._query(
            "SELECT count(*) AS entities, max(own) AS most FROM "
            f"(SELECT count(*) AS own FROM `rows` WHERE {self._counted} "
            f"AND unix_micros({self._time}) >= {begin} "
            f"GROUP BY {self._listed_keys} HAVING count(*) > {most_rows}) AS large"
        )
        entities, most = (int(found.column(n)[0].as_py() or 0) for n in ("entities", "most"))
        if entities:
            raise KeyTooLarge(
                f"View '{view.name}': {entities} of its entities ({view.by.name}) have more than "
                f"{most_rows} rows in the longest window that is exact to the event, up to {most}; "
                "give that window an edge, as in last('30d', edge='1h'), or raise "
                "LAKEHOUSE_ONLINE_MOST_ROWS."
            )

    def entities(self, since_us: int, until_us: int) -> list[tuple[Any, ...]]:
        """The keys of entities with a row whose event time lies in [since, until)."""
        found = self._query(
            f"SELECT DISTINCT {self._listed_keys} FROM `rows` WHERE {self._counted} "
            f"AND unix_micros({self._time}) >= {since_us + self._shift} "
            f"AND unix_micros({self._time}) < {until_us + self._shift}"
        )
        return [tuple(row.values()) for row in found.to_pylist()]

    def known_keys(self, keys: Iterable[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        """Of keys of the table those that it has; one with a null is not found."""
        names = self._view.of.keys
        frames = {"rows": self._frame}
        frames["asked"] = self._engine.from_arrow(self._table_of(names, list(keys)))
        listed = ", ".join(f"asked.`{name}`" for name in names)
        sql = f"SELECT DISTINCT {listed} FROM `rows` AS r JOIN asked ON {_equal(names)}"
        found = self._engine.to_arrow(self._engine.query(sql, frames))
        return [tuple(row.values()) for row in found.to_pylist()]

    def slices(
        self,
        layout: Layout,
        first_us: int = BEGINNING,
        entities: Sequence[tuple[Any, ...]] | None = None,
    ) -> Iterator[pa.Table]:
        """Yield the rows from `first_us` on, of all entities or some, in slices of time."""
        if not self._rows:
            self.extent()
        selected = self._selected(layout)
        frames = {"rows": self._frame}
        source = "`rows` AS r"
        if entities is not None:
            names = self._view.by.keys
            frames["asked"] = self._engine.from_arrow(self._table_of(names, entities))
            source += f" JOIN asked ON {_equal(names)}"
        counted = " AND ".join(f"r.{part}" for part in self._counted.split(" AND "))
        for begin, end in self._slices(first_us, layout):
            sql = (
                f"SELECT {selected} FROM {source} WHERE {counted} "
                f"AND unix_micros(r.{self._time}) >= {begin} "
                f"AND unix_micros(r.{self._time}) < {end}"
            )
            yield self._engine.to_arrow(self._engine.query(sql, frames))

    def _slices(self, first_us: int, layout: Layout) -> Iterator[tuple[int, int]]:
        """Yield slices that hold about `SLICE_ROWS` rows each, and all of them.

        A slice holds whole tiles, so that no tile is made twice.
        """
        unit = getattr(layout, "tile_us", None) or 1
        low = max(self._first_us - 1, first_us)
        begin, end = low // unit, self._last_us // unit + 1
        parts = -(-self._rows // SLICE_ROWS)
        step = max(-(-(end - begin) // max(parts, 1)), 1)
        for first in range(begin, end, step):
            yield first * unit + self._shift, min(first + step, end) * unit + self._shift

    def _selected(self, layout: Layout) -> str:
        view = self._view
        columns = [*view.by.keys, view.of.event_time or KNOWN_AT, KNOWN_AT, *view.of.keys]
        computed = computed_for(view.of, layout)
        if isinstance(layout, LatestLayout):
            columns += [c.name for c in layout.columns]
        else:
            held = (text for slot in layout.slots for text in (slot.where, slot.column))
            columns += [text for text in held if text is not None and text not in computed.names]
        names = {c.name: f"r.`{c.name}`" for c in view.of.columns}
        listed = [*(f"r.`{name}`" for name in dict.fromkeys(columns)), *computed.sql(names)]
        return ", ".join(listed)

    def _table_of(self, names: Sequence[str], keys: Sequence[tuple[Any, ...]]) -> pa.Table:
        columns = {}
        for place, name in enumerate(names):
            column = table_column(self._view.of, name)
            values = [key[place] for key in keys]
            columns[name] = pa.array(values, arrow_type(column.kind, column.scale))
        return pa.table(columns)

    def _query(self, sql: str) -> Any:
        return self._engine.to_arrow(self._engine.query(sql, {"rows": self._frame}))


def _equal(names: Sequence[str]) -> str:
    return " AND ".join(f"r.`{name}` = asked.`{name}`" for name in names)
