"""Who holds a key and how far the data clocks are, for a process that answers many requests."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from time import monotonic

from lakehouse.records.keys import fingerprint


class RecordsReader:
    """Keys and data clocks, kept in memory and never older than `stale_s` seconds.

    Records are written by other processes: a new key, or one taken away, is seen without a
    restart. What SQLite calls the data version tells whether anything was written at all. A lake
    without records has no keys, so nobody is let in.
    """

    def __init__(
        self, path: Path, stale_s: float, elapsed: Callable[[], float] = monotonic
    ) -> None:
        self._path, self._stale_s, self._elapsed = path, stale_s, elapsed
        self._db: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None
        self._version: int | None = None
        self._looked_at = float("-inf")
        self._roles: dict[str, str] = {}
        self._clocks: dict[str, int] = {}

    def role(self, key: str) -> str | None:
        """The role of a key, None for one the lake does not know."""
        self._look()
        return self._roles.get(fingerprint(key))

    def latest_event_us(self, domain: str) -> int | None:
        """The latest event time a domain has taken in, in microseconds; None before the first."""
        self._look()
        return self._clocks.get(domain)

    def close(self) -> None:
        if self._db is not None:
            self._db.close()
        self._db, self._file, self._version = None, None, None

    def _look(self) -> None:
        now = self._elapsed()
        if now - self._looked_at < self._stale_s:
            return
        self._looked_at = now
        file = _identity(self._path)
        if file != self._file:
            self.close()
            self._roles, self._clocks = {}, {}
            self._file = file
        if file is None:
            return
        try:
            self._read()
        except sqlite3.OperationalError as error:
            # A writer may hold the file for a moment, or have made no tables in it yet. What is
            # in memory stays; the next look tries again.
            self._version = None
            if not _passes(error):
                raise

    def _read(self) -> None:
        if self._db is None:
            self._db = sqlite3.connect(
                self._path, timeout=0.05, isolation_level=None, check_same_thread=False
            )
            self._db.execute("PRAGMA query_only = 1")
        version = int(self._db.execute("PRAGMA data_version").fetchone()[0])
        if version == self._version:
            return
        roles = dict(self._db.execute("SELECT key_sha256, role FROM keys").fetchall())
        clocks = dict(self._db.execute("SELECT domain, latest_event_us FROM clocks").fetchall())
        self._roles, self._clocks, self._version = roles, clocks, version


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def _passes(error: sqlite3.OperationalError) -> bool:
    return "locked" in str(error) or "no such table" in str(error)
