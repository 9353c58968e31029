"""Versions that a crash left out of the records, noted by the next run."""

from __future__ import annotations

from lakehouse.context import Context
from lakehouse.records.store import Run


def note_unrecorded(ctx: Context, run: Run, zone: str, name: str) -> bool:
    """Note a table's newest version on the run if no run that ended has; whether it did.

    Versions are recorded when a run ends: one that was committed just before a crash would
    otherwise be missing where a moment is resolved to versions.
    """
    version = ctx.table(zone, name).version()
    if version is None:
        return False
    table_id = ctx.table(zone, name).id
    recorded = ctx.records.version_at(table_id)
    if recorded is not None and recorded >= version:
        return False
    run.wrote(table_id, version)
    return True
