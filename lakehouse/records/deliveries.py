"""The records of a source's deliveries: what was planned into which batch, or set aside and why.

A batch is planned here before it is committed, so that a run after a crash repeats the same one;
whether it was applied is told by the transaction in the raw table alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any

from lakehouse.declare import compiled
from lakehouse.declare.tables import Source
from lakehouse.records.store import Records, iso

_COLUMNS = (
    "delivery, domain, source, path, content_sha256, size, mtime_ns, delivered_at, arrived_at, "
    "batch, rows, error, position"
)


@dataclass(frozen=True)
class Delivery:
    """One delivered file: `batch` and `position` say where it was taken in, `error` why not."""

    delivery: str
    path: str
    content_sha256: str
    size: int
    mtime_ns: int
    delivered_at: datetime | None
    arrived_at: datetime
    batch: int | None = None
    rows: int | None = None
    error: str | None = None
    position: int | None = None

    def set_aside(self, reason: str) -> Delivery:
        return replace(self, batch=None, position=None, rows=None, error=reason)


class DeliveryRecords:
    """The deliveries of one source of one domain."""

    def __init__(self, records: Records, domain: str, source: Source) -> None:
        self._records = records
        self._key = (domain, source.name)
        self._declared = f" [declaration {compiled.digest(source)[:8]}]"

    def all(self) -> list[Delivery]:
        """Every delivery known, in the order of batches."""
        rows = self._records.select(
            f"SELECT {_COLUMNS} FROM deliveries WHERE domain = ? AND source = ? "
            "ORDER BY batch, position, path",
            *self._key,
        )
        return [_delivery(row) for row in rows]

    def settled(self, delivery: Delivery) -> bool:
        """Whether a known delivery is done with; one set aside is, until the source is changed."""
        return delivery.error is None or delivery.error.endswith(self._declared)

    def record(self, deliveries: Iterable[Delivery], settled: bool = True) -> None:
        """Write deliveries, all or none; those set aside and not `settled` are tried again."""
        rows = []
        for d in deliveries:
            error = d.error + self._declared if d.error is not None and settled else d.error
            at = None if d.delivered_at is None else iso(d.delivered_at)
            rows.append(
                (
                    *(d.delivery, *self._key, d.path, d.content_sha256, d.size, d.mtime_ns, at),
                    *(iso(d.arrived_at), d.batch, d.rows, error, d.position),
                )
            )
        with self._records.connection() as db:
            db.executemany(
                f"INSERT OR REPLACE INTO deliveries ({_COLUMNS}) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                rows,
            )

    def touched(self, delivery: Delivery, size: int, mtime_ns: int) -> None:
        """Note that a file was written again with the content it had."""
        with self._records.connection() as db:
            db.execute(
                "UPDATE deliveries SET size = ?, mtime_ns = ? WHERE delivery = ?",
                (size, mtime_ns, delivery.delivery),
            )


def paths_of(records: Records, deliveries: Sequence[str]) -> dict[str, str]:
    """The paths that deliveries came from, by delivery, below the domain's landing folder."""
    marks = ", ".join("?" for _ in deliveries)
    rows = records.select(
        f"SELECT delivery, path FROM deliveries WHERE delivery IN ({marks})", *deliveries
    )
    return {row["delivery"]: row["path"] for row in rows}


def to_metadata(deliveries: Sequence[Delivery]) -> dict[str, str]:
    """What a commit keeps of its batch, so that records that were lost can be written again."""
    plain = []
    for d in deliveries:
        values = {f.name: getattr(d, f.name) for f in fields(d)}
        values["delivered_at"] = None if d.delivered_at is None else iso(d.delivered_at)
        values["arrived_at"] = iso(d.arrived_at)
        plain.append({name: value for name, value in values.items() if value is not None})
    return {"deliveries": json.dumps(plain, separators=(",", ":"))}


def from_metadata(metadata: Mapping[str, Any]) -> list[Delivery]:
    """The deliveries of a commit; none where it is not a raw table's batch."""
    return [_delivery(values) for values in json.loads(metadata.get("deliveries", "[]"))]


def _delivery(values: Mapping[str, Any]) -> Delivery:
    given = {f.name: values[f.name] for f in fields(Delivery) if values.get(f.name) is not None}
    given["delivered_at"] = _time(values.get("delivered_at"))
    given["arrived_at"] = _time(values["arrived_at"])
    return Delivery(**given)


def _time(text: str | None) -> datetime | None:
    if text is None:
        return None
    return datetime.fromisoformat(text)
