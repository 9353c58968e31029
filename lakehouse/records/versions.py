"""The versions of tables that the records name: which were read, and which must stay readable."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from datetime import timedelta

from lakehouse.records.store import Records, iso


def versions_read(
    records: Records, domain: str, stage: str, target: str, table_id: str
) -> list[int]:
    """The versions of a table that the runs of a stage read for a target, in order."""
    rows = records.select(
        "SELECT DISTINCT v.version FROM table_versions v JOIN runs r ON r.run = v.run "
        "WHERE r.domain = ? AND r.stage = ? AND r.target = ? "
        "AND v.direction = 'read' AND v.table_id = ? ORDER BY v.version",
        *(domain, stage, target, table_id),
    )
    return [int(row["version"]) for row in rows]


def named_versions(records: Records, keep_days: int | None = None) -> dict[str, set[int]]:
    """The versions of each table that a tag, a model or a run names and that must stay readable.

    `keep_days` lets go of those that only runs older than that name.
    """
    named: dict[str, set[int]] = defaultdict(set)
    for row in records.select("SELECT versions FROM tags"):
        _add(named, json.loads(row["versions"]))
    for row in records.select("SELECT pins FROM models"):
        _add(named, json.loads(row["pins"])["tables"])
    since = "" if keep_days is None else iso(records.now() - timedelta(days=keep_days))
    for row in records.select("SELECT table_id, version FROM table_versions WHERE at >= ?", since):
        named[row["table_id"]].add(int(row["version"]))
    return named


def _add(named: dict[str, set[int]], versions: Mapping[str, int]) -> None:
    for table_id, version in versions.items():
        named[table_id].add(int(version))
