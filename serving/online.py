"""Stored features of one request, out of the online store of its domain."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from lakehouse.declare.features import StoredView
from lakehouse.errors import LakehouseError
from lakehouse.features.online_sqlite import OnlineFeatures
from lakehouse.records.home import Home
from serving.problems import Problem
from serving.release import Release


class OnlineStores:
    """The online stores of a lake, each opened when it is first asked."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._views: dict[str, dict[str, StoredView]] = {}
        self._open: dict[str, tuple[tuple[int, int], OnlineFeatures]] = {}

    def serve(self, releases: Iterable[Release]) -> None:
        """Serve the stored views of these releases."""
        views: dict[str, dict[str, StoredView]] = {}
        for release in releases:
            known = views.setdefault(release.domain, {})
            known |= {view.name: view for view in release.stored_views}
        for domain in {*views, *self._views}:
            if views.get(domain) != self._views.get(domain):
                self._shut(domain)
        self._views = views

    def look(self) -> None:
        """Let go of stores whose file was replaced or removed."""
        for domain, (identity, _) in list(self._open.items()):
            if _identity(self._home.online(domain)) != identity:
                self._shut(domain)

    def views(self, domain: str) -> Mapping[str, StoredView]:
        """The stored views of a domain by name."""
        return self._views.get(domain, {})

    def values(
        self, domain: str, views: Sequence[StoredView], keys: Mapping[str, Any], at_us: int
    ) -> dict[str, Any]:
        """The views' features at a moment, by `view__feature`, for the entities of `keys`."""
        store = self._store(domain)
        found: dict[str, Any] = {}
        try:
            for view in views:
                found |= store.get(view.name, keys, at_us)
        except (sqlite3.Error, LakehouseError) as error:
            self._shut(domain)
            raise Problem(
                503,
                f"The online store of domain '{domain}' cannot be read ({_told(error)}).",
                f"domain {domain}",
                f"Bring it up to date with 'lakehouse run {domain} features'.",
            ) from error
        return found

    def close(self) -> None:
        for domain in list(self._open):
            self._shut(domain)

    def _store(self, domain: str) -> OnlineFeatures:
        known = self._open.get(domain)
        if known is not None:
            return known[1]
        path = self._home.online(domain)
        identity = _identity(path)
        if identity is None:
            raise Problem(
                503,
                f"Domain '{domain}' has no online store yet.",
                f"domain {domain}",
                f"Make it with 'lakehouse run {domain} features'.",
            )
        store = OnlineFeatures(path, tuple(self.views(domain).values()))
        self._open[domain] = (identity, store)
        return store

    def _shut(self, domain: str) -> None:
        known = self._open.pop(domain, None)
        if known is not None:
            known[1].close()


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def _told(error: Exception) -> str:
    return str(error) if isinstance(error, LakehouseError) else type(error).__name__
