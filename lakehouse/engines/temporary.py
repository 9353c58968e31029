"""A folder for spilled rows that goes with its process, even one that was killed."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from pathlib import Path

_PREFIX = "lakehouse-"
_LOCK = ".in_use"


def temporary_folder(parent: Path | None = None) -> tuple[Path, int]:
    """Make a folder and return it with its locked file, which the caller closes at the end.

    The operating system drops the lock of a process that ends, so folders whose lock is free are
    left over from processes that were killed, and are removed first.
    """
    root = Path(tempfile.gettempdir()) if parent is None else parent
    for lock in root.glob(f"{_PREFIX}*/{_LOCK}"):
        _remove_if_left(lock)
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=root))
    made = folder / f"{_LOCK}.new"
    locked = os.open(made, os.O_CREAT | os.O_WRONLY)
    fcntl.flock(locked, fcntl.LOCK_EX)
    made.rename(folder / _LOCK)  # appears locked, so that nobody takes it for a left one
    return folder, locked


def _remove_if_left(lock: Path) -> None:
    try:
        with open(lock, "r+") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(lock.parent, ignore_errors=True)
    except OSError:
        return  # in use, another user's, or just removed by its own process
