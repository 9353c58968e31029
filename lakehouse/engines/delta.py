"""What a Delta table's log says, read with delta-rs whatever engine wrote it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from deltalake import DeltaTable
from deltalake.exceptions import DeltaError


def exists(table: Path) -> bool:
    """Whether a Delta table lies there."""
    return (table / "_delta_log").is_dir() and DeltaTable.is_deltatable(str(table))


def version(table: Path) -> int | None:
    """The table's newest version, or None where there is no table."""
    return DeltaTable(str(table)).version() if exists(table) else None


def applied(table: Path, application: str) -> int:
    """The newest version of an application's transactions in this table; -1 if there is none."""
    if not exists(table):
        return -1
    found = DeltaTable(str(table)).transaction_version(application)
    return -1 if found is None else int(found)


def data_version(table: Path, newest: int | None = None) -> int | None:
    """The newest version that changed rows, at or before `newest`; None where there is no table.

    Compaction and VACUUM make versions of the same rows: what was computed from one of them
    is still right.
    """
    if not exists(table):
        return None
    opened = DeltaTable(str(table), version=newest)
    for commit in opened.history():
        if commit.get("operation") not in _SAME_ROWS:
            return int(commit["version"])
    return opened.version()


def readable(table: Path, version: int) -> bool:
    """Whether a version can still be read: its log and all of its files are there."""
    try:
        opened = DeltaTable(str(table), version=version)
    except DeltaError:
        return False
    return all(Path(unquote(uri)).exists() for uri in opened.file_uris())


def commits(table: Path, limit: int | None = None) -> list[dict[str, Any]]:
    """What the commits of a table say of themselves, the newest first.

    Each holds the `metadata` it was written with beside Delta's own `version` and `operation`.
    """
    return [_with_metadata(commit) for commit in DeltaTable(str(table)).history(limit)]


def _with_metadata(commit: dict[str, Any]) -> dict[str, Any]:
    """A commit with its metadata in one place: delta-rs keeps it flat, Spark as one text."""
    try:
        said = json.loads(commit.get("userMetadata") or "{}")
    except json.JSONDecodeError:  # somebody else's commit, with a text of its own
        said = {}
    return commit | (said if isinstance(said, dict) else {})


_SAME_ROWS = ("OPTIMIZE", "VACUUM START", "VACUUM END")
