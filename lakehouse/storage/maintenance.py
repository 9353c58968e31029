"""What maintenance does to one table: fewer files, and none that no version needs."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from lakehouse.storage.tables import TableRef


def file_sizes(table: TableRef) -> list[int]:
    """Bytes of each data file of the newest version."""
    files: Any = table.opened().get_add_actions(flatten=True)
    sizes: list[int] = files.column("size_bytes").to_pylist()
    return sizes


def compact(table: TableRef) -> None:
    """Put small files together in a commit of the same rows, and write a checkpoint of the log."""
    opened = table.opened()
    opened.optimize.compact()
    opened.create_checkpoint()


def unneeded(table: TableRef, keep: Collection[int]) -> list[int]:
    """Bytes of each file in the table's folder that neither the newest nor a kept version needs.

    The log names removed files for ever; only those still there count.
    """
    gone = [table.folder / file for file in _vacuum(table, keep, dry_run=True)]
    return [file.stat().st_size for file in gone if file.exists()]


def remove_unneeded(table: TableRef, keep: Collection[int]) -> None:
    """Remove the files that `unneeded` counts."""
    _vacuum(table, keep, dry_run=False)


def _vacuum(table: TableRef, keep: Collection[int], *, dry_run: bool) -> list[str]:
    return table.opened().vacuum(
        0,
        dry_run=dry_run,
        enforce_retention_duration=False,
        full=True,
        keep_versions=sorted(keep),
    )
