"""How an entity's chunks are changed where they lie in the SQLite store."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple

from lakehouse.features.online.layout.slots import ENDING, Grain, WindowLayout
from lakehouse.features.online.stores.protocol import Held, Pushed, Stored
from lakehouse.features.online.stores.sqlite.chunks import MOST_AT_ONCE, PUT, TABLES, series

_PUT_NEWEST = "INSERT OR REPLACE INTO newest VALUES (?, ?, ?, ?, ?)"
_DELETE_NEWEST = "DELETE FROM newest WHERE series = ? AND entity = ?"
_NEWEST = "SELECT entity, begin, payload, until FROM newest WHERE series = ? AND entity IN ({})"
_HOLDING = (
    "SELECT begin, payload, until FROM chunks WHERE series = ? AND entity = ? AND begin <= ? "
    "ORDER BY begin DESC LIMIT 1"
)
_NOTED = "SELECT number FROM notes WHERE generation = ? AND name = ? AND entity = ?"
NEWEST_BYTES, SETTLED_BYTES = 800, 1_800
"""The newest rows lie apart until they are so many: few pages hold those of all entities. Then they
join the entity's last chunk, if both are not more than a page holds well."""
Key = tuple[int, bytes]
"""A series and an entity."""


class There(NamedTuple):
    """A chunk as it lies in the file."""

    begin: int
    payload: bytes
    until: int


class NewestThere:
    """The newest chunks of entities that a transaction changes: read, and written, together."""

    def __init__(self, db: sqlite3.Connection, stored: Stored, entities: Sequence[bytes]) -> None:
        self._db = db
        layout = stored.layout
        # A latest value's chunk has one event time: the newest would move with every row.
        self.apart = isinstance(layout, WindowLayout)
        self.series: dict[Grain, int] = {"event": series(stored, "event")}
        if isinstance(layout, WindowLayout) and layout.tile_us is not None:
            self.series["tile"] = series(stored, "tile")
        self._held: dict[Key, There] = {}
        self._changed: dict[Key, There | None] = {}
        for first in range(0, len(entities) if self.apart else 0, MOST_AT_ONCE):
            some = entities[first : first + MOST_AT_ONCE]
            sql = _NEWEST.format(", ".join("?" * len(some)))
            for number in self.series.values():
                for entity, *newest in db.execute(sql, (number, *some)):
                    self._held[number, entity] = There(*newest)

    def of(self, key: Key) -> There | None:
        """The newest chunk of a series and entity, None if it does not lie apart."""
        return self._held.get(key)

    def put(self, key: Key, newest: There) -> None:
        self._held[key] = self._changed[key] = newest

    def remove(self, key: Key) -> None:
        if self._held.pop(key, None) is not None:
            self._changed[key] = None

    def write(self) -> None:
        """Write what was put, and delete what was removed."""
        put = [
            (*key, one.begin, one.until, one.payload)
            for key, one in self._changed.items()
            if one is not None
        ]
        gone = [key for key, one in self._changed.items() if one is None]
        self._db.executemany(_DELETE_NEWEST, gone)
        self._db.executemany(_PUT_NEWEST, put)


class EntityChunksThere:
    """One entity's chunks, changed where they lie: the transaction makes it one change."""

    def __init__(
        self,
        db: sqlite3.Connection,
        entity: bytes,
        newest: NewestThere,
        listed: ListedRows,
        notes: Notes | None,
    ) -> None:
        self._db, self._entity, self._newest, self._listed = db, entity, newest, listed
        self._notes = notes
        self._lasts: dict[Key, There | None] = {}

    def holding(self, grain: Grain, at_us: int) -> Held | None:
        key = (self._newest.series[grain], self._entity)
        newest = self._newest.of(key)
        if newest is not None and newest.begin <= at_us:
            return Held(newest.begin, newest.payload)
        last = self._last(key)
        if last is None or last.begin <= at_us:
            return None if last is None else Held(last.begin, last.payload)
        found = self._db.execute(_HOLDING, (*key, at_us)).fetchone()
        return None if found is None else Held(*found[:2])

    def put(self, grain: Grain, begin: int, until: int, payload: bytes) -> None:
        key = (self._newest.series[grain], self._entity)
        chunk, newest = There(begin, payload, until), self._newest.of(key)
        if newest is None:
            last = self._last(key) if self._newest.apart else There(ENDING, b"", ENDING)
            behind = last is None or begin > last.begin
        else:
            behind = begin >= newest.begin
            if begin > newest.begin:
                self._write(key, newest)
        if behind and len(payload) <= NEWEST_BYTES:
            self._newest.put(key, chunk)
            return
        if behind:
            self._newest.remove(key)
        self._write(key, chunk)

    def added(self, grain: Grain, after: Held, at_us: int, row: bytes) -> bool:
        key = (self._newest.series[grain], self._entity)
        newest = self._newest.of(key)
        if newest is None:
            last = self._last(key) if self._newest.apart else None
            if last is None or after.begin != last.begin:
                return False
            self._newest.put(key, There(at_us, row, at_us))
            return True
        if after.begin != newest.begin:
            return False
        grown = There(after.begin, after.payload + row, at_us)
        if len(grown.payload) <= NEWEST_BYTES:
            self._newest.put(key, grown)
            return True
        last = self._last(key)
        if last is not None and len(last.payload) + len(grown.payload) <= SETTLED_BYTES:
            grown = There(last.begin, last.payload + grown.payload, at_us)
        self._newest.remove(key)
        self._write(key, grown)
        return True

    def forget(self) -> None:
        for number in self._newest.series.values():
            key = (number, self._entity)
            for table in TABLES:
                self._db.execute(f"DELETE FROM {table} WHERE series = ? AND entity = ?", key)
            self._newest.remove(key)
        self._lasts.clear()

    def pushed(self) -> list[Pushed]:
        return self._listed.by_entity.get(self._entity, [])

    def list_pushed(self, row: Pushed) -> None:
        self._listed.added.append(row)

    def noted(self) -> int | None:
        return None if self._notes is None else self._notes.of(self._entity)

    def note(self, number: int) -> None:
        if self._notes is not None:
            self._notes.put(self._entity, number)

    def _write(self, key: Key, chunk: There) -> None:
        """Put a chunk among those that do not lie apart."""
        self._db.execute(PUT, (*key, chunk.begin, chunk.until, chunk.payload))
        self._lasts.pop(key, None)

    def _last(self, key: Key) -> There | None:
        """The last of the chunks that do not lie apart."""
        if key not in self._lasts:
            found = self._db.execute(_HOLDING, (*key, ENDING)).fetchone()
            self._lasts[key] = None if found is None else There(*found)
        return self._lasts[key]


class Notes:
    """The numbers noted of entities of one materialisation, under one name."""

    def __init__(self, db: sqlite3.Connection, generation: int, name: str) -> None:
        self._db, self._key = db, (generation, name)

    def of(self, entity: bytes) -> int | None:
        found = self._db.execute(_NOTED, (*self._key, entity)).fetchone()
        return None if found is None else int(found[0])

    def put(self, entity: bytes, number: int) -> None:
        self._db.execute(
            "INSERT OR REPLACE INTO notes VALUES (?, ?, ?, ?)", (*self._key, entity, number)
        )


class ListedRows:
    """The rows listed of a view as a transaction finds them."""

    def __init__(self, db: sqlite3.Connection, view: str) -> None:
        self._db, self._view = db, view
        self.added: list[Pushed] = []

    def write(self) -> None:
        """List the rows that were added."""
        rows = [(self._view, *row) for row in self.added]
        self._db.executemany("INSERT INTO pushed VALUES (?, ?, ?, ?, ?)", rows)

    @cached_property
    def by_entity(self) -> dict[bytes, list[Pushed]]:
        found: dict[bytes, list[Pushed]] = {}
        for row in listed(self._db, self._view):
            found.setdefault(row.entity, []).append(row)
        return found


def listed(db: sqlite3.Connection, view: str) -> list[Pushed]:
    """The rows that are listed as pushed, each once."""
    found = db.execute("SELECT entity, event_us, id, text FROM pushed WHERE view = ?", (view,))
    rows = [Pushed(*row) for row in found.fetchall()]
    return list({(row.entity, row.id, row.event_us): row for row in rows}.values())
