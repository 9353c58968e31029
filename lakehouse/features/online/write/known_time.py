"""When a pushed row is known: it counts from then on, as a row of the table does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from lakehouse.declare.tables import Table
from lakehouse.language.provenance import KNOWN_AT


def whole_row(
    table: Table, values: Mapping[str, Any], now: Callable[[], datetime]
) -> dict[str, Any]:
    """A row with every column of its table, a missing one null, and its known time.

    It is known when it says itself (`_known_at`), else when its contract says, else now by the
    lake's clock, which is read only then; never before it happened.
    """
    row = {c.name: values.get(c.name) for c in table.columns}
    known = values.get(KNOWN_AT) or row.get(table.contract.known_at or "")
    if known is None:
        event = row.get(table.event_time or "")
        known = now() if event is None else max(now(), event)
    return row | {KNOWN_AT: known}
