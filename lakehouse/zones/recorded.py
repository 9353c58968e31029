"""Versions that a crash left out of the records, noted by the next run."""

from __future__ import annotations

from lakehouse.context import Context
from lakehouse.records.store import Run
from lakehouse.storage.tables import TableRef


def note_unrecorded(ctx: Context, run: Run, table: TableRef) -> bool:
    """Note a table's newest version on the run if no run that ended has; whether it did.

    Versions are recorded when a run ends: one that was committed just before a crash would
    otherwise be missing where a moment is resolved to versions.
    """
    version = table.version()
    if version is None:
        return False
    recorded = ctx.records.version_at(table.id)
    if recorded is not None and recorded >= version:
        return False
    run.wrote(table.id, version)
    return True
