"""Where an entity's chunks lie in the SQLite store, and how they are read.

Chunks lie in one B-tree ordered by view, entity and time. Rows that are added behind all others of
their entity lie in a B-tree of their own, beside those of other entities, until they are many:
streams add to the newest rows of many entities, and so write a few pages again and again, not one
for each entity.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from lakehouse.features.online.layout.slots import Grain
from lakehouse.features.online.stores.protocol import Replaced, Stored

PUT = "INSERT OR REPLACE INTO chunks VALUES (?, ?, ?, ?, ?)"
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
