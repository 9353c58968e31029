"""Rows that meet in a key, among the pending ones or with earlier ones, found and settled."""

from __future__ import annotations

import re

import pyarrow as pa

from lakehouse.engines.protocol import Frame
from lakehouse.language.provenance import CARRIED, DELIVERY
from lakehouse.language.sql import literals
from lakehouse.zones.delivery_order import DeliveryOrder
from lakehouse.zones.earlier_rows import Earlier
from lakehouse.zones.key_rules import FLAGS, fates_sql, states_count
from lakehouse.zones.pending import Pending


class Keys:
    """The keys of one run: `judged` are its rows, `passed` those of them that keep the contract."""

    def __init__(
        self, pending: Pending, order: DeliveryOrder, judged: Frame, passed: Frame
    ) -> None:
        self.pending, self.order = pending, order
        self.table, self.engine = pending.table, pending.ctx.engine
        self.columns = [*(c.name for c in self.table.columns), *CARRIED]
        self.frames = {"judged": judged, "passed": passed}
        if pending.cleaned is not None:
            self.frames["cleaned"] = pending.cleaned
        self.earlier = Earlier(pending)

    def settled(self) -> tuple[Frame, pa.Table | None]:
        """Return the rows that meet no other, and the fates of the rest, if there are any."""
        if states_count(self.table):
            return self._query("SELECT * FROM passed WHERE FALSE"), self._states()
        crowded = self._crowded()
        if not crowded.num_rows:
            return self.frames["passed"], None
        self.frames["crowded"] = self.engine.from_arrow(crowded)
        meets = self._exists("crowded", "p")
        crowd = [self._crowd("passed p", "p") + f" WHERE {meets}"]
        late = self._late(meets)
        if self.pending.cleaned is not None:
            # The cleaned rows of these keys, but for those whose whole past is looked up.
            past = ""
            if late is not None:
                self.frames["late"] = late
                self.frames["earlier"] = self.earlier.of_keys(late)
                past = f" AND NOT {self._exists('late', 'c')}"
                crowd.append(f"SELECT {literals.names([*self.columns, *FLAGS])} FROM earlier")
            own = f" WHERE {self._exists('crowded', 'c')}{past}"
            crowd.append(self._crowd("cleaned c", "c", in_cleaned="TRUE") + own)
        alone = self._query(
            f"SELECT {literals.names(self.columns, 'p')} FROM passed p WHERE NOT {meets}"
        )
        return alone, self._fates(crowd, self.order.table())

    def _crowded(self) -> pa.Table:
        """Keys in more than one row: among the pending rows, or there and in the cleaned table."""
        keys = literals.names(self.table.keys)
        sql = f"SELECT {keys} FROM passed GROUP BY {keys} HAVING COUNT(*) > 1"
        if self.pending.cleaned is not None:
            sql += (
                f" UNION SELECT {literals.names(self.table.keys, 'p')} FROM passed p "
                f"WHERE {self._exists('cleaned', 'p')}"
            )
        return self.engine.to_arrow(self._query(sql))

    def _late(self, meets: str) -> Frame | None:
        """Keys with a row whose place may lie before rows that were processed already.

        For these the cleaned table does not tell enough: an equal row that was set aside may
        come to count again when another steps between.
        """
        if self.table.on_conflict == "quarantine" or self.pending.cleaned is None:
            return None
        if self.pending.again:
            late = "TRUE"
        elif self.table.raw.source.mode == "snapshot":
            deliveries = self.order.late(self.pending.processed)
            if not deliveries:
                return None
            late = f"p.`_delivery` IN ({', '.join(map(literals.text, deliveries))})"
        else:
            self.frames["known"] = self.earlier.known_times()
            newest = "(SELECT MAX(k.`_known_at`) FROM known k)"
            late = f"(p.`_known_at` IS NULL OR p.`_known_at` < {newest})"
        keys = literals.names(self.table.keys, "p")
        found = self.engine.to_arrow(
            self._query(f"SELECT DISTINCT {keys} FROM passed p WHERE {meets} AND {late}")
        )
        return self.engine.from_arrow(found) if found.num_rows else None

    def _states(self) -> pa.Table:
        """Every key settled where each delivery is a whole state: absence counts, too."""
        named = " AND ".join(f"j.{literals.name(k)} IS NOT NULL" for k in self.table.keys)
        crowd = [
            self._crowd("passed p", "p"),
            self._crowd("judged j", "j", accepted="FALSE") + f" WHERE j.`_failed` AND {named}",
        ]
        counted = "SELECT `_delivery` FROM passed"
        if self.pending.cleaned is not None:
            if self.pending.again or self.order.late(self.pending.processed):
                self.frames["earlier"] = self.earlier.of_every_key()
                crowd.append(f"SELECT {literals.names([*self.columns, *FLAGS])} FROM earlier")
                counted += " UNION SELECT `_delivery` FROM earlier WHERE `_accepted`"
            else:
                crowd.append(self._crowd("cleaned c", "c", in_cleaned="TRUE"))
        states = self.engine.to_arrow(
            self._query(f"SELECT DISTINCT `_delivery` FROM ({counted}) s")
        )
        return self._fates(crowd, self.order.table(states[DELIVERY].to_pylist()))

    def _fates(self, crowd: list[str], deliveries: pa.Table) -> pa.Table:
        self.frames["deliveries"] = self.engine.from_arrow(deliveries)
        return self.engine.to_arrow(self._query(fates_sql(self.table, " UNION ALL ".join(crowd))))

    def _crowd(
        self, source: str, of: str, in_cleaned: str = "FALSE", accepted: str = "TRUE"
    ) -> str:
        return (
            f"SELECT {literals.names(self.columns, of)}, {in_cleaned} AS `_in_cleaned`, "
            f"FALSE AS `_in_aside`, {accepted} AS `_accepted` FROM {source}"
        )

    def _exists(self, among: str, of: str) -> str:
        same = literals.same(self.table.keys, "k", of)
        return f"EXISTS (SELECT 1 FROM {among} k WHERE {same})"

    def _query(self, sql: str) -> Frame:
        used = {n: f for n, f in self.frames.items() if re.search(rf"\b{n}\b", sql)}
        return self.engine.query(sql, used)
