"""The runs that were recorded: which never ended, and what one was started with."""

from __future__ import annotations

import json
from typing import Any

from lakehouse.records.store import Records


def unfinished(records: Records) -> int:
    """How many runs have no end: still at work, or ended hard."""
    (row,) = records.select("SELECT count(*) AS runs FROM runs WHERE status = 'running'")
    return int(row["runs"])


def configuration_of(
    records: Records, domain: str, target: str, application: str, number: int
) -> dict[str, Any] | None:
    """What the newest run that made a transaction of an application was started with.

    None where no run of that number is recorded.
    """
    found = records.select(
        "SELECT configuration FROM runs WHERE domain = ? AND target = ? "
        "AND json_extract(configuration, '$.application') = ? "
        "AND json_extract(configuration, '$.number') = ? ORDER BY rowid DESC LIMIT 1",
        *(domain, target, application, number),
    )
    if not found:
        return None
    configuration: dict[str, Any] = json.loads(found[0]["configuration"])
    return configuration
