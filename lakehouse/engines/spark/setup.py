"""Setting engines up, without loading them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class SparkSetUp:
    """What the Spark engine was given: its jars and the properties file, by path."""

    fetched: bool
    jars: list[str]
    properties: str


def set_up_spark(source: Path | None = None) -> SparkSetUp:
    """Fetch the Spark engine's jars, or take them from a folder, and write its properties file.

    Raises SparkMissing where they cannot be had.
    """
    from lakehouse.engines.spark import jars
    from lakehouse.engines.spark.session import write_properties
    from lakehouse.engines.spark.settings import from_environment

    folder = from_environment().jars
    fetched = jars.set_up(folder, source)
    return SparkSetUp(fetched, [str(p) for p in jars.paths(folder)], str(write_properties(folder)))
