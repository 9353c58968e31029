"""A Spark session as the platform needs it: UTC, ANSI, Delta, and quick on small tables."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lakehouse.engines.spark import jars
from lakehouse.engines.spark.jars import SparkMissing
from lakehouse.engines.spark.settings import SparkSettings

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import SparkSession

MEANING = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.storeAssignmentPolicy": "ANSI",
    "spark.sql.caseSensitive": "false",
    "spark.sql.timestampType": "TIMESTAMP_LTZ",
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    **{
        f"spark.sql.parquet.{what}RebaseModeIn{way}": "CORRECTED"
        for what in ("datetime", "int96")
        for way in ("Read", "Write")
    },
    "spark.sql.execution.arrow.maxRecordsPerBatch": "50000",
    "spark.databricks.delta.snapshotPartitions": "4",  # 50 by default: seconds for a short log
    "spark.databricks.delta.optimizeWrite.enabled": "true",  # as few files as the rows need
}
"""What every session is set to, also one on a server that runs already."""

DELTA = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    # Without checksum files beside those that delta-rs may replace.
    "spark.hadoop.fs.file.impl": "org.apache.hadoop.fs.RawLocalFileSystem",
    "spark.hadoop.fs.AbstractFileSystem.file.impl": "org.apache.hadoop.fs.local.RawLocalFs",
}
"""What Spark must be started with."""

QUIET = {
    "spark.log.level": "ERROR",
    "spark.ui.showConsoleProgress": "false",
}


def submitted(folder: Path) -> dict[str, str]:
    """Return the properties that spark-submit and a Connect server are started with."""
    return {"spark.jars": ",".join(map(str, jars.paths(folder)))} | DELTA | MEANING


def write_properties(folder: Path) -> Path:
    """Write these properties beside the jars as spark-submit reads them, and return the file."""
    file = folder / "lakehouse.properties"
    text = "".join(f"{name} {value}\n" for name, value in submitted(folder).items())
    if not file.is_file() or file.read_text() != text:
        made = file.with_suffix(".new")
        made.write_text(text)
        made.replace(file)
    return file


def start(settings: SparkSettings) -> SparkSession:
    """Return this process's session, started if there is none.

    Raises SparkMissing where PySpark, Java or the jars are missing, with what to do.
    """
    try:
        from pyspark.sql import SparkSession
    except ImportError as error:
        raise SparkMissing(
            f"The Spark engine needs PySpark ({error}); install it with "
            "'pip install lakehouse[spark]', or lakehouse[connect] for Spark Connect."
        ) from error
    if settings.remote:
        builder = _set(SparkSession.builder.remote(str(settings.master)), MEANING)
        return _started(builder)
    jars.require_java()
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = _set(SparkSession.builder.appName("lakehouse"), MEANING | QUIET)
    if settings.master is not None:
        builder = _set(builder.master(settings.master), submitted(settings.jars))
    if settings.local:
        # An address of this machine alone, and no more partitions than small tables can use.
        os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
        builder = _set(builder, _LOCAL)
    session = _started(builder)
    _require_delta(session)
    return session


_LOCAL = {
    "spark.ui.enabled": "false",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.memory": "3g",
    "spark.driver.maxResultSize": "0",
    "spark.sql.shuffle.partitions": "4",
    "spark.databricks.delta.snapshotPartitions": "1",  # a third less work for a small commit
}


def _started(builder: Any) -> SparkSession:
    from pyspark.errors import PySparkException

    try:
        session: SparkSession = builder.getOrCreate()
        session.sql("SELECT 1").collect()
    except PySparkException as error:
        raise SparkMissing(f"Spark did not start: {_first_line(error)}") from error
    return session


def _set(builder: Any, properties: Mapping[str, str]) -> Any:
    for name, value in properties.items():
        builder = builder.config(name, value)
    return builder


def _require_delta(session: SparkSession) -> None:
    extensions = str(session.conf.get("spark.sql.extensions", ""))
    if DELTA["spark.sql.extensions"] not in extensions:
        raise SparkMissing(
            "This Spark was started without Delta Lake; submit the job with 'spark-submit "
            f'--properties-file "$({jars.SET_UP} --properties)" …\'.'
        )


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0]
