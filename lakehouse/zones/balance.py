"""Law 4: no row is lost. Every delivered row is counted again where it ended."""

from __future__ import annotations

from dataclasses import dataclass

from lakehouse.context import Context
from lakehouse.declare.tables import Cleaned
from lakehouse.zones.cleaning_runs import Runs
from lakehouse.zones.counting import count_rows


@dataclass(frozen=True)
class Balance:
    """Rows per place, each counted from its own table and none by subtraction.

    `delivered` counts the raw rows of the batches that have been cleaned; rows that still wait
    for `clean` are not yet due.
    """

    delivered: int
    cleaned: int
    quarantined: int
    superseded: int
    dropped: int
    duplicates: int

    @property
    def holds(self) -> bool:
        """Whether every delivered row stands in exactly as many places as it should: one."""
        ended = self.cleaned + self.quarantined + self.superseded + self.dropped + self.duplicates
        return self.delivered == ended


def balance(ctx: Context, table: Cleaned) -> Balance:
    """Count where the rows of a cleaned table's source are."""
    return Balance(
        delivered=_count(ctx, "raw", table.raw.name, f"`_batch` <= {Runs(ctx, table).taken_in}"),
        cleaned=_count(ctx, "cleaned", table.name),
        quarantined=_count(ctx, "quarantine", table.name),
        superseded=_count(ctx, "set_aside", table.name, "`_fate` = 'superseded'"),
        dropped=_count(ctx, "set_aside", table.name, "`_fate` = 'dropped'"),
        duplicates=_count(ctx, "set_aside", table.name, "`_fate` = 'duplicate'"),
    )


def _count(ctx: Context, zone: str, name: str, where: str | None = None) -> int:
    ref = ctx.table(zone, name)
    if not ref.exists():
        return 0
    return count_rows(ctx.engine, ctx.engine.read(ref, where=where))
