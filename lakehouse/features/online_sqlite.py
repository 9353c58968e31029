"""The online store in one SQLite file: for a laptop, a test, or one server beside its lake.

Rows lie in one B-tree ordered by view, entity and bucket, so that a read is one descent and a few
neighbours. The file is in WAL mode: readers in other processes go on while a view is replaced,
and see the old rows or the new ones, never some of each.
"""

from __future__ import annotations

import json
import sqlite3
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from lakehouse.declare.features import StoredView
from lakehouse.engines.protocol import Transaction
from lakehouse.errors import NotFound
from lakehouse.features.online import Chunk, Replaced, Stored
from lakehouse.features.online_layout import Grain, from_data, to_data
from lakehouse.features.online_reader import FeatureReader
from lakehouse.features.store_file import StoreFile

_CHUNKS = (
    "SELECT payload FROM chunks WHERE series = ? AND entity = ? AND bucket BETWEEN ? AND ? "
    "ORDER BY bucket, seq"
)
_NEWEST_FIRST = (
    "SELECT bucket, payload FROM chunks WHERE series = ? AND entity = ? "
    "AND bucket BETWEEN ? AND ? ORDER BY bucket DESC, seq DESC"
)


class SqliteStore:
    """An `OnlineStore` in a file. Connections are one for each thread, for reading only.

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
        found = connection.execute("SELECT * FROM views WHERE view = ?", (view,)).fetchone()
        if found is None:
            return None
        _, generation, version, digest, layout, rows, entities = found
        return Stored(
            view, version, digest, from_data(json.loads(layout)), rows, entities, generation
        )

    def chunks(
        self, stored: Stored, grain: Grain, entity: bytes, first: int, last: int
    ) -> Sequence[bytes]:
        connection = self._reader(stored)
        series = _series(stored, grain)
        found = [row[0] for row in connection.execute(_CHUNKS, (series, entity, first, last))]
        if not found:
            _check(connection, stored)
        return found

    def newest_first(
        self, stored: Stored, entity: bytes, first: int, last: int
    ) -> Iterator[tuple[int, bytes]]:
        connection = self._reader(stored)
        key = (_series(stored, "event"), entity, first, last)
        empty = True
        for bucket, payload in connection.execute(_NEWEST_FIRST, key):
            empty = False
            yield bucket, payload
        if empty:
            _check(connection, stored)

    def replace(self, stored: Stored, chunks: Iterable[Chunk]) -> Stored:
        with self._file.writing() as db:
            before = "SELECT generation FROM views WHERE view = ?"
            for (old,) in db.execute(before, (stored.view,)).fetchall():
                db.execute("DELETE FROM chunks WHERE series IN (?, ?)", (2 * old, 2 * old + 1))
                db.execute("DELETE FROM appended WHERE generation = ?", (old,))
            # Never the same twice, in this file or one made anew in its place.
            made = replace(stored, generation=uuid.uuid4().int >> 66)
            db.executemany(
                "INSERT INTO chunks VALUES (?, ?, ?, 0, ?)",
                ((_series(made, c.grain), c.entity, c.bucket, c.payload) for c in chunks),
            )
            db.execute(
                "INSERT OR REPLACE INTO views VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    made.view,
                    made.generation,
                    made.version,
                    made.digest,
                    json.dumps(to_data(made.layout)),
                    made.rows,
                    made.entities,
                ),
            )
        self._file.checkpoint()
        return made

    def append(self, stored: Stored, chunks: Iterable[Chunk], transaction: Transaction) -> bool:
        with self._file.writing() as db:
            _check(db, stored)
            key = (stored.generation, transaction.application)
            seen = db.execute(
                "SELECT version FROM appended WHERE generation = ? AND application = ?", key
            ).fetchone()
            if seen is not None and seen[0] >= transaction.version:
                return False
            for chunk in chunks:
                place = (_series(stored, chunk.grain), chunk.entity, chunk.bucket)
                db.execute(
                    "INSERT INTO chunks SELECT ?1, ?2, ?3, coalesce(max(seq), 0) + 1, ?4 "
                    "FROM chunks WHERE series = ?1 AND entity = ?2 AND bucket = ?3",
                    (*place, chunk.payload),
                )
            db.execute(
                "INSERT OR REPLACE INTO appended VALUES (?, ?, ?)", (*key, transaction.version)
            )
        return True

    def close(self) -> None:
        self._file.close()

    def _reader(self, stored: Stored) -> sqlite3.Connection:
        connection = self._file.reader()
        if connection is None:
            raise Replaced(stored.view)
        return connection


class OnlineFeatures(FeatureReader):
    """Features of a lake's online store, for serving.

    >>> OnlineFeatures(Path("nowhere.db"), ())
    Traceback (most recent call last):
    lakehouse.errors.NotFound: There is no online store at nowhere.db; ...
    """

    def __init__(self, path: Path, views: Iterable[StoredView]) -> None:
        super().__init__(SqliteStore(path, must_exist=True), views)


def _series(stored: Stored, grain: Grain) -> int:
    return 2 * stored.generation + (grain == "tile")


def _check(connection: sqlite3.Connection, stored: Stored) -> None:
    found = connection.execute(
        "SELECT 1 FROM views WHERE view = ? AND generation = ?", (stored.view, stored.generation)
    ).fetchone()
    if found is None:
        raise Replaced(stored.view)
