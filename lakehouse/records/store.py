"""The lake's records: one SQLite file of what was delivered, run, written, tagged and released.

Records describe; they never decide whether a batch was applied. That is decided by the
transaction in each Delta commit, and a record lost to a crash is written again by the next run.
"""

from __future__ import annotations

import json
import sqlite3
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

_SCHEMA = """
CREATE TABLE IF NOT EXISTS deliveries (
    delivery TEXT PRIMARY KEY,      -- first 16 hex digits of SHA-256(source, path, content)
    domain TEXT NOT NULL, source TEXT NOT NULL, path TEXT NOT NULL, content_sha256 TEXT NOT NULL,
    size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,
    delivered_at TEXT,              -- declared time, ISO, null where the path declares none
    arrived_at TEXT NOT NULL,
    batch INTEGER,                  -- null: set aside, with the reason in `error`
    rows INTEGER, error TEXT, position INTEGER
);
CREATE INDEX IF NOT EXISTS deliveries_by_source ON deliveries (domain, source, path);
CREATE TABLE IF NOT EXISTS runs (
    run TEXT PRIMARY KEY, domain TEXT NOT NULL, stage TEXT NOT NULL, target TEXT NOT NULL,
    started_at TEXT NOT NULL, finished_at TEXT, status TEXT NOT NULL,
    as_of TEXT, engine TEXT NOT NULL, code_version TEXT NOT NULL, dirty INTEGER NOT NULL,
    configuration TEXT NOT NULL, metrics TEXT NOT NULL, error TEXT
);
CREATE INDEX IF NOT EXISTS runs_by_target ON runs (domain, stage, target, started_at);
CREATE TABLE IF NOT EXISTS table_versions (
    run TEXT NOT NULL, direction TEXT NOT NULL CHECK (direction IN ('read', 'write')),
    table_id TEXT NOT NULL,         -- zone/domain/name
    version INTEGER NOT NULL, rows INTEGER, at TEXT NOT NULL,
    PRIMARY KEY (run, direction, table_id, version)
);
CREATE INDEX IF NOT EXISTS table_versions_by_table ON table_versions (table_id, direction, at);
CREATE TABLE IF NOT EXISTS tags (tag TEXT PRIMARY KEY, created_at TEXT NOT NULL,
    versions TEXT NOT NULL, message TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS clocks (domain TEXT PRIMARY KEY, latest_event_us INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS models (
    domain TEXT NOT NULL, model TEXT NOT NULL, version INTEGER NOT NULL, created_at TEXT NOT NULL,
    status TEXT NOT NULL,           -- candidate, refused, champion, retired
    pins TEXT NOT NULL, metrics TEXT NOT NULL, reasons TEXT NOT NULL,
    PRIMARY KEY (domain, model, version)
);
CREATE TABLE IF NOT EXISTS keys (key_sha256 TEXT PRIMARY KEY, role TEXT NOT NULL,
    label TEXT NOT NULL, created_at TEXT NOT NULL);
"""


def iso(at: datetime) -> str:
    """A time as UTC text with microseconds, sortable; a time without a zone is UTC.

    >>> iso(datetime(2018, 4, 1, 6, 30))
    '2018-04-01T06:30:00.000000Z'
    """
    aware = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
    return aware.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


@dataclass
class Run:
    """One stage's run while it goes on: what it read and wrote, and what it measured."""

    run: str
    domain: str
    stage: str
    target: str
    reads: dict[str, int] = field(default_factory=dict)
    writes: list[tuple[str, int, int | None]] = field(default_factory=list)
    metrics: dict[str, Any] = field(default_factory=dict)

    def read(self, table_id: str, version: int) -> None:
        self.reads[table_id] = version

    def wrote(self, table_id: str, version: int, rows: int | None = None) -> None:
        self.writes.append((table_id, version, rows))


@dataclass(frozen=True)
class CodeVersion:
    """The code a run was made by: git commits or package versions, and what is in none of them.

    `uncommitted` names the files of imported code whose content no commit or release holds.
    """

    text: str
    uncommitted: tuple[str, ...] = ()


class Records:
    """The records of one lake. Connections are opened per use: short, and safe across threads.

    `now` is the wall clock, given by the entry point that opens the lake.
    """

    def __init__(self, path: Path, now: Callable[[], datetime]) -> None:
        self.path = path
        self.now = now
        with self.connection() as db:
            db.execute("PRAGMA journal_mode=WAL")
            db.executescript(_SCHEMA)

    @contextmanager
    def connection(self) -> Iterator[sqlite3.Connection]:
        """A transaction: committed at the end, rolled back on any error."""
        db = sqlite3.connect(self.path, timeout=30)
        db.row_factory = sqlite3.Row
        db.execute("PRAGMA synchronous=NORMAL")
        try:
            with db:
                yield db
        finally:
            db.close()

    def select(self, sql: str, *arguments: Any) -> list[dict[str, Any]]:
        """Run a query; one dict per row."""
        with self.connection() as db:
            return [dict(row) for row in db.execute(sql, arguments)]

    @contextmanager
    def run(
        self,
        domain: str,
        stage: str,
        target: str,
        *,
        as_of: datetime | None,
        engine: str,
        code: CodeVersion,
        configuration: Mapping[str, Any] | None = None,
    ) -> Iterator[Run]:
        """Record a run from start to end: "done", or "failed" with its error.

        A run that changed nothing and read nothing new may set `metrics["unchanged"]`; it then
        leaves no row.
        """
        run = Run(uuid.uuid4().hex, domain, stage, target)
        row = (
            run.run,
            domain,
            stage,
            target,
            iso(self.now()),
            "running",
            iso(as_of) if as_of else None,
            engine,
            code.text,
            int(bool(code.uncommitted)),
            json.dumps(dict(configuration or {}), sort_keys=True, default=str),
            "{}",
        )
        with self.connection() as db:
            db.execute(
                "INSERT INTO runs (run, domain, stage, target, started_at, status, as_of, engine,"
                " code_version, dirty, configuration, metrics) VALUES (?,?,?,?,?,?,?,?,?,?,?,?)",
                row,
            )
        try:
            yield run
        except BaseException as error:
            self._finish(run, "failed", f"{type(error).__name__}: {error}")
            raise
        self._finish(run, "done", None)

    def _finish(self, run: Run, status: str, error: str | None) -> None:
        now = iso(self.now())
        with self.connection() as db:
            if status == "done" and run.metrics.get("unchanged") and not run.writes:
                db.execute("DELETE FROM runs WHERE run = ?", (run.run,))
                return
            db.execute(
                "UPDATE runs SET finished_at = ?, status = ?, metrics = ?, error = ? WHERE run = ?",
                (now, status, json.dumps(run.metrics, sort_keys=True, default=str), error, run.run),
            )
            db.executemany(
                "INSERT OR REPLACE INTO table_versions VALUES (?, 'read', ?, ?, NULL, ?)",
                [(run.run, t, v, now) for t, v in run.reads.items()],
            )
            db.executemany(
                "INSERT OR REPLACE INTO table_versions VALUES (?, 'write', ?, ?, ?, ?)",
                [(run.run, t, v, rows, now) for t, v, rows in run.writes],
            )

    def version_at(self, table_id: str, moment: datetime | None = None) -> int | None:
        """The table's version at a moment, by the records of the runs that wrote it.

        Without a moment the newest recorded, also where the clock has been put back since.
        """
        found = self.select(
            "SELECT max(version) AS version FROM table_versions "
            "WHERE table_id = ?1 AND direction = 'write' AND (?2 IS NULL OR at <= ?2)",
            table_id,
            None if moment is None else iso(moment),
        )
        version = found[0]["version"]
        return None if version is None else int(version)

    def tick(self, domain: str, latest_event_us: int) -> None:
        """Move a domain's data clock to the latest event time taken in; it never goes back."""
        with self.connection() as db:
            db.execute(
                "INSERT INTO clocks VALUES (?, ?) ON CONFLICT (domain) DO UPDATE SET "
                "latest_event_us = max(latest_event_us, excluded.latest_event_us)",
                (domain, latest_event_us),
            )

    def latest_event_us(self, domain: str) -> int | None:
        found = self.select("SELECT latest_event_us FROM clocks WHERE domain = ?", domain)
        return int(found[0]["latest_event_us"]) if found else None
