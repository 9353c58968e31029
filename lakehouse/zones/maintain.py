"""The only remover: compaction, checkpoints and VACUUM, sparing every version that is named."""

from __future__ import annotations

from dataclasses import dataclass

from lakehouse.records.home import Home
from lakehouse.records.store import Records
from lakehouse.records.versions import named_versions
from lakehouse.storage import maintenance
from lakehouse.storage.catalog import Catalog
from lakehouse.storage.tables import TableRef

SMALL_FILES = 16
"""A table is compacted when its newest version has more files than this."""
SMALL_BYTES = 32 * 2**20


@dataclass(frozen=True)
class Maintained:
    """What was done to one table; `pinned` counts the versions that are kept readable."""

    table: str
    files_before: int
    files_after: int
    removed: int
    bytes_removed: int
    pinned: int


def maintain(
    home: Home, records: Records, *, keep_days: int | None = None, dry_run: bool = False
) -> list[Maintained]:
    """Compact every table of the lake and remove the files that no named version needs.

    A version is named by a tag, a model, a decision (through its model), the table itself (the
    newest) and by every recorded run; `keep_days` lets go of the versions that only runs older
    than that name. Files of no version at all, as a crash leaves them, always go. The caller
    holds the lake's writer lock.
    """
    pinned = named_versions(records, keep_days)
    tables = Catalog.of(home.path).tables()
    return [_one(table, pinned[table.id], dry_run) for table in tables]


def _one(table: TableRef, pinned: set[int], dry_run: bool) -> Maintained:
    sizes = maintenance.file_sizes(table)
    if not dry_run and sum(size < SMALL_BYTES for size in sizes) > SMALL_FILES:
        maintenance.compact(table)
    newest = table.version() or 0
    keep = {v for v in pinned if v <= newest} | {newest, table.data_version() or 0}
    gone = maintenance.unneeded(table, keep)
    if gone and not dry_run:
        maintenance.remove_unneeded(table, keep)
    after = len(maintenance.file_sizes(table))
    return Maintained(table.id, len(sizes), after, len(gone), sum(gone), len(keep))
