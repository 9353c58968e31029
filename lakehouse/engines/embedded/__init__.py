"""The embedded engine: DuckDB, delta-rs and Arrow in one process, with no JVM."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lakehouse.engines.embedded.engine import EmbeddedEngine

__all__ = ["EmbeddedEngine"]


def __getattr__(name: str) -> Any:
    """Load the engine when it is asked for: the kernels beside it need no DuckDB."""
    if name == "EmbeddedEngine":
        from lakehouse.engines.embedded.engine import EmbeddedEngine

        return EmbeddedEngine
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
