"""The versions of a lake's models: what each was made from, what it measured, where it stands."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lakehouse.records.store import Records, iso

HEADLINES = ("roc_auc", "average_precision", "mean_absolute_error", "r2")
"""The metrics that a table of models has room for."""

_JSON = ("pins", "metrics", "reasons")


@dataclass(frozen=True)
class ModelVersion:
    """One registered version of a model.

    `status` is candidate, refused, champion or retired; `reasons` are those of a refusal;
    `created_at` is UTC text; `pins` hold everything that the version was made from.
    """

    model: str
    version: int
    status: str
    created_at: str
    pins: dict[str, Any]
    metrics: dict[str, float]
    reasons: list[str]

    @property
    def uncommitted(self) -> list[str]:
        """The files of code that was in no commit when the version was made."""
        files: list[str] = self.pins.get("uncommitted", [])
        return files


def versions(records: Records, domain: str, model: str) -> list[ModelVersion]:
    """Every version of a model, newest first."""
    return _read(records, domain, model, "ORDER BY version DESC")


def newest(records: Records, domain: str, model: str) -> ModelVersion | None:
    """The newest version of a model, whatever its status; None before the first."""
    found = _read(records, domain, model, "ORDER BY version DESC LIMIT 1")
    return found[0] if found else None


def recorded(records: Records, domain: str, model: str, version: int) -> ModelVersion | None:
    """One version of a model, None where it was never registered."""
    found = _read(records, domain, model, "AND version = ?", version)
    return found[0] if found else None


def add_candidate(
    records: Records,
    domain: str,
    model: str,
    version: int,
    *,
    created_at: datetime,
    pins: Mapping[str, Any],
    metrics: Mapping[str, float],
) -> None:
    """Record a new version, of which nothing is decided yet."""
    with records.connection() as db:
        db.execute(
            "INSERT INTO models VALUES (?, ?, ?, ?, 'candidate', ?, ?, '[]')",
            (
                *(domain, model, version, iso(created_at)),
                *(json.dumps(dict(pins), sort_keys=True), json.dumps(dict(metrics))),
            ),
        )


def set_champion(records: Records, domain: str, model: str, version: int) -> None:
    """Record a version as champion and the one before it as retired, both or neither."""
    with records.connection() as db:
        db.execute(
            "UPDATE models SET status = 'retired' "
            "WHERE domain = ? AND model = ? AND status = 'champion' AND version <> ?",
            (domain, model, version),
        )
        db.execute(
            "UPDATE models SET status = 'champion', reasons = '[]' "
            "WHERE domain = ? AND model = ? AND version = ?",
            (domain, model, version),
        )


def set_refused(
    records: Records, domain: str, model: str, version: int, reasons: Sequence[str]
) -> None:
    """Record that a version was refused, and why."""
    with records.connection() as db:
        db.execute(
            "UPDATE models SET status = 'refused', reasons = ? "
            "WHERE domain = ? AND model = ? AND version = ?",
            (json.dumps(list(reasons)), domain, model, version),
        )


def _read(
    records: Records, domain: str, model: str, further: str, *arguments: int
) -> list[ModelVersion]:
    rows = records.select(
        "SELECT model, version, status, created_at, pins, metrics, reasons FROM models "
        f"WHERE domain = ? AND model = ? {further}",
        *(domain, model, *arguments),
    )
    return [ModelVersion(**row | {name: json.loads(row[name]) for name in _JSON}) for row in rows]
