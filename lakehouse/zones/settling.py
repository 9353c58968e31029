"""One run's rows settled: which keep the contract, and what becomes of each key.

Nothing is written here. What comes out depends only on the pending rows, the declaration, and the
tables as they were before the run, so a run that is repeated after a crash gives the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from lakehouse.declare.tables import Cleaned
from lakehouse.engines.context import Context, moment
from lakehouse.engines.protocol import Frame
from lakehouse.zones import sql_text
from lakehouse.zones.checks import (
    PROVENANCE,
    judged_sql,
    read_sql,
    unique_columns,
)
from lakehouse.zones.delivery_order import DeliveryOrder, delivery_order
from lakehouse.zones.earlier_rows import Earlier
from lakehouse.zones.key_rules import fates_sql, states_count

HELD_ROWS = 200_000
"""Up to so many rows are judged once and held; more are read and judged again for each step."""


@dataclass(frozen=True)
class Pending:
    """Rows of text to be settled, and what stands already.

    `delivered` are the text columns of `rows`. `processed` is the newest raw batch that the
    cleaned table holds, 0 for none; `cleaned` its rows in the contract's columns, None for none.
    `again` says that the rows come back from quarantine, so that their place in time may lie
    anywhere among the rows already processed.
    """

    ctx: Context
    table: Cleaned
    rows: Frame
    delivered: list[str]
    processed: int
    cleaned: Frame | None
    again: bool = False


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
        chosen = pc.and_(pc.equal(self.fates["_fate"], fate), pc.invert(self.fates[there]))
        return int(pc.sum(chosen).as_py() or 0)


def settle(pending: Pending) -> Settled:
    """Check every pending row and settle every key it touches."""
    engine, contract = pending.ctx.engine, pending.table.contract
    order = delivery_order(pending.ctx, pending.table)
    read = engine.query(read_sql(contract, pending.delivered), {"pending": pending.rows})
    frames = {"read": read}
    if unique_columns(contract):
        frames["deliveries"] = engine.from_arrow(order.table())
        if pending.cleaned is not None:
            frames["cleaned"] = pending.cleaned
    judged = engine.query(judged_sql(contract, pending.cleaned is not None), frames)
    if _count(pending) <= HELD_ROWS:
        judged = read = engine.from_arrow(engine.to_arrow(judged))
    event = contract.event_time
    latest = f"CASE WHEN NOT `_failed` THEN {sql_text.name(event)} END" if event else "NULL"
    summary = engine.to_arrow(
        engine.query(
            "SELECT COUNT(*) AS `rows`, COUNT(CASE WHEN `_failed` THEN 1 END) AS `failed`, "
            f"MAX(CAST({latest} AS TIMESTAMP)) AS `latest` FROM judged",
            {"judged": judged},
        )
    )
    rows, failed = (int(summary[name][0].as_py()) for name in ("rows", "failed"))
    # Without a failure nothing need be judged again when the rows are read for the next steps.
    passed = engine.query(
        f"SELECT {_columns(pending.table)} FROM judged"
        + (" WHERE NOT `_failed`" if failed else ""),
        {"judged": judged if failed else read},
    )
    alone, fates = passed, None
    if contract.keys and rows > failed:
        alone, fates = _Keys(pending, order, judged, passed).settled()
    return Settled(
        pending, judged, alone, fates, rows, failed, summary["latest"].cast("int64")[0].as_py()
    )


def _count(pending: Pending) -> int:
    counted = pending.ctx.engine.query(
        "SELECT COUNT(*) AS `rows` FROM pending", {"pending": pending.rows}
    )
    return int(pending.ctx.engine.to_arrow(counted)["rows"][0].as_py())


def _columns(table: Cleaned, of: str = "") -> str:
    return sql_text.names([*(c.name for c in table.columns), *PROVENANCE], of)


class _Keys:
    """The rows that share a key, found and settled."""

    def __init__(
        self, pending: Pending, order: DeliveryOrder, judged: Frame, passed: Frame
    ) -> None:
        self.pending, self.order = pending, order
        self.table, self.engine = pending.table, pending.ctx.engine
        self.judged, self.passed = judged, passed
        self.earlier = Earlier(
            pending.ctx, pending.table, pending.processed, pending.cleaned, pending.again
        )

    def settled(self) -> tuple[Frame, pa.Table | None]:
        if states_count(self.table):
            return self._empty(), self._states()
        crowded = self._crowded()
        if not crowded.num_rows:
            return self.passed, None
        crowded_keys = self.engine.from_arrow(crowded)
        among = f"SELECT 1 FROM crowded k WHERE {sql_text.same(self.table.keys, 'k', 'p')}"
        alone = self._query(
            f"SELECT {_columns(self.table, 'p')} FROM passed p WHERE NOT EXISTS ({among})",
            passed=self.passed,
            crowded=crowded_keys,
        )
        shared = self._query(
            f"SELECT {_columns(self.table, 'p')} FROM passed p WHERE EXISTS ({among})",
            passed=self.passed,
            crowded=crowded_keys,
        )
        late = self._late(shared)
        parts = [self._as_crowd(shared, "FALSE", "FALSE")]
        if self.pending.cleaned is not None:
            parts.append(self._as_crowd(self._in_order(crowded_keys, late), "TRUE", "FALSE"))
        if late is not None:
            parts.append(self.earlier.of_keys(late))
        return alone, self._fates(parts, self.order.table())

    def _crowded(self) -> pa.Table:
        """Keys in more than one row: among the pending rows, or there and in the cleaned table."""
        keys = sql_text.names(self.table.keys)
        sql = f"SELECT {keys} FROM passed GROUP BY {keys} HAVING COUNT(*) > 1"
        frames = {"passed": self.passed}
        if self.pending.cleaned is not None:
            frames["cleaned"] = self.pending.cleaned
            sql += (
                f" UNION SELECT {sql_text.names(self.table.keys, 'p')} FROM passed p WHERE EXISTS "
                f"(SELECT 1 FROM cleaned c WHERE {sql_text.same(self.table.keys, 'c', 'p')})"
            )
        return self.engine.to_arrow(self.engine.query(sql, frames))

    def _late(self, shared: Frame) -> Frame | None:
        """Keys with a row whose place may lie before rows that were processed already.

        For these the cleaned table does not tell enough: an equal row that was set aside may
        come to count again when another steps between.
        """
        if self.table.on_conflict == "quarantine" or self.pending.cleaned is None:
            return None
        condition = "TRUE"
        if not self.pending.again and self.table.raw.source.mode == "snapshot":
            condition = _one_of("`_delivery`", self.order.late(self.pending.processed))
        elif not self.pending.again:
            newest = self.earlier.newest_known_us()
            if newest is None:
                return None
            condition = f"`_known_at` IS NULL OR `_known_at` < TIMESTAMP '{moment(newest)}'"
        keys = sql_text.names(self.table.keys)
        found = self.engine.to_arrow(
            self._query(f"SELECT DISTINCT {keys} FROM shared WHERE {condition}", shared=shared)
        )
        return self.engine.from_arrow(found) if found.num_rows else None

    def _in_order(self, crowded: Frame, late: Frame | None) -> Frame:
        """The cleaned rows of crowded keys, but for those whose whole past is looked up."""
        keys = self.table.keys
        where = f"EXISTS (SELECT 1 FROM crowded k WHERE {sql_text.same(keys, 'k', 'c')})"
        frames = {"cleaned": self.pending.cleaned, "crowded": crowded}
        if late is not None:
            frames["late"] = late
            where += f" AND NOT EXISTS (SELECT 1 FROM late l WHERE {sql_text.same(keys, 'l', 'c')})"
        return self._query(
            f"SELECT {_columns(self.table, 'c')} FROM cleaned c WHERE {where}", **frames
        )

    def _states(self) -> pa.Table:
        """Every key settled where each delivery is a whole state: absence counts, too."""
        named = " AND ".join(f"{sql_text.name(k)} IS NOT NULL" for k in self.table.keys)
        broken = self._query(
            f"SELECT {_columns(self.table)} FROM judged WHERE `_failed` AND {named}",
            judged=self.judged,
        )
        parts = [
            self._as_crowd(self.passed, "FALSE", "FALSE"),
            self._as_crowd(broken, "FALSE", "FALSE", "FALSE"),
        ]
        out_of_order = self.pending.again or self.order.late(self.pending.processed)
        if self.pending.cleaned is not None:
            if out_of_order:
                parts.append(self.earlier.of_every_key())
            else:
                parts.append(self._as_crowd(self.pending.cleaned, "TRUE", "FALSE"))
        accepted = self._query(
            "SELECT DISTINCT `_delivery` FROM crowd WHERE `_accepted`"
            + ("" if out_of_order else " AND NOT `_in_cleaned`"),
            crowd=self._union(parts),
        )
        counted = self.engine.to_arrow(accepted)["_delivery"].to_pylist()
        return self._fates(parts, self.order.table(counted))

    def _fates(self, parts: list[Frame], deliveries: pa.Table) -> pa.Table:
        settled = self._query(
            fates_sql(self.table), crowd=self._union(parts), deliveries=deliveries
        )
        return self.engine.to_arrow(settled)

    def _as_crowd(
        self, rows: Frame, in_cleaned: str, in_aside: str, accepted: str = "TRUE"
    ) -> Frame:
        return self._query(
            f"SELECT {_columns(self.table)}, {in_cleaned} AS `_in_cleaned`, "
            f"{in_aside} AS `_in_aside`, {accepted} AS `_accepted` FROM given",
            given=rows,
        )

    def _union(self, parts: list[Frame]) -> Frame:
        frames = {f"part_{i}": part for i, part in enumerate(parts)}
        return self._query(" UNION ALL ".join(f"SELECT * FROM {n}" for n in frames), **frames)

    def _empty(self) -> Frame:
        return self._query("SELECT * FROM passed WHERE FALSE", passed=self.passed)

    def _query(self, sql: str, **frames: Any) -> Frame:
        taken = {
            n: self.engine.from_arrow(f) if isinstance(f, pa.Table) else f
            for n, f in frames.items()
        }
        return self.engine.query(sql, taken)


def _one_of(column: str, values: list[str]) -> str:
    return f"{column} IN ({', '.join(map(sql_text.text, values))})" if values else "FALSE"
