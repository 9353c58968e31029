"""Stored features of one request, out of the online store of its domain."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from time import monotonic
from typing import Any

from lakehouse.declare.features import StoredView
from lakehouse.errors import LakehouseError
from lakehouse.features.online.answering.reading import open_reader
from lakehouse.features.online.read.reader import FeatureReader, NotKept
from lakehouse.features.online.stores.protocol import StoreUnreachable
from lakehouse.records.home import Home
from lakehouse.records.online import OnlineSettings
from serving.problems import Problem
from serving.served_release import ServedRelease

Origin = tuple[str, int]
"""A model and the version of its release."""
AWAY_S, AWAY_TIMES = 0.5, 4
"""How long a server that cannot be reached is not asked again: a while, and longer than it took."""


class OnlineStores:
    """The online stores of a lake, each opened when it is first asked."""

    def __init__(self, home: Home, settings: OnlineSettings) -> None:
        self._home, self._settings = home, settings
        self._views: dict[str, dict[str, StoredView]] = {}
        self._origins: dict[tuple[str, str], Origin] = {}
        self._held: dict[str, dict[str, int]] = {}
        self._open: dict[str, FeatureReader] = {}
        self._away: dict[str, tuple[float, str]] = {}

    def serve(self, releases: Iterable[ServedRelease]) -> None:
        """Serve the stored views of these releases."""
        views: dict[str, dict[str, StoredView]] = {}
        origins: dict[tuple[str, str], Origin] = {}
        for release in releases:
            known = views.setdefault(release.domain, {})
            for view in release.stored_views:
                known[view.name] = view
                origins[release.domain, view.name] = release.name, release.version
        for domain in {*views, *self._views}:
            if views.get(domain) != self._views.get(domain):
                self._shut(domain)
        self._views, self._origins = views, origins

    def look(self) -> None:
        """See what the stores hold, and let go of those that hold nothing any more."""
        for domain, store in list(self._open.items()):
            began = monotonic()
            try:
                self._held[domain] = self._versions(domain, store)
            except StoreUnreachable as error:
                self._leave(domain, began, error)
                continue
            if self.views(domain) and not self._held[domain]:
                self._shut(domain)

    def views(self, domain: str) -> Mapping[str, StoredView]:
        """The stored views of a domain by name."""
        return self._views.get(domain, {})

    def origin(self, domain: str, view: str) -> Origin:
        """The model and version of the release whose declaration of a view serves."""
        return self._origins[domain, view]

    def held(self, domain: str) -> Mapping[str, int]:
        """The version of each view's table in the online store, as of the last look.

        What was read since then may be of a newer version, never of an older one.
        """
        return self._held.get(domain, {})

    def values(
        self,
        domain: str,
        views: Sequence[StoredView],
        entities: Sequence[Mapping[str, Any]],
        at_us: int,
    ) -> list[dict[str, Any]]:
        """The views' features of entities at a moment, by `view__feature`."""
        self._check_near(domain)
        began = monotonic()
        try:
            names, moments = [view.name for view in views], [at_us] * len(entities)
            return self._store(domain).get_views(names, entities, moments)
        except NotKept as error:
            raise Problem(422, str(error), f"domain {domain}", "Ask for a later moment.") from error
        except StoreUnreachable as error:
            self._leave(domain, began, error)
            raise _unreachable(domain, str(error)) from error
        except (sqlite3.Error, LakehouseError) as error:
            self._shut(domain)
            raise Problem(
                503,
                f"The online store of domain '{domain}' cannot be read ({_reason(error)}).",
                f"domain {domain}",
                f"Bring it up to date with 'lakehouse run {domain} features'.",
            ) from error

    def close(self) -> None:
        for domain in list(self._open):
            self._shut(domain)

    def _store(self, domain: str) -> FeatureReader:
        known = self._open.get(domain)
        if known is not None:
            return known
        store = open_reader(self._home, domain, self._settings, self.views(domain).values())
        self._open[domain] = store
        self._held[domain] = self._versions(domain, store)
        return store

    def _versions(self, domain: str, store: FeatureReader) -> dict[str, int]:
        found = {name: store.stored(name) for name in self.views(domain)}
        return {name: stored.version for name, stored in found.items() if stored is not None}

    def _check_near(self, domain: str) -> None:
        """Who waits for a server that does not answer keeps all others waiting."""
        until, told = self._away.get(domain, (0.0, ""))
        if monotonic() < until:
            raise _unreachable(domain, told)

    def _leave(self, domain: str, began: float, error: StoreUnreachable) -> None:
        """Ask a server that cannot be reached no more for a while."""
        self._shut(domain)
        now = monotonic()
        self._away[domain] = now + max(AWAY_S, AWAY_TIMES * (now - began)), str(error)

    def _shut(self, domain: str) -> None:
        known = self._open.pop(domain, None)
        self._held.pop(domain, None)
        if known is not None:
            known.close()


def _unreachable(domain: str, reason: str) -> Problem:
    return Problem(
        503,
        f"The online store of domain '{domain}' cannot be read ({reason}).",
        f"domain {domain}",
        "Ask again once its server answers.",
    )


def _reason(error: Exception) -> str:
    return str(error) if isinstance(error, LakehouseError) else type(error).__name__
