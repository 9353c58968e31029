"""Point-in-time joins on Spark beside Feast's own Spark store, each in a Spark of two cores.

    python -m tests.benchmarks.bench_spark [--days 183] [--peer-rows 100000]

The handbook's payments, and twelve values stored for each of them, six by card and six by
terminal, lie in Delta tables. Asked are the values as of every payment's own moment, written as
Parquet and counted.

- `latest`: two views of stored values, of all payments, and of `--peer-rows` of them, for which
  Feast does the same through `get_historical_features(…).to_spark_df()`.
- `windows`: two views of six windows each, computed from the payments themselves.

Everything runs once to warm up and once to be timed; the peer, which is slow, warms up with a few
rows. It runs in a Spark of its own with two cores, as much memory, and Spark's own settings.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from feature_repo.payments_fraud.features import card, terminal
from feature_repo.payments_fraud.sources import payments
from lakehouse.context import Context
from lakehouse.engines.spark import jars
from lakehouse.engines.spark.engine import SparkEngine
from lakehouse.engines.spark.session import submitted
from lakehouse.engines.spark.settings import from_environment
from lakehouse.features.historical import historical
from tests.benchmarks.payments_lake import (
    LATEST,
    PLAIN,
    VALUES,
    card_values,
    handbook,
    make_lake,
    open_context,
    store_values,
    terminal_values,
)

FEAST = {
    "spark.master": "local[2]",
    "spark.driver.memory": "3g",
    "spark.sql.session.timeZone": "UTC",
}
"""What the peer's Spark is given, beside Delta Lake."""
WARM_UP = 2_000


def spark_context(home: Path) -> Context:
    settings = replace(from_environment(), master="local[2]")
    jars.set_up(settings.jars)
    return open_context(home, SparkEngine(settings))


def platform(ctx: Context, views: Any, into: Path, asked: pa.Table | None = None) -> int:
    if asked is None:
        spine = ctx.read(payments, columns=[c.name for c in payments.columns])
    else:
        spine = ctx.engine.from_arrow(asked)
    return counted(historical(ctx, spine, "paid_at", views), into)


def some_payments(ctx: Context, rows: int) -> pa.Table:
    """So many of the payments, evenly drawn: what both are asked for when they are compared."""
    asked = ctx.engine.to_arrow(
        ctx.read(payments, columns=["payment_id", "card_id", "terminal_id", "paid_at"])
    )
    step = max(asked.num_rows // rows, 1)
    return asked.take(pa.array(range(0, min(step * rows, asked.num_rows), step)))


def feast(lake: Path, asked: Path, into: Path) -> None:
    """The same join by an unmodified Feast with its Spark store, over the same Delta tables."""
    import feast as f
    from feast.infra.offline_stores.contrib.spark_offline_store.spark_source import SparkSource
    from feast.types import Decimal as FeastDecimal
    from feast.types import Int64

    ctx = open_context(lake)
    place = into.parent / "feast"
    place.mkdir()
    settings = FEAST | submitted(from_environment().jars)
    (place / "feature_store.yaml").write_text(
        "project: bench\nprovider: local\nregistry: registry.db\n"
        f"offline_store: {{type: spark, spark_conf: {json.dumps(settings)}}}\n"
        "online_store: {type: sqlite, path: online.db}\nentity_key_serialization_version: 3\n"
    )
    store = f.FeatureStore(repo_path=str(place))
    made: list[Any] = []
    for table, entity in ((card_values, card), (terminal_values, terminal)):
        (name,) = entity.keys
        of = f.Entity(name=entity.name, join_keys=[name])
        source = SparkSource(
            name=table.name,
            query=f"SELECT * FROM delta.`{ctx.table_of(table).folder}`",
            timestamp_field="at",
        )
        schema = [f.Field(name=v, dtype=Int64 if v < "v4" else FeastDecimal) for v in VALUES]
        made += [of, f.FeatureView(name=table.name, entities=[of], schema=schema, source=source)]
    store.apply(made)
    wanted = [f"{t.name}:{v}" for t in (card_values, terminal_values) for v in VALUES]
    every = pq.read_table(asked).rename_columns(
        ["payment_id", "card_id", "terminal_id", "event_timestamp"]
    )
    for rows in (every.slice(0, WARM_UP), every):
        began = time.perf_counter()
        job: Any = store.get_historical_features(rows.to_pandas(), wanted, full_feature_names=True)
        found = counted(job.to_spark_df(), into)
        seconds = time.perf_counter() - began
    print(json.dumps({"rows": found, "seconds": seconds}))


def peer(lake: Path, asked: pa.Table, scratch: Path) -> float:
    """Seconds of Feast in a process and a Spark of its own."""
    pq.write_table(asked, scratch / "asked.parquet")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "tests.benchmarks.bench_spark", "--feast"),
            *(str(lake), str(scratch / "asked.parquet"), str(scratch / "answer")),
        ],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    said = json.loads(done.stdout.splitlines()[-1])
    report("Feast on Spark, latest", said["rows"], said["seconds"], asked.num_rows)
    return float(said["seconds"])


def counted(frame: Any, into: Path) -> int:
    frame.write.mode("overwrite").parquet(str(into))
    return int(frame.sparkSession.read.parquet(str(into)).count())


def timed(name: str, work: Callable[[], int], wanted: int) -> float:
    work()
    began = time.perf_counter()
    found = work()
    seconds = time.perf_counter() - began
    report(name, found, seconds, wanted)
    return seconds


def report(name: str, found: int, seconds: float, wanted: int) -> None:
    exact = "exact" if found == wanted else f"{wanted:,} asked"
    print(f"{name:32} {found:>10,} rows {seconds:8.1f} s  ({exact})", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=183)
    parser.add_argument("--peer-rows", type=int, default=100_000)
    parser.add_argument("--feast", nargs=3, type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    if given.feast:
        feast(*given.feast)
        return
    with tempfile.TemporaryDirectory() as scratch:
        home, into = Path(scratch) / "lake", Path(scratch) / "answer"
        rows = make_lake(home, handbook(given.days))
        ctx = spark_context(home)
        store_values(ctx)
        timed("lakehouse on Spark, latest", lambda: platform(ctx, LATEST, into), rows)
        timed("lakehouse on Spark, windows", lambda: platform(ctx, PLAIN, into), rows)
        asked = some_payments(ctx, given.peer_rows)
        some = asked.num_rows
        ours = timed(
            f"lakehouse on Spark, {some:,}", lambda: platform(ctx, LATEST, into, asked), some
        )
        engine: Any = ctx.engine
        engine.session.stop()  # the peer has the machine for itself, too
        theirs = peer(home, asked, Path(scratch))
        print(f"of the same {some:,} rows, Feast takes {theirs / ours:.1f} times as long")
        print("Feast's Spark:", json.dumps(FEAST))


if __name__ == "__main__":
    main()
