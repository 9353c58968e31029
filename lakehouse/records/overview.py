"""What a lake's records say at a glance; reads records only, so that it answers at once."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from lakehouse.records.home import FORMAT, Home
from lakehouse.records.store import Records, iso


def overview(home: Home, records: Records) -> dict[str, Any]:
    """The lake's clock, tables with newest versions, models, set-aside files and failed runs."""
    clocks = records.select("SELECT domain, latest_event_us FROM clocks ORDER BY domain")
    if home.clock == "wall":
        clock = f"wall, {iso(records.now())[:19]} UTC"
    else:
        read = [
            f"{row['domain']} {datetime.fromtimestamp(row['latest_event_us'] // 10**6, UTC):%F %T}"
            for row in clocks
        ]
        clock = "data: " + (", ".join(read) or "nothing taken in yet")
    tables = records.select(
        """
        SELECT table_id AS "table", version, rows AS rows_written, at AS written_at FROM (
            SELECT *, row_number() OVER (PARTITION BY table_id ORDER BY version DESC) AS place
            FROM table_versions WHERE direction = 'write'
        ) WHERE place = 1 ORDER BY table_id
        """
    )
    models = records.select(
        "SELECT domain, model, version, status, created_at, metrics FROM models "
        "ORDER BY domain, model, version DESC"
    )
    for model in models:
        metrics = json.loads(model.pop("metrics"))
        model["metrics"] = {k: v for k, v in metrics.items() if isinstance(v, int | float)}
    return {
        "lake": {"folder": str(home.path), "format": FORMAT, "clock": clock},
        "tables": tables,
        "models": models,
        "set_aside": records.select(
            # What was set aside is done with once its path is delivered anew.
            "SELECT domain, source, path, error FROM (SELECT *, row_number() OVER ("
            "PARTITION BY domain, source, path ORDER BY arrived_at DESC, rowid DESC) AS place "
            "FROM deliveries) WHERE place = 1 AND error IS NOT NULL "
            "ORDER BY arrived_at DESC, path LIMIT 5"
        ),
        "failed": records.select(
            "SELECT started_at, domain, stage, target, error FROM runs WHERE status = 'failed' "
            "ORDER BY started_at DESC LIMIT 5"
        ),
    }


def history(
    records: Records, domain: str | None, target: str | None, limit: int
) -> list[dict[str, Any]]:
    """Runs, newest first, with the table versions each read and wrote."""
    runs = records.select(
        "SELECT run, started_at, finished_at, status, domain, stage, target, engine, as_of, "
        "code_version, dirty, metrics, error FROM runs "
        "WHERE (? IS NULL OR domain = ?) AND (? IS NULL OR target = ?) "
        "ORDER BY started_at DESC, rowid DESC LIMIT ?",
        domain,
        domain,
        target,
        target,
        limit,
    )
    for run in runs:
        moved = records.select(
            "SELECT direction, table_id, version FROM table_versions WHERE run = ? "
            "ORDER BY table_id",
            run.pop("run"),
        )
        for direction in ("read", "write"):
            run[direction] = [
                f"{m['table_id']}@{m['version']}" for m in moved if m["direction"] == direction
            ]
        run["metrics"] = json.loads(run["metrics"])
        run["code_version"] += " (uncommitted changes)" if run.pop("dirty") else ""
        finished = run.pop("finished_at")
        run["seconds"] = _seconds(run["started_at"], finished) if finished else None
    return runs


def _seconds(begin: str, end: str) -> float:
    return (datetime.fromisoformat(end) - datetime.fromisoformat(begin)).total_seconds()
