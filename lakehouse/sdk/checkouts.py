"""Git checkouts: the commit a folder stands at, and the files that are not in it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Checkout:
    """A working copy at a commit.

    `changed` are the files that git holds otherwise than they lie here, `unknown` the files and
    whole folders that it does not hold, ignored ones among them.
    """

    folder: Path
    commit: str
    changed: frozenset[Path]
    unknown: frozenset[Path]

    def uncommitted(self, files: Iterable[Path]) -> set[Path]:
        """Those of some files whose content is not in the commit."""
        return {
            file
            for file in files
            if file in self.changed or not self.unknown.isdisjoint((file, *file.parents))
        }


def checkout(folder: Path) -> Checkout | None:
    """The checkout that a folder lies in; None outside of one, without a commit or without git."""
    found = _git(folder, "rev-parse", "--show-toplevel", "HEAD")
    if found is None:
        return None
    top, commit = found.splitlines()
    status = _git(folder, "status", "--porcelain", "-z", "--no-renames", "--ignored=matching")
    if status is None:
        return None
    changed: set[Path] = set()
    unknown: set[Path] = set()
    for entry in filter(None, status.split("\0")):
        kind, path = entry[:2], Path(top) / entry[3:]
        (unknown if kind in ("??", "!!") else changed).add(path)
    return Checkout(Path(top), commit, frozenset(changed), frozenset(unknown))


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments],
            capture_output=True,
            encoding="utf-8",
            errors="surrogateescape",
            check=False,
        )
    except FileNotFoundError:
        return None
    return done.stdout if done.returncode == 0 else None
