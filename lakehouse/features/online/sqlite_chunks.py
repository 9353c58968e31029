"""Where an entity's chunks lie in the SQLite store, and how they are read and changed.

Chunks lie in one B-tree ordered by view, entity and time. The newest chunk of an entity, once it
has been changed, lies in a B-tree of its own, beside those of other entities: streams add to the
newest rows of many entities, and so write a few pages again and again, not one for each entity.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from functools import cached_property

from lakehouse.features.online.layout import BEGINNING, Grain, LatestLayout
from lakehouse.features.online.protocol import Held, Pushed, Replaced, Stored

PUT = "INSERT OR REPLACE INTO chunks VALUES (?, ?, ?, ?, ?)"
_PUT_NEWEST = "INSERT OR REPLACE INTO newest VALUES (?, ?, ?, ?, ?)"
_NEWEST = "SELECT begin, payload, until FROM newest WHERE series = ? AND entity = ?"
_BACKWARDS = (
    "SELECT begin, payload FROM newest WHERE series = ?1 AND entity = ?2 AND begin < ?3 UNION ALL "
    "SELECT begin, payload FROM chunks WHERE series = ?1 AND entity = ?2 AND begin < ?3 "
    "ORDER BY begin DESC"
)
"""Both are in this order already, so that only what is asked for is read."""
_OF_SEVERAL = (
    "SELECT entity, payload FROM chunks WHERE series = ? AND begin < ? AND until >= ? "
    "AND entity IN ({}) ORDER BY entity, begin"
)
_NEWEST_OF_SEVERAL = (
    "SELECT entity, payload FROM newest WHERE series = ? AND begin < ? AND until >= ? "
    "AND entity IN ({})"
)
_HOLDING = (
    "SELECT begin, payload FROM chunks WHERE series = ? AND entity = ? AND begin <= ? "
    "ORDER BY begin DESC LIMIT 1"
)
CURRENT = "SELECT 1 FROM views WHERE view = ? AND generation = ? AND kept_from_us = ?"
TABLES = ("chunks", "newest")
MOST_AT_ONCE = 500


def series(stored: Stored, grain: Grain) -> int:
    """The number that chunks of a view and grain are stored by."""
    return 2 * stored.generation + (grain == "tile")


def known(stored: Stored) -> tuple[str, int, int]:
    """What `CURRENT` is asked with."""
    return stored.view, stored.generation, stored.kept_from_us


def check_current(connection: sqlite3.Connection, stored: Stored) -> None:
    """Raise Replaced unless what is told now is what a reader knows.

    Else chunks may be another's, and rows before their horizon gone.
    """
    if connection.execute(CURRENT, known(stored)).fetchone() is None:
        raise Replaced(stored.view)


def span(
    connection: sqlite3.Connection,
    stored: Stored,
    entity: bytes,
    grain: Grain,
    first_us: int,
    end_us: int,
) -> list[bytes]:
    """An entity's chunks of a span, in order; raises Replaced."""
    found: list[bytes] = []
    cursor = connection.execute(_BACKWARDS, (series(stored, grain), entity, end_us))
    for begin, payload in cursor:
        found.append(payload)
        if begin <= first_us:  # and all after it are there: what is removed is oldest
            break
    else:
        check_current(connection, stored)
    cursor.close()  # an open one would keep the log from being moved into the file
    found.reverse()
    return found


def column(
    connection: sqlite3.Connection,
    stored: Stored,
    entities: Sequence[bytes],
    grain: Grain,
    first_us: int,
    end_us: int,
) -> list[list[bytes]]:
    """One span of several entities. What ends before it has no row in it."""
    by_entity: dict[bytes, list[bytes]] = {entity: [] for entity in entities}
    distinct = list(by_entity)
    for first in range(0, len(distinct), MOST_AT_ONCE):
        some = distinct[first : first + MOST_AT_ONCE]
        marks = ", ".join("?" * len(some))
        asked = (series(stored, grain), end_us, first_us, *some)
        for sql in (_OF_SEVERAL, _NEWEST_OF_SEVERAL):
            for entity, payload in connection.execute(sql.format(marks), asked).fetchall():
                by_entity[entity].append(payload)
    return [by_entity[entity] for entity in entities]


class EntityChunksThere:
    """One entity's chunks, changed where they lie: the transaction makes it one change."""

    def __init__(
        self, db: sqlite3.Connection, stored: Stored, entity: bytes, listed: ListedRows
    ) -> None:
        self._db, self._entity, self._listed = db, entity, listed
        self._series: dict[Grain, int] = {
            grain: series(stored, grain) for grain in ("event", "tile")
        }
        # A latest value's chunk has one event time: the newest would move with every row.
        self._newest_apart = not isinstance(stored.layout, LatestLayout)
        self._newest: dict[Grain, tuple[int, bytes, int] | None] = {}

    def holding(self, grain: Grain, at_us: int) -> Held | None:
        newest = self._newest_of(grain)
        if newest is not None and newest[0] <= at_us:
            return Held(newest[0], newest[1])
        found = self._db.execute(_HOLDING, (self._series[grain], self._entity, at_us)).fetchone()
        return None if found is None else Held(*found)

    def put(self, grain: Grain, begin: int, until: int, payload: bytes) -> None:
        key = (self._series[grain], self._entity)
        newest = self._newest_of(grain)
        if not (self._made_way(grain, begin) if newest is None else begin >= newest[0]):
            self._db.execute(PUT, (*key, begin, until, payload))
            return
        if newest is not None and begin > newest[0]:
            self._db.execute(PUT, (*key, newest[0], newest[2], newest[1]))
        self._db.execute(_PUT_NEWEST, (*key, begin, until, payload))
        self._newest[grain] = (begin, payload, until)

    def forget(self) -> None:
        for number in self._series.values():
            for table in TABLES:
                self._db.execute(
                    f"DELETE FROM {table} WHERE series = ? AND entity = ?", (number, self._entity)
                )
        self._newest.clear()

    def pushed(self) -> list[Pushed]:
        return self._listed.by_entity.get(self._entity, [])

    def _newest_of(self, grain: Grain) -> tuple[int, bytes, int] | None:
        if not self._newest_apart:
            return None
        if grain not in self._newest:
            asked = (self._series[grain], self._entity)
            self._newest[grain] = self._db.execute(_NEWEST, asked).fetchone()
        return self._newest[grain]

    def _made_way(self, grain: Grain, begin: int) -> bool:
        """Whether a chunk that is put goes apart as the first; what it replaces is removed then."""
        if not self._newest_apart:
            return False
        key = (self._series[grain], self._entity)
        (last,) = self._db.execute(
            "SELECT max(begin) FROM chunks WHERE series = ? AND entity = ?", key
        ).fetchone()
        if begin < (BEGINNING if last is None else last):
            return False
        self._db.execute(
            "DELETE FROM chunks WHERE series = ? AND entity = ? AND begin = ?", (*key, begin)
        )
        return True


class ListedRows:
    """The rows listed of a view as a transaction finds them."""

    def __init__(self, db: sqlite3.Connection, view: str) -> None:
        self._db, self._view = db, view

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
