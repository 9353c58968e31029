"""One Delta table: its name in the lake, where it lies, and what its log says.

The log is read with delta-rs, whatever engine wrote it. Everything above the engines asks here.
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from lakehouse.errors import LakehouseError
from lakehouse.storage.addresses import address_of, folder_at


class VersionGone(LakehouseError):
    """A version of a table that never was, or whose log is no longer there."""


@dataclass(frozen=True)
class TableRef:
    """A table that may or may not be there yet.

    `id` is what it is called, "zone/domain/name" for a table of a lake; `address` is where it
    lies, a URI.
    """

    id: str
    address: str

    @staticmethod
    def in_folder(folder: Path) -> TableRef:
        """The table of a folder that is no lake's, called by its path."""
        return TableRef(str(folder), address_of(folder))

    def __str__(self) -> str:
        return self.id

    @property
    def folder(self) -> Path:
        """The table's folder on this machine."""
        return folder_at(self.address)

    def opened(self, version: int | None = None) -> DeltaTable:
        """The table at a version, the newest by default; raises DeltaError where there is none."""
        return DeltaTable(self.address, version=version)

    def exists(self) -> bool:
        """Whether a Delta table lies there."""
        return (self.folder / "_delta_log").is_dir() and DeltaTable.is_deltatable(self.address)

    def version(self) -> int | None:
        """The newest version, or None where there is no table."""
        return self.opened().version() if self.exists() else None

    def data_version(self, newest: int | None = None) -> int | None:
        """The newest version that changed rows, at or before `newest`; None without a table.

        Compaction and VACUUM make versions of the same rows: what was computed from one of them
        is still right.
        """
        if not self.exists():
            return None
        # delta-rs numbers the history of a table that is opened at an earlier version wrongly.
        done = [c for c in self.opened().history() if newest is None or c["version"] <= newest]
        changed = (c for c in done if c.get("operation") not in _SAME_ROWS)
        return int(next(changed, done[0])["version"])

    def applied(self, application: str | None = None) -> int:
        """The newest version of an application's transactions; -1 if there is none.

        By default of the application that is called by the table's id: its own.
        """
        if not self.exists():
            return -1
        found = self.opened().transaction_version(application or self.id)
        return -1 if found is None else int(found)

    def next_number(self, application: str | None = None) -> int:
        """The version of an application's next transaction, from 1; by default of its own."""
        return max(self.applied(application), 0) + 1

    def commits(self, limit: int | None = None) -> list[dict[str, Any]]:
        """What the commits say of themselves, the newest first.

        Each holds the `metadata` it was written with beside Delta's own `version` and `operation`.
        """
        return [_with_metadata(commit) for commit in self.opened().history(limit)]

    def written(self) -> dict[str, Any]:
        """What the newest commit that changed rows says of itself; empty without a table."""
        newest = self.data_version()
        if newest is None:
            return {}
        return next(commit for commit in self.commits() if commit["version"] == newest)

    def files(self, version: int | None = None) -> list[str]:
        """The data files of a version, by their paths in `filesystem`; raises VersionGone."""
        try:
            return self.files_of(self.opened(version))
        except DeltaError as error:
            raise VersionGone(f"Table {self} has no version {version} ({error}).") from error

    def files_of(self, opened: DeltaTable) -> list[str]:
        """The data files of this table as it is opened, as `files` gives them."""
        root = unquote(urlsplit(opened.table_uri).path)
        return [unquote(uri).removeprefix(root) for uri in opened.file_uris()]

    def filesystem(self) -> Any:
        """The table's folder as a file system of Arrow's.

        The one that delta-rs gives Arrow is called back in Python: a thread of Arrow's that still
        reads ahead when the process ends aborts it.
        """
        from pyarrow import fs

        return fs.SubTreeFileSystem(str(self.folder), fs.LocalFileSystem())

    def readable(self, version: int) -> bool:
        """Whether a version can still be read: its log and all of its files are there."""
        try:
            return self.holds(self.files(version))
        except VersionGone:
            return False

    def holds(self, files: list[str]) -> bool:
        """Whether all of some files are still there."""
        return all(found.is_file for found in self.filesystem().get_file_info(files))

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the table's lock, waiting for it; the system drops it when its process ends."""
        folder = self.folder
        folder.parent.mkdir(parents=True, exist_ok=True)
        with open(folder.parent / f".{folder.name}.lock", "a") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield


def _with_metadata(commit: dict[str, Any]) -> dict[str, Any]:
    """A commit with its metadata in one place: delta-rs keeps it flat, Spark as one text."""
    try:
        said = json.loads(commit.get("userMetadata") or "{}")
    except json.JSONDecodeError:  # somebody else's commit, with a text of its own
        said = {}
    return commit | (said if isinstance(said, dict) else {})


_SAME_ROWS = ("OPTIMIZE", "VACUUM START", "VACUUM END")
