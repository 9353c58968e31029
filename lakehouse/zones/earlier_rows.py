"""Rows that were cleaned or set aside before, read back from raw for the keys that need them."""

from __future__ import annotations

from typing import Any

from lakehouse.declare.contract import ContractSpec
from lakehouse.declare.tables import Cleaned
from lakehouse.engines import delta
from lakehouse.engines.context import Context
from lakehouse.engines.protocol import Frame
from lakehouse.zones import sql_text
from lakehouse.zones.checks import IDENTITY, PROVENANCE, read_sql


class Earlier:
    """The raw rows up to batch `processed`, with what became of each.

    They come in the form that `key_rules` settles: the contract's columns, provenance,
    `_in_cleaned`, `_in_aside` and `_accepted` (false for quarantined and dropped rows). When
    `quarantine_apart`, quarantined rows are left out: they are being settled anew.
    """

    def __init__(
        self,
        ctx: Context,
        table: Cleaned,
        processed: int,
        cleaned: Frame | None,
        quarantine_apart: bool,
    ) -> None:
        self.ctx, self.table, self.processed = ctx, table, processed
        self.cleaned, self.quarantine_apart = cleaned, quarantine_apart

    def newest_known_us(self) -> int | None:
        """The latest known time of any earlier row, in microseconds since the epoch."""
        engine = self.ctx.engine
        raw = self._raw(["_known_at", "_batch"])
        found = engine.query("SELECT MAX(`_known_at`) AS `newest` FROM raw", {"raw": raw})
        latest: int | None = engine.to_arrow(found)["newest"].cast("int64")[0].as_py()
        return latest

    def of_keys(self, keys: Frame) -> Frame:
        """The accepted earlier rows of the keys given."""
        contract, engine = self.table.contract, self.ctx.engine
        delivered = self._delivered()
        only_keys = ContractSpec("", tuple(c for c in contract.columns if c.key))
        keyed = engine.query(read_sql(only_keys, delivered), {"pending": self._raw()})
        # Keys first, by themselves: typing every column of every row would cost far more.
        found = engine.query(
            f"SELECT {sql_text.names(IDENTITY, 'r')} FROM keyed r WHERE EXISTS "
            f"(SELECT 1 FROM wanted k WHERE {sql_text.same(contract.keys, 'k', 'r')})",
            {"keyed": keyed, "wanted": keys},
        )
        rows = engine.query(
            "SELECT r.* FROM raw r WHERE EXISTS "
            f"(SELECT 1 FROM found f WHERE {sql_text.same(IDENTITY, 'f', 'r')})",
            {"raw": self._raw(), "found": found},
        )
        return self._placed(rows, delivered, "`_accepted`")

    def of_every_key(self) -> Frame:
        """All earlier rows that name a key, accepted or not."""
        named = " AND ".join(f"{sql_text.name(k)} IS NOT NULL" for k in self.table.keys)
        return self._placed(self._raw(), self._delivered(), named)

    def _placed(self, rows: Frame, delivered: list[str], where: str) -> Frame:
        engine, contract = self.ctx.engine, self.table.contract
        frames: dict[str, Any] = {
            "typed": engine.query(read_sql(contract, delivered), {"pending": rows})
        }
        joins, refused = [], []
        for zone, condition in (("quarantine", "TRUE"), ("set_aside", "`_fate` = 'dropped'")):
            path = self.ctx.path(zone, self.table.name)
            if delta.exists(path):
                frames[zone] = engine.read(
                    path, where=f"`_batch` <= {self.processed} AND {condition}"
                )
                joins.append(
                    f"LEFT JOIN {zone} ON {sql_text.same(IDENTITY, zone, 't')}",
                )
                refused.append(f"{zone}.`_row` IS NOT NULL")
        in_cleaned = "FALSE"
        if self.cleaned is not None:
            frames["cleaned"] = self.cleaned
            joins.append(f"LEFT JOIN cleaned ON {sql_text.same(IDENTITY, 'cleaned', 't')}")
            in_cleaned = "cleaned.`_row` IS NOT NULL"
        again = "quarantine.`_row` IS NULL" if self._apart(frames) else "TRUE"
        columns = [c.name for c in contract.columns]
        return engine.query(
            f"SELECT * FROM (SELECT {sql_text.names([*columns, *PROVENANCE], 't')}, "
            f"{in_cleaned} AS `_in_cleaned`, "
            f"NOT ({in_cleaned}) AND NOT ({' OR '.join(refused) or 'FALSE'}) AS `_in_aside`, "
            f"NOT ({' OR '.join(refused) or 'FALSE'}) AS `_accepted` "
            f"FROM typed t {' '.join(joins)} WHERE {again}) p WHERE {where}",
            frames,
        )

    def _apart(self, frames: dict[str, Any]) -> bool:
        return self.quarantine_apart and "quarantine" in frames

    def _raw(self, columns: list[str] | None = None) -> Frame:
        path = self.ctx.path("raw", self.table.raw.name)
        return self.ctx.engine.read(path, columns=columns, where=f"`_batch` <= {self.processed}")

    def _delivered(self) -> list[str]:
        return [c for c in self.ctx.engine.columns(self._raw()) if not c.startswith("_")]
