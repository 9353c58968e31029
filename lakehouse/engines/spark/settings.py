"""How the Spark engine is set: where Spark is, and where its jars lie."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from lakehouse import user_cache

IN_THIS_PROCESS = "local[*]"


@dataclass(frozen=True)
class SparkSettings:
    """Where Spark is.

    `master` is what Spark calls its master URL: `local[*]`, `spark://host:port`, `k8s://…`, or
    `sc://host:port` for a Spark Connect server. None takes it from spark-submit. `jars` is the
    folder that `lakehouse setup spark` fills.
    """

    master: str | None
    jars: Path

    @property
    def remote(self) -> bool:
        """Whether Spark is reached over Connect, so that no JVM is started here."""
        return self.master is not None and self.master.startswith("sc://")

    @property
    def local(self) -> bool:
        """Whether the whole of Spark is this process's own JVM."""
        return self.master is not None and self.master.startswith("local")


def from_environment() -> SparkSettings:
    """Read LAKEHOUSE_SPARK_MASTER and LAKEHOUSE_SPARK_JARS.

    Without the first, a job that spark-submit started keeps the master it was submitted to, and
    any other program gets a Spark of its own.
    """
    submitted = "PYSPARK_GATEWAY_PORT" in os.environ
    master = os.environ.get("LAKEHOUSE_SPARK_MASTER") or (None if submitted else IN_THIS_PROCESS)
    chosen = os.environ.get("LAKEHOUSE_SPARK_JARS")
    if chosen:
        return SparkSettings(master, Path(chosen).expanduser().absolute())
    return SparkSettings(master, user_cache.folder("spark"))
