"""The online store in one SQLite file: for a laptop, a test, or one server beside its lake.

Rows lie in one B-tree ordered by view, entity and bucket, so that a read is one descent and a few
neighbours. The file is in WAL mode: readers in other processes go on while a view is replaced,
and see the old rows or the new ones, never some of each.
"""

from __future__ import annotations

import json
import os
import sqlite3
import threading
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from lakehouse.declare.features import StoredView
from lakehouse.engines.protocol import Transaction
from lakehouse.errors import LakeFormatError, NotFound
from lakehouse.features.online import Chunk, Replaced, Stored
from lakehouse.features.online_layout import Grain, from_data, to_data
from lakehouse.features.online_reader import FeatureReader

FORMAT = 1
_SCHEMA = """
CREATE TABLE IF NOT EXISTS views (
    view TEXT PRIMARY KEY, generation INTEGER NOT NULL,
    version INTEGER NOT NULL,       -- of the Delta table the rows came from
    digest TEXT NOT NULL,           -- of the view's declaration
    layout TEXT NOT NULL,           -- JSON: what the slots of a row are
    rows INTEGER NOT NULL, entities INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS chunks (
    series INTEGER NOT NULL,        -- twice the generation, + 1 for tiles
    entity BLOB NOT NULL, bucket INTEGER NOT NULL,
    seq INTEGER NOT NULL,           -- 0 as materialised, then as appended
    payload BLOB NOT NULL,
    PRIMARY KEY (series, entity, bucket, seq)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS appended (
    generation INTEGER NOT NULL, application TEXT NOT NULL, version INTEGER NOT NULL,
    PRIMARY KEY (generation, application)
);
"""
_CHUNKS = (
    "SELECT payload FROM chunks WHERE series = ? AND entity = ? AND bucket BETWEEN ? AND ? "
    "ORDER BY bucket, seq"
)
_NEWEST_FIRST = (
    "SELECT bucket, payload FROM chunks WHERE series = ? AND entity = ? "
    "AND bucket BETWEEN ? AND ? ORDER BY bucket DESC, seq DESC"
)
_PAGE_BYTES = 16_384
"""Chunks of some thousand bytes lie whole in such a page; in smaller ones they would overflow."""
_CACHE_KIB = 65_536


class SqliteStore:
    """An `OnlineStore` in a file. Connections are one for each thread, for reading only.

    The file is made by the first write. Opened with `must_exist`, as by a server, it raises
    NotFound where there is none.
    """

    def __init__(self, path: Path, must_exist: bool = False) -> None:
        self.path = path
        self._local = threading.local()
        self._opened: list[sqlite3.Connection] = []
        self._lock = threading.Lock()
        if must_exist and not path.exists():
            raise NotFound(
                f"There is no online store at {path}; 'lakehouse run DOMAIN features' makes it."
            )

    def stored(self, view: str) -> Stored | None:
        connection = self._connected()
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
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self._writer() as db:
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
        self._checkpoint()
        return made

    def append(self, stored: Stored, chunks: Iterable[Chunk], transaction: Transaction) -> bool:
        with self._writer() as db:
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
        with self._lock:
            for connection in self._opened:
                connection.close()
            self._opened.clear()
            self._local = threading.local()

    def _checkpoint(self) -> None:
        """Move what was written from the log into the file, as far as readers let it."""
        db = sqlite3.connect(self.path, timeout=1, isolation_level=None)
        try:
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            db.close()

    @contextmanager
    def _writer(self) -> Iterator[sqlite3.Connection]:
        """A transaction: all of it, or on any error nothing."""
        db = sqlite3.connect(self.path, timeout=30, isolation_level=None)
        try:
            db.execute(f"PRAGMA page_size = {_PAGE_BYTES}")
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = NORMAL")
            db.execute("BEGIN IMMEDIATE")
            try:
                _make_tables(db, self.path)
                yield db
            except BaseException:
                db.execute("ROLLBACK")
                raise
            db.execute("COMMIT")
        finally:
            db.close()

    def _reader(self, stored: Stored) -> sqlite3.Connection:
        connection = self._connected()
        if connection is None:
            raise Replaced(stored.view)
        return connection

    def _connected(self) -> sqlite3.Connection | None:
        """This thread's connection to the file that is there now; None while there is none."""
        local, file = self._local, _identity(self.path)
        if getattr(local, "file", None) != file:
            local.file = None
            local.connection = self._open() if file is not None else None
            local.file = file if local.connection is not None else None
        connection: sqlite3.Connection | None = getattr(local, "connection", None)
        return connection

    def _open(self) -> sqlite3.Connection | None:
        connection = sqlite3.connect(
            f"{self.path.absolute().as_uri()}?mode=rw",
            timeout=30,
            isolation_level=None,
            check_same_thread=False,
            uri=True,
        )
        if not _has_format(connection, self.path):
            connection.close()
            return None
        connection.execute("PRAGMA query_only = 1")
        connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        with self._lock:
            self._opened.append(connection)
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


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def _make_tables(db: sqlite3.Connection, path: Path) -> None:
    if not _has_format(db, path):
        for statement in _SCHEMA.split(";\n"):
            db.execute(statement)
        db.execute(f"PRAGMA user_version = {FORMAT}")


def _has_format(connection: sqlite3.Connection, path: Path) -> bool:
    """Whether tables are there; False while a first write is not done."""
    (found,) = connection.execute("PRAGMA user_version").fetchone()
    if found not in (0, FORMAT):
        raise LakeFormatError(
            f"The online store {path} has format {found}, this version reads format {FORMAT}; "
            "remove the file, and 'lakehouse run DOMAIN features' makes it anew."
        )
    return bool(found)
