"""Where what was made once is kept for all of a user's lakes."""

from __future__ import annotations

import os
from pathlib import Path


def folder(name: str) -> Path:
    """A folder for things that can be made anew, which may not be there yet.

    It lies in `~/.cache/lakehouse`, or in `lakehouse` below XDG_CACHE_HOME.
    """
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache).expanduser().absolute() / "lakehouse" / name
