"""A standalone Spark cluster that loses a worker gives what the embedded engine gives.

At full size, with every stage, the figures printed, and features and a training set asked for on
the cluster that is left:

    python -m tests.journeys.test_cluster 183 5000
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from feature_repo.payments_fraud.generator.deliveries import deliver
from lakehouse.engines.spark.settings import SparkSettings, from_environment
from lakehouse.records.home import Home
from lakehouse.sdk import composition, stages
from lakehouse.storage.catalog import Catalog
from tests.journeys.agreement import computed, payments_lake, stored
from tests.spark_processes import SMALL, Cluster, cluster, submitted

ROOT = Path(__file__).parents[2]
DOMAIN = "payments_fraud"
WORLD = {"customers": 60, "terminals": 120, "days": 40, "radius": 20.0}
STAGES = ("raw", "cleaned", "curated", "features")
LOGS = ("fraud_decisions", "served_features")
"""Tables of what a service answered."""


def test_cluster_that_loses_a_worker_gives_what_the_embedded_engine_gives(
    tmp_path: Path, spark_settings: SparkSettings
) -> None:
    embedded, spread = payments_lake(tmp_path / "embedded"), payments_lake(tmp_path / "spread")
    for home in (embedded, spread):
        deliver(home.landing(DOMAIN), **WORLD)
    ctx = composition.open_context(embedded, DOMAIN)
    stages.run(ctx, STAGES)

    with cluster(tmp_path / "cluster") as made:
        settings = replace(spark_settings, master=made.url)
        done = run_and_lose_a_worker(made, settings, spread, STAGES, SMALL)

    assert done.lost, "no task was lost with the worker"
    assert "Lost executor" in done.said
    assert [step["target"] for step in done.steps if step["changed"]] == done.expected(ctx)
    assert stored(composition.open_context(spread, DOMAIN)) == stored(ctx)


class Done:
    """A run on a cluster: what it printed, what it lost and how long it took."""

    def __init__(self, steps: list[dict[str, Any]], said: str, lost: set[int], seconds: float):
        self.steps, self.said, self.lost, self.seconds = steps, said, lost, seconds

    @staticmethod
    def expected(ctx: Any) -> list[str]:
        """The targets that have something to do: all but the logs of a service, which none ran."""
        names = [t.raw.name for t in ctx.domain.cleaned] + [t.name for t in ctx.domain.cleaned]
        names += [t.name for t in (*ctx.domain.curated, *ctx.domain.stored_views)]
        return [name for name in names if not name.startswith(LOGS)]


def run_and_lose_a_worker(
    made: Cluster,
    settings: SparkSettings,
    home: Home,
    chosen: Sequence[str],
    properties: dict[str, str],
) -> Done:
    """Submit the run of a domain's stages, and kill a worker that cleans when raw is written."""
    began = time.perf_counter()
    taken_in = Catalog.of(home.path).table("raw", DOMAIN, "payments_raw")
    with submitted(
        made.folder / "run.log",
        settings,
        ROOT / "jobs" / "run.py",
        *(DOMAIN, *chosen, "--home", home.path, "--engine", "spark"),
        properties=properties,
        LAKEHOUSE_CODE_VERSION="test",
    ) as job:
        lost = made.kill_worker(1, when=taken_in.exists, seconds=300)
        code = job.process.wait(900)
    assert code == 0, job.said()
    seconds = time.perf_counter() - began
    return Done(json_lines(made.folder / "run.out"), job.said(), lost, seconds)


def ask(
    made: Cluster, settings: SparkSettings, home: Home, moments: int, properties: dict[str, str]
) -> Any:
    """What the cluster computes for a lake, with the workers that are left."""
    program = Path(__file__).with_name("agreement.py")
    with submitted(
        made.folder / "ask.log",
        settings,
        program,
        *(home.path, DOMAIN, "spark", str(moments)),
        properties=properties,
    ) as job:
        assert job.process.wait(900) == 0, job.said()
    return json_lines(made.folder / "ask.out")[-1]


def json_lines(file: Path) -> list[Any]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def main(days: int, customers: int) -> None:
    """Compare both engines at full size, and print what each took."""
    world = {"customers": customers, "terminals": 2 * customers, "days": days}
    folder = Path(tempfile.mkdtemp(prefix="lakehouse-cluster-"))
    properties = {
        "spark.ui.enabled": "false",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.memory": "2g",
        "spark.executor.memory": "2g",
        "spark.sql.shuffle.partitions": "8",
    }
    try:
        embedded, spread = payments_lake(folder / "embedded"), payments_lake(folder / "spread")
        print("delivered", deliver(embedded.landing(DOMAIN), **world), flush=True)
        shutil.copytree(embedded.landing(DOMAIN), spread.landing(DOMAIN), dirs_exist_ok=True)
        ctx = composition.open_context(embedded, DOMAIN)
        began = time.perf_counter()
        stages.run(ctx, stages.STAGES)
        print(f"embedded engine, all stages: {time.perf_counter() - began:.1f} s", flush=True)
        with cluster(folder / "cluster", memory="2g") as made:
            settings = replace(from_environment(), master=made.url)
            done = run_and_lose_a_worker(made, settings, spread, stages.STAGES, properties)
            print(f"cluster of two, one killed, all stages: {done.seconds:.1f} s, lost {done.lost}")
            for step in done.steps:
                print(
                    f"  {step['stage']:<9} {step['target']:<20} {step['seconds']:6.1f} s", end=" "
                )
                print(f"{step['rows']} rows", flush=True)
            began = time.perf_counter()
            answered = ask(made, settings, spread, 1000, properties)
            print(f"asked on the cluster: {time.perf_counter() - began:.1f} s {answered}")
        assert stored(composition.open_context(spread, DOMAIN), 300) == stored(ctx, 300)
        assert answered == computed(ctx, 1000)
        print("tables, online values, past features and training set are the same")
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
