"""Plug-ins: what installed packages bring by entry points, each kind of thing under a group."""

from __future__ import annotations

from typing import Any

from lakehouse.errors import NotFound, unknown


def names(group: str) -> list[str]:
    """What is installed of a group, by name."""
    return sorted(_installed(group))


def load(group: str, kind: str, name: str, hint: str = "") -> Any:
    """Load what an entry point of a group names.

    Raises NotFound with the names there are; `kind` says what they are of, and `hint` what else
    helps.

    >>> load("lakehouse.engines", "engine", "abacus")
    Traceback (most recent call last):
    ...
    lakehouse.errors.NotFound: This installation has no engine 'abacus'. It has: embedded, spark.
    """
    installed = _installed(group)
    if name not in installed:
        missing = unknown(kind, name, installed, "This installation")
        raise NotFound(f"{missing} {hint}".rstrip())
    return installed[name].load()


def _installed(group: str) -> dict[str, Any]:
    from importlib.metadata import entry_points

    return {found.name: found for found in entry_points(group=group)}
