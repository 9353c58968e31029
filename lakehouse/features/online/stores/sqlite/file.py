"""The SQLite file of an online store: its tables, its writers, and a reader for each thread."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

from lakehouse.errors import LakeFormatError

FORMAT = 4
LOOK_EVERY_S = 0.1
"""How soon a reader notices that the file itself was removed or replaced."""
WAIT_S = 30
_SCHEMA = """
CREATE TABLE views (
    view TEXT PRIMARY KEY, generation INTEGER NOT NULL, kept_from_us INTEGER NOT NULL,
    told TEXT NOT NULL              -- JSON: where the rows came from, and how they are laid out
);
CREATE TABLE chunks (
    series INTEGER NOT NULL,        -- twice the generation, + 1 for tiles
    entity BLOB NOT NULL,
    begin INTEGER NOT NULL,         -- the first event time, up to that of the next chunk
    until INTEGER NOT NULL,         -- the last event time; of latest values the last known time
    payload BLOB NOT NULL,
    PRIMARY KEY (series, entity, begin)
) WITHOUT ROWID;
CREATE TABLE newest (              -- what was added behind an entity's chunks of late
    series INTEGER NOT NULL, entity BLOB NOT NULL, begin INTEGER NOT NULL, until INTEGER NOT NULL,
    payload BLOB NOT NULL,
    PRIMARY KEY (series, entity)
) WITHOUT ROWID;
CREATE TABLE texts (
    generation INTEGER NOT NULL, number INTEGER NOT NULL, text BLOB NOT NULL,
    PRIMARY KEY (generation, number)
) WITHOUT ROWID;
CREATE TABLE pushed (              -- in the order of pushing: streams write to its end alone
    view TEXT NOT NULL, entity BLOB NOT NULL, event_us INTEGER NOT NULL, id INTEGER NOT NULL,
    text BLOB NOT NULL
);
CREATE TABLE notes (
    generation INTEGER NOT NULL, name TEXT NOT NULL, entity BLOB NOT NULL, number INTEGER NOT NULL,
    PRIMARY KEY (generation, name, entity)
) WITHOUT ROWID;
"""
_PAGE_BYTES = 8_192
"""A chunk lies whole in such a page, up to 2,000 bytes of it; a longer one would overflow."""
_CACHE_KIB = 65_536
_LOG_PAGES = 4_000
"""A long log: a page that many pushes change is moved into the file once."""


class _Here(threading.local):
    """What a thread has open."""

    connection: sqlite3.Connection | None = None
    file: tuple[int, int] | None = None
    look_at = 0.0
    writer: sqlite3.Connection | None = None
    written: tuple[int, int] | None = None


class StoreFile:
    """One file in WAL mode: readers go on while it is written, and see the state before."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._here = _Here()
        self._opened: set[sqlite3.Connection] = set()
        self._lock = threading.Lock()

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction: all of it, or on any error nothing. Makes the file if it is not there."""
        db = self._writer()
        db.execute("BEGIN IMMEDIATE")
        try:
            if not _has_tables(db, self.path):
                for statement in _SCHEMA.split(";\n"):
                    db.execute(statement)
                db.execute(f"PRAGMA user_version = {FORMAT}")
            yield db
        except BaseException:
            db.execute("ROLLBACK")
            raise
        db.execute("COMMIT")

    def _writer(self) -> sqlite3.Connection:
        """This thread's connection for writing, kept open: to open one costs as much as to push."""
        here = self._here
        if here.writer is not None and _identity(self.path) == here.written:
            return here.writer
        if here.writer is not None:
            self._shut(here.writer)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        db = sqlite3.connect(
            self.path, timeout=WAIT_S, isolation_level=None, check_same_thread=False
        )
        db.execute(f"PRAGMA page_size = {_PAGE_BYTES}")
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
        db.execute(f"PRAGMA wal_autocheckpoint = {_LOG_PAGES}")
        db.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        here.writer, here.written = db, _identity(self.path)
        with self._lock:
            self._opened.add(db)
        return db

    def checkpoint(self) -> None:
        """Move what was written from the log into the file, as far as readers let it."""
        self._writer().execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def reader(self) -> sqlite3.Connection | None:
        """This thread's connection for reading; None while there is no file, or none written.

        A file that was removed or replaced is noticed within `LOOK_EVERY_S`.
        """
        here, now = self._here, monotonic()
        if here.connection is not None and now < here.look_at:
            return here.connection
        here.look_at = now + LOOK_EVERY_S
        file = _identity(self.path)
        if file != here.file:
            if here.connection is not None:
                self._shut(here.connection)
            here.connection = self._open() if file is not None else None
            here.file = file if here.connection is not None else None
        return here.connection

    def close(self) -> None:
        """Close every thread's connection."""
        with self._lock:
            for connection in self._opened:
                connection.close()
            self._opened.clear()
            self._here = _Here()

    def _open(self) -> sqlite3.Connection | None:
        connection = sqlite3.connect(
            f"{self.path.absolute().as_uri()}?mode=rw",
            timeout=WAIT_S,
            isolation_level=None,
            check_same_thread=False,
            uri=True,
        )
        if not _has_tables(connection, self.path):
            connection.close()
            return None
        connection.execute("PRAGMA query_only = 1")
        connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        with self._lock:
            self._opened.add(connection)
        return connection

    def _shut(self, connection: sqlite3.Connection) -> None:
        connection.close()
        with self._lock:
            self._opened.discard(connection)


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def _has_tables(connection: sqlite3.Connection, path: Path) -> bool:
    """Whether tables are there; False while a first write is not done."""
    (found,) = connection.execute("PRAGMA user_version").fetchone()
    if found not in (0, FORMAT):
        raise LakeFormatError(
            f"The online store {path} has format {found}, this version reads format {FORMAT}; "
            "remove the file, and 'lakehouse run DOMAIN features' makes it anew."
        )
    return bool(found)
