"""How a lake's online store is set: which kind, where it is, how much of the past it keeps."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from lakehouse.declare.durations import DAY, Duration
from lakehouse.errors import LakehouseError

_GENERAL = {"LAKEHOUSE_ONLINE_URL", "LAKEHOUSE_ONLINE_KEEP", "LAKEHOUSE_ONLINE_MOST_ROWS"}
_ANY = re.compile(r"LAKEHOUSE_ONLINE_\w+")
_KIND = re.compile(r"[a-z][a-z0-9+.-]*")
FILE = "sqlite"
"""The kind of store that a lake has where nothing is set: a file of its own."""


@dataclass(frozen=True)
class OnlineSettings:
    """Where features are kept to be served, and how many.

    `url` names a store: its scheme is the kind (`redis://host:6379/0` is one of Redis), and a
    kind's name alone is one that needs no address; without a URL the store is a file of the lake.
    Moments up to `keep_us` before a table's newest row can be asked for, any moment if it is
    None. An entity may have `most_rows` in the longest window that is exact to the event.
    `options` are the settings that one kind of store alone knows, by the variables that name them.
    """

    url: str | None = None
    keep_us: int | None = 30 * DAY
    most_rows: int = 100_000
    options: Mapping[str, str] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """The kind of store; raises LakehouseError, without the URL, if the URL names none.

        >>> OnlineSettings("rediss://me:secret@cache/0").kind, OnlineSettings().kind
        ('rediss', 'sqlite')
        """
        if self.url is None:
            return FILE
        kind, _, rest = self.url.partition(":")
        if not _KIND.fullmatch(kind) or (rest and not rest.startswith("//")):
            raise LakehouseError(  # without the URL, which may hold a password
                "LAKEHOUSE_ONLINE_URL is no address of an online store; write its kind and where "
                "it is, as in redis://host:6379/0."
            )
        return kind


def from_environment(environment: Mapping[str, str]) -> OnlineSettings:
    """Read LAKEHOUSE_ONLINE_URL, …_KEEP and …_MOST_ROWS, and keep what else begins so."""
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
    options = {
        name: value
        for name, value in environment.items()
        if _ANY.fullmatch(name) and name not in _GENERAL
    }
    return OnlineSettings(
        environment.get("LAKEHOUSE_ONLINE_URL") or None, keep_us, int(most), options
    )
