"""What one engine began the other continues: the same tables, values and training sets.

At full size, some of the deliveries by one engine and the rest by the other, with figures:

    python -m tests.journeys.test_two_engines flight_delay payments_fraud
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from deltalake import DeltaTable

from lakehouse.context import Context
from lakehouse.engines.embedded import EmbeddedEngine
from lakehouse.engines.protocol import Engine
from lakehouse.engines.spark import jars
from lakehouse.engines.spark.engine import SparkEngine
from lakehouse.engines.spark.settings import SparkSettings, from_environment
from lakehouse.records.home import Home
from lakehouse.sdk import composition, stages
from tests.journeys.agreement import computed, payments_lake, stored

World = dict[str, Any]
WORLD: World = {"customers": 60, "terminals": 120, "days": 40, "radius": 20.0}
FULL: World = {"customers": 5_000, "terminals": 10_000, "days": 183}
STAGES = ("raw", "cleaned", "curated", "features")
ORDERS = (("embedded", "spark"), ("spark", "embedded"))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Context:
    """A lake that the embedded engine made alone, in one run."""
    return _made(tmp_path_factory.mktemp("whole"), "payments_fraud", (EmbeddedEngine(),), _payments)


@pytest.fixture(scope="module")
def shared(spark: SparkEngine, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Context]:
    """Lakes that one engine began and the other went on with, in either order."""
    engines = {"embedded": EmbeddedEngine(), "spark": spark}
    return {
        first: _made(
            tmp_path_factory.mktemp("shared"),
            "payments_fraud",
            (engines[first], engines[second]),
            _payments,
        )
        for first, second in ORDERS
    }


@pytest.mark.parametrize("first", ["embedded", "spark"])
def test_days_taken_in_by_two_engines_are_as_by_one(
    first: str, shared: dict[str, Context], whole: Context, spark: SparkEngine
) -> None:
    ctx = shared[first]
    written_by = {row["engine"] for row in ctx.records.select("SELECT engine FROM runs")}
    assert written_by == {"embedded", "spark"}
    assert stored(ctx) == stored(whole)
    assert computed(replace(ctx, engine=spark)) == computed(whole)


def test_plain_deltalake_and_plain_spark_open_every_table(
    shared: dict[str, Context], spark_settings: SparkSettings
) -> None:
    """Plain Spark is a process with Delta's jars and extension, and nothing of the platform's."""
    roots = [ctx.home.path / "tables" for ctx in shared.values()]
    folders = sorted(log.parent for root in roots for log in root.glob("*/*/*/_delta_log"))
    assert len(folders) >= 2 * 8
    by_spark = _opened_by_plain_spark(folders, spark_settings)
    for folder, seen in zip(folders, by_spark, strict=True):
        table = DeltaTable(str(folder))
        protocol = table.protocol()
        assert (protocol.min_reader_version, protocol.min_writer_version) == (1, 2), folder
        assert (protocol.reader_features, protocol.writer_features) == (None, None)
        rows = table.to_pyarrow_table()
        assert seen["columns"] == rows.column_names
        assert seen["rows"] == rows.num_rows
        assert "timestamp_ntz" not in seen["types"]


_PLAIN_SPARK = """
import json, sys
from pyspark.sql import SparkSession
jars, *tables = sys.argv[1:]
spark = (
    SparkSession.builder.master("local[1]")
    .config("spark.jars", jars)
    .config("spark.sql.extensions", "io.delta.sql.DeltaSparkSessionExtension")
    .config("spark.sql.catalog.spark_catalog", "org.apache.spark.sql.delta.catalog.DeltaCatalog")
    .config("spark.ui.enabled", "false")
    .config("spark.sql.shuffle.partitions", "1")
    .config("spark.databricks.delta.snapshotPartitions", "1")
    .getOrCreate()
)
for table in tables:
    frame = spark.read.format("delta").load(table)
    rows, types = frame.toArrow().num_rows, frame.schema.simpleString()
    print(json.dumps({"rows": rows, "columns": frame.columns, "types": types}))
"""


def _opened_by_plain_spark(tables: list[Path], settings: SparkSettings) -> list[dict[str, Any]]:
    done = subprocess.run(
        [
            *(sys.executable, "-c", _PLAIN_SPARK),
            *(",".join(map(str, jars.paths(settings.jars))), *map(str, tables)),
        ],
        env={**os.environ, "SPARK_LOCAL_IP": "127.0.0.1", "PYSPARK_PYTHON": sys.executable},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


Deliver = Callable[[Path, int, int], object]
"""Delivers one of so many parts into a landing folder."""


def _payments(landing: Path, part: int, parts: int, world: World = WORLD) -> object:
    from feature_repo.payments_fraud.generator.deliveries import deliver

    length = world["days"] + 7
    first, last = length * part // parts, length * (part + 1) // parts - 1
    return deliver(landing, **world, first_day=first, last_day=int(last))


def _flights(landing: Path, part: int, parts: int) -> object:
    from feature_repo.flight_delay.deliveries import deliver

    return deliver(landing, first_month=12 * part // parts + 1, last_month=12 * (part + 1) // parts)


def _made(folder: Path, domain: str, engines: Any, deliver: Deliver) -> Context:
    """A lake whose deliveries come in as many parts as there are engines, each by its own."""
    home = (
        payments_lake(folder / "lake")
        if domain == "payments_fraud"
        else Home.create(folder / "lake", "data")
    )
    ctx = composition.open_context(home, domain)
    for part, engine in enumerate(engines):
        deliver(home.landing(domain), part, len(engines))
        ctx = replace(ctx, engine=engine)
        stages.run(ctx, STAGES)
    return ctx


def main(domain: str) -> None:
    """Take all deliveries of a domain in by every order of engines, and compare."""
    spark: Engine = SparkEngine(replace(from_environment(), master="local[2]"))
    embedded: Engine = EmbeddedEngine()
    deliver = {"flight_delay": _flights, "payments_fraud": partial(_payments, world=FULL)}[domain]
    found = {}
    print(domain)
    with tempfile.TemporaryDirectory() as folder:
        for engines in ((embedded,), (spark,), (embedded, spark), (spark, embedded)):
            name = " then ".join(engine.name for engine in engines)
            began = time.perf_counter()
            ctx = _made(Path(folder) / name, domain, engines, deliver)
            seconds = time.perf_counter() - began
            found[name] = stored(ctx, 200) | computed(ctx, 1000)
            same = found[name] == found["embedded"]
            asked = time.perf_counter() - began - seconds
            print(f"{name:<22} stages {seconds:6.1f} s, asked {asked:5.1f} s, same: {same}")
            sys.stdout.flush()
    for name, answers in found.items():
        wrong = [what for what in answers if answers[what] != found["embedded"].get(what)]
        assert not wrong, f"{name}: {wrong}"
    print({what: found["embedded"][what] for what in ("rows", "values", "filled", "training")})


if __name__ == "__main__":
    for asked_for in sys.argv[1:] or ("flight_delay",):
        main(asked_for)
