"""An online table for views of the user's own, in one SQLite file.

The last row of each entity is kept. A row of an older event never takes the place of a newer one,
nor of one event time a row created earlier; what is older than a view's ttl is not given back.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from feast.infra.key_encoding_utils import serialize_entity_key
from feast.protos.feast.types.EntityKey_pb2 import EntityKey
from feast.protos.feast.types.Value_pb2 import Map, Value

from lakehouse.features.online.layout.stored_numbers import us_of

Row = tuple[EntityKey, dict[str, Value], datetime, datetime | None]
FeaturesAt = tuple[datetime | None, dict[str, Value] | None]

_TABLE = """
CREATE TABLE IF NOT EXISTS latest (
  project TEXT, view TEXT, entity BLOB, event_us INTEGER, created_us INTEGER, payload BLOB,
  PRIMARY KEY (project, view, entity)
) WITHOUT ROWID
"""
_WRITE = """
INSERT INTO latest VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET
  event_us = excluded.event_us, created_us = excluded.created_us, payload = excluded.payload
WHERE (excluded.event_us, excluded.created_us) >= (latest.event_us, latest.created_us)
"""
_NEVER = -(2**62)


class OwnOnline:
    """The table; connections are one for each thread."""

    def __init__(self, path: Path, key_version: int) -> None:
        self._path, self._key_version = path, key_version
        self._local = threading.local()

    def write(self, project: str, view: str, rows: Iterable[Row]) -> None:
        """Take rows, in any order; all of them or none."""
        with self._connection() as db:
            db.executemany(
                _WRITE,
                (
                    (
                        project,
                        view,
                        self._key(key),
                        us_of(event_at),
                        _NEVER if created_at is None else us_of(created_at),
                        Map(val=features).SerializeToString(),
                    )
                    for key, features, event_at, created_at in rows
                ),
            )

    def read(
        self,
        project: str,
        view: str,
        keys: Sequence[EntityKey],
        ttl: timedelta | None,
        now: datetime,
    ) -> list[FeaturesAt]:
        """Each entity's row, or nothing where it has none that is alive at `now`."""
        oldest = us_of(now - ttl) if ttl else _NEVER
        db = self._connection()
        found: list[FeaturesAt] = []
        for key in keys:
            if any(value.WhichOneof("val") is None for value in key.entity_values):
                found.append((None, None))
                continue
            row = db.execute(
                "SELECT event_us, payload FROM latest WHERE project = ? AND view = ? "
                "AND entity = ? AND event_us >= ?",
                (project, view, self._key(key), oldest),
            ).fetchone()
            if row is None:
                found.append((None, None))
                continue
            held = Map.FromString(row[1])
            at = datetime.fromtimestamp(0, now.tzinfo) + timedelta(microseconds=row[0])
            found.append((at, dict(held.val)))
        return found

    def drop(self, project: str, views: Iterable[str]) -> None:
        """Forget views."""
        if not self._path.exists():
            return
        with self._connection() as db:
            db.executemany(
                "DELETE FROM latest WHERE project = ? AND view = ?", ((project, v) for v in views)
            )

    def _key(self, key: EntityKey) -> bytes:
        return bytes(serialize_entity_key(key, self._key_version))

    def _connection(self) -> sqlite3.Connection:
        db: sqlite3.Connection | None = getattr(self._local, "db", None)
        if db is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            db = sqlite3.connect(self._path, timeout=30)
            db.execute("PRAGMA journal_mode = WAL")
            db.execute(_TABLE)
            self._local.db = db
        return db

    def close(self) -> None:
        """Close this thread's connection."""
        db: sqlite3.Connection | None = getattr(self._local, "db", None)
        if db is not None:
            db.close()
            self._local.db = None
