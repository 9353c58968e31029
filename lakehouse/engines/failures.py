"""What an engine refuses to do, or cannot."""

from __future__ import annotations

from lakehouse.errors import LakehouseError


class QueryError(LakehouseError):
    """SQL that the engine cannot bind, or a value it cannot compute, such as a bad cast."""


class WriteError(LakehouseError):
    """A commit that could not be made; the table is as it was."""


class WriteConflict(WriteError):
    """Another writer, one that takes no lock, committed in between, again and again."""
