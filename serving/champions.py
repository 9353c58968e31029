"""The champion of each model: found by its pointer, swapped whole, never replaced by a broken one.

Pointers are looked at several times a second. A release is loaded beside the one that serves and
takes its place in one assignment; if it cannot be loaded the old one goes on and /health says why.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lakehouse.errors import unknown
from lakehouse.records.home import Home
from lakehouse.records.releases import DESCRIPTION, MODEL, POINTER, BrokenRelease, pointed
from serving.problems import Problem
from serving.served_release import ServedRelease, load

_log = logging.getLogger("serving.champions")
Stamp = tuple[Any, ...]
Name = tuple[str, str]


@dataclass(frozen=True)
class Slot:
    """One model's place: the release that serves, and what keeps a newer one from serving."""

    release: ServedRelease | None
    problem: str | None
    stamp: Stamp

    @property
    def state(self) -> str:
        """serving, serving_older (the newest is broken), broken, or no_release."""
        if self.release is not None:
            return "serving" if self.problem is None else "serving_older"
        return "no_release" if self.problem is None else "broken"


class Champions:
    """The releases of a lake that serve, by domain and model."""

    def __init__(self, home: Home, domains: tuple[str, ...] | None) -> None:
        self._home, self._domains = home, domains
        self.slots: Mapping[Name, Slot] = {}

    def domains(self) -> list[str]:
        """The domains served: those named in the settings, else all with a release or a store."""
        if self._domains is not None:
            return sorted(self._domains)
        released = _folders(self._home.path / "releases")
        stores = {path.stem for path in (self._home.path / "online").glob("*.db")}
        return sorted({path.name for path in released} | stores)

    def look(self) -> Mapping[Name, Slot] | None:
        """Load every champion whose pointer or files changed; None if none did.

        What it returns serves once it is assigned to `slots`. May run beside requests.
        """
        found: dict[Name, Slot] = {}
        for domain in self.domains():
            for folder in _folders(self._home.path / "releases" / domain):
                found[domain, folder.name] = self._slot(domain, folder)
        return None if found == self.slots else found

    def get(self, domain: str, model: str) -> ServedRelease:
        """The release that serves; raises a 404 or 503 Problem naming what there is."""
        slot = self.slots.get((domain, model))
        if slot is not None and slot.release is not None:
            return slot.release
        self.known(domain)
        where = f"/v1/models/{domain}/{model}"
        if slot is not None:
            why = f": {slot.problem}" if slot.problem else ""
            raise Problem(
                503,
                f"Model '{model}' of domain '{domain}' has no release to serve{why}.",
                where,
                f"Train and promote it, as with 'lakehouse train {domain}'; the service "
                "takes it up by itself.",
            )
        names = [name for owner, name in self.slots if owner == domain]
        if not names:
            raise Problem(
                503,
                f"Domain '{domain}' has no release yet.",
                where,
                f"Train a model, as with 'lakehouse run {domain}'; the service takes its release "
                "up by itself.",
            )
        what = unknown("released model", model, names, f"Domain '{domain}'")
        raise Problem(404, what, where, "GET /v1/models lists them.")

    def known(self, domain: str) -> None:
        """Raise a 404 Problem naming the domains there are, if this is none of them."""
        if any(owner == domain for owner, _ in self.slots):
            return
        domains = self.domains()
        if domain not in domains:
            what = unknown("domain", domain, domains, "This service")
            raise Problem(404, what, f"/v1/…/{domain}", "Name one of these.")

    def releases(self) -> list[ServedRelease]:
        """Every release that serves, by domain and model."""
        return [s.release for _, s in sorted(self.slots.items()) if s.release is not None]

    def _slot(self, domain: str, folder: Path) -> Slot:
        old = self.slots.get((domain, folder.name))
        pointer = _stamp(folder / POINTER)  # before it is read: a later change then shows next time
        version: int | None = None
        problem: str | None = None
        try:
            version = pointed(self._home, domain, folder.name)
        except BrokenRelease as error:
            problem = str(error)
        released = folder / str(version)
        stamp = (pointer, _stamp(released / DESCRIPTION), _stamp(released / MODEL))
        if old is not None and old.stamp == stamp:
            return old
        if version is None and problem is None:
            return Slot(None, None, stamp)
        serving = old.release if old is not None else None
        if version is not None:
            try:
                return Slot(load(self._home, domain, folder.name, version), None, stamp)
            except BrokenRelease as error:
                problem = str(error)
        _log.error("%s", problem)
        return Slot(serving, problem, stamp)


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def _folders(path: Path) -> list[Path]:
    try:
        return sorted(p for p in path.iterdir() if p.is_dir() and not p.name.startswith("."))
    except FileNotFoundError:
        return []
