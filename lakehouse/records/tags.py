"""Tags: a name for the version of every table of a lake at one moment."""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Any

from lakehouse.errors import LakehouseError, NotFound, unknown
from lakehouse.records.store import Records, iso


def versions_at(records: Records, moment: datetime | None = None) -> dict[str, int]:
    """Every table's version at a moment, by the records of the runs.

    Without a moment the newest recorded, also where the clock has been put back since.
    """
    found = records.select(
        "SELECT table_id, max(version) AS version FROM table_versions "
        "WHERE direction = 'write' AND (?1 IS NULL OR at <= ?1) GROUP BY table_id "
        "ORDER BY table_id",
        None if moment is None else iso(moment),
    )
    return {row["table_id"]: int(row["version"]) for row in found}


def make(
    records: Records, tag: str, message: str = "", moment: datetime | None = None
) -> dict[str, int]:
    """Name the tables' versions at a moment; raises LakehouseError if the tag exists."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", tag):
        raise LakehouseError(
            f"Tag '{tag}' must begin with a letter or digit and hold only those and . _ -; "
            "rename it."
        )
    versions = versions_at(records, moment)
    if not versions:
        raise LakehouseError(
            f"No table was written by that moment, so that tag '{tag}' would name nothing; "
            "'lakehouse history' lists what was written when."
        )
    with records.connection() as db:
        made = db.execute(
            "INSERT OR IGNORE INTO tags VALUES (?, ?, ?, ?)",
            (tag, iso(records.now()), json.dumps(versions, sort_keys=True), message),
        ).rowcount
    if not made:
        raise LakehouseError(f"Tag '{tag}' exists; delete it first, or choose another name.")
    return versions


def versions(records: Records, tag: str) -> dict[str, int]:
    """The versions a tag names; raises NotFound naming the tags there are."""
    found = {r["tag"]: r["versions"] for r in records.select("SELECT tag, versions FROM tags")}
    if tag not in found:
        raise NotFound(unknown("tag", tag, found, "This lake"))
    named: dict[str, int] = json.loads(found[tag])
    return named


def delete(records: Records, tag: str) -> None:
    """Take a tag away; raises NotFound naming the tags there are."""
    versions(records, tag)
    with records.connection() as db:
        db.execute("DELETE FROM tags WHERE tag = ?", (tag,))


def listed(records: Records) -> list[dict[str, Any]]:
    """The tags, oldest first."""
    rows = records.select(
        "SELECT tag, created_at, message, versions FROM tags ORDER BY created_at, rowid"
    )
    return [{**row, "versions": len(json.loads(row["versions"]))} for row in rows]
