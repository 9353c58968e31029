"""How a lake's online store is set: where it is, and how much of the past it keeps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lakehouse.declare.durations import DAY, Duration
from lakehouse.errors import LakehouseError


@dataclass(frozen=True)
class OnlineSettings:
    """Where features are kept to be served, and how many.

    `url` names a Redis server, as `redis://host:6379/0`; without one the store is a file of the
    lake. Moments up to `keep_us` before a table's newest row can be asked for, any moment if it
    is None. An entity may have `most_rows` in the longest window that is exact to the event.
    """

    url: str | None = None
    keep_us: int | None = 30 * DAY
    most_rows: int = 100_000


def from_environment(environment: Mapping[str, str]) -> OnlineSettings:
    """Read LAKEHOUSE_ONLINE_URL, LAKEHOUSE_ONLINE_KEEP and LAKEHOUSE_ONLINE_MOST_ROWS."""
    keep, most = (
        environment.get("LAKEHOUSE_ONLINE_KEEP"),
        environment.get("LAKEHOUSE_ONLINE_MOST_ROWS", str(OnlineSettings.most_rows)),
    )
    if not most.isdecimal() or not int(most):
        raise LakehouseError(
            f"LAKEHOUSE_ONLINE_MOST_ROWS={most} is no number of rows; write 100000."
        )
    keep_us = OnlineSettings.keep_us
    if keep:
        keep_us = None if keep == "all" else Duration.parse(keep).us
    return OnlineSettings(environment.get("LAKEHOUSE_ONLINE_URL") or None, keep_us, int(most))
