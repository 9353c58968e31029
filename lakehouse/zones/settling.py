"""One run's rows settled: which keep the contract, and what becomes of each key.

Nothing is written here. What comes out depends only on the pending rows, the declaration, and the
tables as they were before the run, so a run that is repeated after a crash gives the same.
"""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from lakehouse.engines.protocol import Frame
from lakehouse.language.provenance import CARRIED, FATE, KNOWN_AT
from lakehouse.language.sql import literals
from lakehouse.times import microseconds
from lakehouse.zones.checks import judged_sql, read_sql, unique_columns
from lakehouse.zones.counting import count_rows
from lakehouse.zones.delivery_order import delivery_order
from lakehouse.zones.meeting_keys import Keys
from lakehouse.zones.pending import Pending

HELD_ROWS = 200_000
"""Up to so many rows are judged once and held; more are read and judged again for each step."""


@dataclass(frozen=True)
class Settled:
    """What becomes of the pending rows.

    `judged` holds them with typed columns, text and `_failed`; `alone` those that passed and
    share their key with no other row; `fates` the rest that passed and the earlier rows of their
    keys, as an Arrow table with `_fate`, or None where no two rows meet.
    """

    pending: Pending
    judged: Frame
    alone: Frame
    fates: pa.Table | None
    rows: int
    failed: int
    latest_event_us: int | None

    @property
    def dropped(self) -> int:
        """Rows that are only counted; a row that once was quarantined is never dropped."""
        drops = self.pending.table.on_violation == "drop" and not self.pending.again
        return self.failed if drops else 0

    @property
    def quarantined(self) -> int:
        return self.failed - self.dropped + self.count("conflict")

    @property
    def moved(self) -> int:
        """Rows that another row displaced or doubled."""
        return self.count("superseded") + self.count("duplicate")

    @property
    def kept(self) -> int:
        """Rows that the cleaned table gains."""
        if self.fates is None:
            return self.rows - self.failed
        pending = pc.and_(pc.invert(self.fates["_in_cleaned"]), pc.invert(self.fates["_in_aside"]))
        shared = int(pc.sum(pending).as_py() or 0)
        return self.rows - self.failed - shared + self.count("kept")

    def count(self, fate: str) -> int:
        """How many rows take on a fate in this run that they did not have before it."""
        if self.fates is None:
            return 0
        there = "_in_cleaned" if fate == "kept" else "_in_aside"
        chosen = pc.and_(pc.equal(self.fates[FATE], fate), pc.invert(self.fates[there]))
        return int(pc.sum(chosen).as_py() or 0)


def settle(pending: Pending) -> Settled:
    """Check every pending row and settle every key it touches."""
    engine, contract = pending.ctx.engine, pending.table.contract
    order = delivery_order(pending.ctx, pending.table)
    frames = {"pending": pending.rows}
    if unique_columns(contract):
        frames["deliveries"] = engine.from_arrow(order.table())
        if pending.cleaned is not None:
            frames["cleaned"] = pending.cleaned
    read = read_sql(contract, pending.delivered)
    judge = judged_sql(contract, pending.cleaned is not None)
    judged = engine.query(f"WITH read AS ({read}) SELECT * FROM ({judge}) j", frames)
    held = count_rows(engine, pending.rows) <= HELD_ROWS
    if held:
        judged = engine.from_arrow(engine.to_arrow(judged))
    event = contract.event_time
    latest = "NULL"
    if event is not None:
        # A row from the future, of when it was known or of the wall clock, moves no clock.
        wall = microseconds(pending.ctx.records.now())
        at = f"least({literals.name(event)}, `{KNOWN_AT}`)"
        latest = f"CASE WHEN NOT `_failed` AND unix_micros({at}) <= {wall} THEN {at} END"
    summary = engine.to_arrow(
        engine.query(
            "SELECT COUNT(*) AS `rows`, COUNT(CASE WHEN `_failed` THEN 1 END) AS `failed`, "
            f"MAX(CAST({latest} AS TIMESTAMP)) AS `latest` FROM judged",
            {"judged": judged},
        )
    )
    rows, failed = (int(summary[name][0].as_py()) for name in ("rows", "failed"))
    columns = literals.names([*(c.name for c in pending.table.columns), *CARRIED])
    if failed or held:
        passed = engine.query(
            f"SELECT {columns} FROM judged WHERE NOT `_failed`", {"judged": judged}
        )
    else:  # nothing need be judged again when the rows are read for the next steps
        passed = engine.query(f"SELECT {columns} FROM ({read}) r", {"pending": pending.rows})
    alone, fates = passed, None
    if contract.keys and rows > failed:
        alone, fates = Keys(pending, order, judged, passed).settled()
    return Settled(
        pending, judged, alone, fates, rows, failed, summary["latest"].cast("int64")[0].as_py()
    )
