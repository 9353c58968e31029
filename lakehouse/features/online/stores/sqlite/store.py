"""The online store in one SQLite file: for a laptop, a test, or one server beside its lake.

The file is in WAL mode: readers in other processes go on while a view is replaced,
and see the old rows or the new ones, never some of each.
"""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from lakehouse.errors import NotFound
from lakehouse.features.online.layout.slots import LatestLayout
from lakehouse.features.online.stores.protocol import (
    Again,
    Change,
    Chunk,
    Pushed,
    Replaced,
    Span,
    Stored,
    Texts,
    TextsCollide,
)
from lakehouse.features.online.stores.serialising import from_text, to_text
from lakehouse.features.online.stores.sqlite.changes import (
    EntityChunksThere,
    ListedRows,
    NewestThere,
    Notes,
    listed,
)
from lakehouse.features.online.stores.sqlite.chunks import (
    CURRENT,
    PUT,
    TABLES,
    check_current,
    column,
    known,
    series,
    span,
)
from lakehouse.features.online.stores.sqlite.file import StoreFile

_NEWEST_FIRST = (
    "SELECT begin, payload FROM chunks WHERE series = ? AND entity = ? AND begin < ? "
    f"AND EXISTS ({CURRENT}) ORDER BY begin DESC"
)
_SUPERSEDED = (
    "DELETE FROM chunks WHERE series = ?1 AND begin < (SELECT max(later.begin) "
    "FROM chunks AS later WHERE later.series = ?1 AND later.entity = chunks.entity "
    "AND later.begin < ?2 AND later.until <= ?2)"
)
"""Latest values that another row, visible from the first moment asked for on, comes after."""


class SqliteStore:
    """An `OnlineStore` in a file. Connections are each for one thread.

    The file is made by the first write. Opened with `must_exist`, as by a server, it raises
    NotFound where there is none.
    """

    def __init__(self, path: Path, must_exist: bool = False) -> None:
        self._file = StoreFile(path)
        if must_exist and not path.exists():
            raise NotFound(
                f"There is no online store at {path}; 'lakehouse run DOMAIN features' makes it."
            )

    def stored(self, view: str) -> Stored | None:
        connection = self._file.reader()
        if connection is None:
            return None
        found = connection.execute("SELECT told FROM views WHERE view = ?", (view,)).fetchone()
        return None if found is None else from_text(found[0])

    def chunks(
        self, lookups: Sequence[tuple[Stored, Sequence[tuple[bytes, Sequence[Span]]]]]
    ) -> list[list[list[list[bytes]]]]:
        return [
            [self._of_one(stored, *of_view[0])]
            if len(of_view) == 1
            else self._of_several(stored, of_view)
            for stored, of_view in lookups
        ]

    def _of_one(self, stored: Stored, entity: bytes, spans: Sequence[Span]) -> list[list[bytes]]:
        connection = self._reader(stored)
        if len(spans) == 1:
            found = [span(connection, stored, entity, *spans[0])]
        else:  # what spans tell apart must be of one state
            connection.execute("BEGIN")
            try:
                found = [span(connection, stored, entity, *one) for one in spans]
            finally:
                connection.execute("COMMIT")
        return found

    def _of_several(
        self, stored: Stored, lookups: Sequence[tuple[bytes, Sequence[Span]]]
    ) -> list[list[list[bytes]]]:
        connection = self._reader(stored)
        connection.execute("BEGIN")
        try:
            spans = lookups[0][1] if lookups else ()
            if all(others == spans for _, others in lookups):
                entities = [entity for entity, _ in lookups]
                columns = [column(connection, stored, entities, *one) for one in spans]
                found = [list(of_entity) for of_entity in zip(*columns, strict=True)]
                check_current(connection, stored)
            else:
                found = [
                    [span(connection, stored, entity, *one) for one in spans]
                    for entity, spans in lookups
                ]
        finally:
            connection.execute("COMMIT")
        return found

    def newest_first(self, stored: Stored, entity: bytes, end_us: int) -> Iterator[bytes]:
        connection = self._reader(stored)
        asked = (series(stored, "event"), entity, end_us, *known(stored))
        cursor = connection.execute(_NEWEST_FIRST, asked)
        empty = True
        try:
            for _, payload in cursor:
                empty = False
                yield payload
        finally:
            cursor.close()  # an open one would keep the log from being moved into the file
        if empty:
            check_current(connection, stored)

    def texts(self, stored: Stored, numbers: Iterable[int]) -> dict[int, bytes]:
        connection = self._reader(stored)
        found = {}
        for number in numbers:
            row = connection.execute(
                "SELECT text FROM texts WHERE generation = ? AND number = ?",
                (stored.generation, number),
            ).fetchone()
            if row is None:
                raise Replaced(stored.view)
            found[number] = row[0]
        return found

    def newest_first_of_many(
        self, stored: Stored, lookups: Sequence[tuple[bytes, int]]
    ) -> list[Iterator[bytes]]:
        return [self.newest_first(stored, entity, end_us) for entity, end_us in lookups]

    def replace(
        self,
        stored: Stored,
        chunks: Iterable[Chunk],
        texts: Texts,
        again: Again = lambda pushed: ({}, {}),
    ) -> Stored:
        with self._file.writing() as db:
            before = "SELECT generation FROM views WHERE view = ?"
            for (old,) in db.execute(before, (stored.view,)).fetchall():
                for table in TABLES:
                    db.execute(
                        f"DELETE FROM {table} WHERE series IN (?, ?)", (2 * old, 2 * old + 1)
                    )
                db.execute("DELETE FROM notes WHERE generation = ?", (old,))
                db.execute("DELETE FROM texts WHERE generation = ?", (old,))
            # Never the same twice, in this file or one made anew in its place.
            made = replace(stored, generation=uuid.uuid4().int >> 66)
            db.executemany(
                PUT,
                ((series(made, c.grain), c.entity, c.begin, c.until, c.payload) for c in chunks),
            )
            _keep_texts(db, made, texts)
            _tell(db, made)
            changes, more = again(listed(db, stored.view))
            _keep_texts(db, made, more)
            _make(db, made, changes)
            _prune(db, made)
        self._file.checkpoint()
        return made

    def change(
        self,
        stored: Stored,
        changes: Mapping[bytes, Change],
        texts: Texts,
        notes: str | None = None,
        confirmed: Iterable[tuple[bytes, int]] = (),
    ) -> None:
        with self._file.writing() as db:
            _check_generation(db, stored)
            _keep_texts(db, stored, texts)
            _make(db, stored, changes, notes)
            _confirm(db, stored, set(confirmed))

    def advance(self, stored: Stored) -> None:
        with self._file.writing() as db:
            _check_generation(db, stored)
            _tell(db, stored)
            _prune(db, stored)
            db.execute(
                "DELETE FROM pushed WHERE view = ? AND event_us < ?",
                (stored.view, stored.horizon.of_rows),
            )

    def pushed(self, view: str) -> list[Pushed]:
        connection = self._file.reader()
        if connection is None:
            return []
        return listed(connection, view)

    def close(self) -> None:
        self._file.close()

    def _reader(self, stored: Stored) -> sqlite3.Connection:
        connection = self._file.reader()
        if connection is None:
            raise Replaced(stored.view)
        return connection


def _make(
    db: sqlite3.Connection,
    stored: Stored,
    changes: Mapping[bytes, Change],
    name: str | None = None,
) -> None:
    listed, newest = ListedRows(db, stored.view), NewestThere(db, stored, list(changes))
    notes = None if name is None else Notes(db, stored.generation, name)
    for entity, change in changes.items():
        change(EntityChunksThere(db, entity, newest, listed, notes))
    newest.write()
    listed.write()


def _tell(db: sqlite3.Connection, stored: Stored) -> None:
    db.execute(
        "INSERT OR REPLACE INTO views VALUES (?, ?, ?, ?)",
        (stored.view, stored.generation, stored.kept_from_us, to_text(stored)),
    )


def _confirm(db: sqlite3.Connection, stored: Stored, confirmed: set[tuple[bytes, int]]) -> None:
    if not confirmed:
        return
    found = db.execute("SELECT rowid, entity, id FROM pushed WHERE view = ?", (stored.view,))
    gone = [(row,) for row, *of in found.fetchall() if tuple(of) in confirmed]
    db.executemany("DELETE FROM pushed WHERE rowid = ?", gone)


def _keep_texts(db: sqlite3.Connection, stored: Stored, texts: Texts) -> None:
    for number, text in texts.items():
        db.execute(
            "INSERT OR IGNORE INTO texts VALUES (?, ?, ?)", (stored.generation, number, text)
        )
        if not db.execute("SELECT changes()").fetchone()[0]:
            _check_same(db, stored, number, text)


def _check_same(db: sqlite3.Connection, stored: Stored, number: int, text: bytes) -> None:
    (there,) = db.execute(
        "SELECT text FROM texts WHERE generation = ? AND number = ?", (stored.generation, number)
    ).fetchone()
    if there != text:
        raise TextsCollide(stored.view)


def _prune(db: sqlite3.Connection, stored: Stored) -> None:
    events, tiles = series(stored, "event"), series(stored, "tile")
    if isinstance(stored.layout, LatestLayout):
        db.execute(
            "DELETE FROM chunks WHERE series = ? AND begin < ?", (events, stored.horizon.events_us)
        )
        db.execute(_SUPERSEDED, (events, stored.kept_from_us))
        return
    for number, before in ((events, stored.horizon.events_us), (tiles, stored.horizon.tiles_us)):
        for table in TABLES:
            db.execute(f"DELETE FROM {table} WHERE series = ? AND until < ?", (number, before))


def _check_generation(connection: sqlite3.Connection, stored: Stored) -> None:
    found = connection.execute(
        "SELECT 1 FROM views WHERE view = ? AND generation = ?", (stored.view, stored.generation)
    ).fetchone()
    if found is None:
        raise Replaced(stored.view)
