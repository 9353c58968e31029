"""Models made by uncommitted code: they could not be rebuilt, so they do not become champion."""

from __future__ import annotations

from collections.abc import Sequence

MOST = 5
_BARRED = "refused: made by code that is not committed"


def reasons(names: Sequence[str]) -> tuple[str, ...]:
    """Why a model made by uncommitted files may not serve: one reason, none without a file."""
    if not names:
        return ()
    return (f"{_BARRED} ({files(names)}), so it could not be rebuilt; commit and train again",)


def only(refused: Sequence[str]) -> bool:
    """Whether uncommitted code is all that a version was refused for."""
    return bool(refused) and all(reason.startswith(_BARRED) for reason in refused)


def files(names: Sequence[str]) -> str:
    """The first names of a list, and how many more there are.

    >>> files(["a.py", "b.py", "c.py", "d.py", "e.py", "f.py"])
    'a.py, b.py, c.py, d.py, e.py and 1 more'
    """
    more = f" and {len(names) - MOST} more" if len(names) > MOST else ""
    return ", ".join(names[:MOST]) + more
