"""A small lake whose raw rows a test writes itself, batch by batch."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from lakehouse.context import Context
from lakehouse.declare import Cleaned, Domain
from lakehouse.engines.arrow_types import MICROSECONDS
from lakehouse.engines.embedded import EmbeddedEngine
from lakehouse.engines.protocol import Transaction
from lakehouse.records.home import Home
from lakehouse.records.store import CodeVersion, Records
from lakehouse.zones.digest import digest
from lakehouse.zones.typing_grammar import typed

NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
Rows = Sequence[Mapping[str, str | None]]


@dataclass(frozen=True)
class Delivery:
    """A delivered file: its path, its rows as text, and the time its path declares.

    A row {"_unparsed": "..."} is a line that did not parse.
    """

    path: str
    rows: Rows
    delivered_at: datetime | None = None


@dataclass
class Lake:
    """One cleaned table's lake; `ctx` may be swapped for one with another engine or domain."""

    ctx: Context
    table: Cleaned
    batch: int = 0
    delivered: dict[str, str] = field(default_factory=dict)

    def deliver(self, *given: tuple[Any, ...]) -> None:
        """Take deliveries, (path, rows) or (path, rows, declared time), in as one raw batch."""
        deliveries = [Delivery(*d) for d in given]
        self.batch += 1
        raw, engine = self.table.raw, self.ctx.engine
        contract = raw.source.contract
        columns = list(
            dict.fromkeys(
                [c.name for c in contract.columns]
                + [n for d in deliveries for row in d.rows for n in row if n != "_unparsed"]
            )
        )
        rows: list[dict[str, Any]] = []
        for position, d in enumerate(deliveries):
            key = hashlib.sha256(f"{d.path} {d.rows}".encode()).hexdigest()[:16]
            self.delivered[d.path] = key
            with self.ctx.records.connection() as db:
                db.execute(
                    "INSERT INTO deliveries VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)",
                    (
                        key,
                        self.ctx.domain.name,
                        raw.source.name,
                        d.path,
                        key,
                        0,
                        0,
                        d.delivered_at.isoformat() if d.delivered_at else None,
                        NOW.isoformat(),
                        self.batch,
                        len(d.rows),
                        None,
                        position,
                    ),
                )
            for number, row in enumerate(d.rows, 1):
                own = {"_delivery": key, "_row": number, "_declared": d.delivered_at}
                rows.append({c: row.get(c) for c in (*columns, "_unparsed")} | own)
        texts = [(c, pa.string()) for c in (*columns, "_unparsed", "_delivery")]
        schema = pa.schema([*texts, ("_row", pa.int64()), ("_declared", MICROSECONDS)])
        known = contract.known_at
        known_at = typed(contract.column(known), f"`{known}`") if known else "`_declared`"
        names = ", ".join(f"`{c}`" for c in (*columns, "_unparsed", "_delivery", "_row"))
        frame = engine.query(
            f"SELECT {names}, CAST({self.batch} AS BIGINT) AS `_batch`, "
            f"TIMESTAMP '2026-01-02 03:04:05' AS `_arrived_at`, {known_at} AS `_known_at` FROM d",
            {"d": engine.from_arrow(pa.Table.from_pylist(rows, schema=schema))},
        )
        application = f"raw/{self.ctx.domain.name}/{raw.name}"
        path = self.ctx.table("raw", raw.name)
        engine.write(path, frame, "append", Transaction(application, self.batch))

    def declare(self, table: Cleaned) -> None:
        """Mend the declaration, as a person edits it between two runs."""
        domain = Domain(self.ctx.domain.name, description="", tables=[table])
        self.ctx, self.table = replace(self.ctx, domain=domain), table

    def rows(self, zone: str = "cleaned") -> list[dict[str, Any]]:
        """The rows of a zone's table, with the file's path for its delivery, in order of file."""
        path = self.ctx.table(zone, self.table.name)
        if not path.exists():
            return []
        paths = {key: path for path, key in self.delivered.items()}
        found: list[dict[str, Any]] = self.ctx.engine.to_arrow(
            self.ctx.engine.read(path)
        ).to_pylist()
        for row in found:
            row["_delivery"] = paths[row["_delivery"]]
            if row.get("_by_delivery"):
                row["_by_delivery"] = paths[row["_by_delivery"]]
        return sorted(found, key=lambda row: (row["_delivery"], row["_row"]))

    def places(self) -> dict[tuple[str, int], str]:
        """Where each row is: 'cleaned', a fate, or its failed checks as 'column check, …'."""
        found: dict[tuple[str, int], str] = {}
        for zone in ("cleaned", "quarantine", "set_aside"):
            for row in self.rows(zone):
                where = (
                    zone
                    if zone == "cleaned"
                    else row.get("_fate")
                    or ", ".join(f"{r['column']} {r['check']}" for r in row["_reasons"])
                )
                identity = (row["_delivery"], row["_row"])
                assert identity not in found, f"{identity} stands twice"
                found[identity] = where
        return found

    def digest(self, zone: str = "cleaned") -> str:
        """The digest of a table's business columns and provenance."""
        found = self.ctx.engine.to_arrow(
            self.ctx.engine.read(self.ctx.table(zone, self.table.name))
        )
        columns = [c.name for c in self.table.columns] + ["_delivery", "_row", "_known_at"]
        return digest(found, ["_delivery", "_row"], columns)

    def versions(self) -> dict[str, int | None]:
        zones = ("cleaned", "quarantine", "set_aside")
        return {z: self.ctx.table(z, self.table.name).version() for z in zones}


class Crash(Exception):
    """The process ends here."""


class CrashingEngine:
    """An engine whose process ends after the given number of commits."""

    def __init__(self, engine: EmbeddedEngine, after: int) -> None:
        self._engine, self._left = engine, after

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def write(self, *arguments: Any, **named: Any) -> int:
        if self._left == 0:
            raise Crash
        self._left -= 1
        return self._engine.write(*arguments, **named)


@pytest.fixture
def open_lake(engine: EmbeddedEngine) -> Iterator[Callable[[Cleaned], Lake]]:
    """`open_lake(table)`: a new empty lake with that cleaned table."""
    with tempfile.TemporaryDirectory() as folder:
        made = 0

        def make(table: Cleaned) -> Lake:
            nonlocal made
            made += 1
            return new_lake(Path(folder) / str(made), engine, table)

        yield make


def new_lake(folder: Path, engine: EmbeddedEngine, table: Cleaned) -> Lake:
    home = Home.create(folder, "data")
    domain = Domain("shop", description="", tables=[table])
    records = Records(home.records, lambda: NOW)
    return Lake(Context(home, records, engine, domain, CodeVersion("test")), table)


@pytest.fixture
def crashing(engine: EmbeddedEngine) -> Callable[..., Any]:
    """`with crashing(lake, after=1): …` ends the process after so many commits."""

    @contextmanager
    def crash(lake: Lake, after: int) -> Iterator[None]:
        whole = lake.ctx
        lake.ctx = replace(whole, engine=CrashingEngine(engine, after))
        try:
            with pytest.raises(Crash):
                yield
        finally:
            lake.ctx = replace(lake.ctx, engine=whole.engine)

    return crash
