"""The Spark engine: PySpark and Delta Lake, in this process, on a cluster, or over Connect."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lakehouse.engines.spark.engine import SparkEngine

__all__ = ["SparkEngine"]


def __getattr__(name: str) -> Any:
    """Load the engine when it is asked for: setting Spark up needs no PySpark session."""
    if name == "SparkEngine":
        from lakehouse.engines.spark.engine import SparkEngine

        return SparkEngine
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
