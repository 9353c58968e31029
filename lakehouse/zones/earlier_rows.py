"""Rows that were cleaned or set aside before, read back from raw for the keys that need them."""

from __future__ import annotations

from typing import Any

from lakehouse.declare.contract import ContractSpec
from lakehouse.engines.protocol import Frame
from lakehouse.language.provenance import BATCH, CARRIED, IDENTITY, KNOWN_AT, delivered_columns
from lakehouse.language.sql import literals
from lakehouse.zones.checks import read_sql
from lakehouse.zones.pending import Pending


class Earlier:
    """The raw rows that were processed before a run, with what became of each.

    They come in the form that `key_rules` settles: the contract's columns, provenance,
    `_in_cleaned`, `_in_aside` and `_accepted` (false for quarantined and dropped rows).
    """

    def __init__(self, pending: Pending) -> None:
        self.ctx, self.table = pending.ctx, pending.table
        self.pending, self.engine = pending, pending.ctx.engine

    def known_times(self) -> Frame:
        """The known time of every earlier row."""
        return self._raw([KNOWN_AT, BATCH])

    def of_keys(self, keys: Frame) -> Frame:
        """The accepted earlier rows of the keys given, held."""
        contract = self.table.contract
        only_keys = ContractSpec("", tuple(c for c in contract.columns if c.key))
        # Keys first, by themselves: typing every column of every row would cost far more.
        found = self.engine.query(
            f"WITH keyed AS ({read_sql(only_keys, self._delivered())}), "
            f"found AS (SELECT {literals.names(IDENTITY, 'r')} FROM keyed r WHERE EXISTS "
            f"(SELECT 1 FROM wanted k WHERE {literals.same(contract.keys, 'k', 'r')})) "
            "SELECT r.* FROM pending r WHERE EXISTS "
            f"(SELECT 1 FROM found f WHERE {literals.same(IDENTITY, 'f', 'r')})",
            {"pending": self._raw(), "wanted": keys},
        )
        rows = self.engine.from_arrow(self.engine.to_arrow(found))
        placed = self._placed(rows, "`_accepted`")
        return self.engine.from_arrow(self.engine.to_arrow(placed))

    def of_every_key(self) -> Frame:
        """All earlier rows that name a key, accepted or not."""
        named = " AND ".join(f"{literals.name(k)} IS NOT NULL" for k in self.table.keys)
        return self._placed(self._raw(), named)

    def _placed(self, rows: Frame, where: str) -> Frame:
        contract, processed = self.table.contract, self.pending.processed
        frames: dict[str, Any] = {"pending": rows}
        joins, refused = [], []
        for zone, condition in (("quarantine", "TRUE"), ("set_aside", "`_fate` = 'dropped'")):
            ref = self.ctx.table(zone, self.table.name)
            if ref.exists():
                frames[zone] = self.engine.read(
                    ref, columns=IDENTITY, where=f"`_batch` <= {processed} AND {condition}"
                )
                joins.append(f"LEFT JOIN {zone} ON {literals.same(IDENTITY, zone, 't')}")
                refused.append(f"{zone}.`_row` IS NOT NULL")
        in_cleaned = "FALSE"
        if self.pending.cleaned is not None:
            frames["cleaned"] = self.pending.cleaned
            joins.append(f"LEFT JOIN cleaned ON {literals.same(IDENTITY, 'cleaned', 't')}")
            in_cleaned = "cleaned.`_row` IS NOT NULL"
        # Rows that come back from quarantine are settled anew and stand here for nothing.
        again = self.pending.again and "quarantine" in frames
        apart = "WHERE quarantine.`_row` IS NULL" if again else ""
        refused_sql = " OR ".join(refused) or "FALSE"
        columns = literals.names([*(c.name for c in contract.columns), *CARRIED], "t")
        return self.engine.query(
            f"WITH typed AS ({read_sql(contract, self._delivered())}), "
            f"placed AS (SELECT {columns}, {in_cleaned} AS `_in_cleaned`, "
            f"NOT ({in_cleaned}) AND NOT ({refused_sql}) AS `_in_aside`, "
            f"NOT ({refused_sql}) AS `_accepted` FROM typed t {' '.join(joins)} {apart}) "
            f"SELECT * FROM placed WHERE {where}",
            frames,
        )

    def _raw(self, columns: list[str] | None = None) -> Frame:
        ref = self.ctx.table("raw", self.table.raw.name)
        return self.engine.read(ref, columns=columns, where=f"`_batch` <= {self.pending.processed}")

    def _delivered(self) -> list[str]:
        return delivered_columns(self.engine.columns(self._raw()))
