"""Twelve windowed features on Spark with two cores, beside hand-written range windows.

    python -m tests.benchmarks.bench_spark_windows [--days 183] [--rounds 1]

The handbook's payments lie in a Delta table, and as many moments in another, none of which is an
event's time. Count and sum over 1, 7 and 30 days, by card and by terminal, are written as Parquet.
All run in one Spark session with the platform's settings, each once to warm up.

- `lakehouse`: at the moments.
- `range windows, moments`: the same question in SQL, over a union of payments and moments.
- `range windows, payments`: the simpler question of the values at the payments themselves.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import textwrap
import time
import warnings
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from feature_repo.payments_fraud.sources import payments
from lakehouse.context import Context
from lakehouse.engines.spark import jars
from lakehouse.engines.spark.engine import SparkEngine
from lakehouse.engines.spark.settings import from_environment
from lakehouse.features.historical import historical
from tests.benchmarks.payments_lake import (
    AT,
    DAYS,
    KEYS,
    PLAIN,
    asked_table,
    handbook,
    make_lake,
    open_context,
)

US_A_DAY = 86_400_000_000


def spark_context(home: Path) -> Context:
    settings = replace(from_environment(), master="local[2]")
    jars.set_up(settings.jars)
    return open_context(home, SparkEngine(settings))


def windows_sql() -> str:
    """The twelve features over rows with the keys, amount_eur and a `moment` in microseconds."""
    features = []
    for key in KEYS:
        for text, days in DAYS.items():
            window = (
                f"OVER (PARTITION BY {key} ORDER BY moment"
                f" RANGE BETWEEN {days * US_A_DAY} PRECEDING AND 1 PRECEDING)"
            )
            name = f"by_{key.removesuffix('_id')}"
            features.append(f"count(amount_eur) {window} AS {name}__payments_{text}")
            total = f"coalesce(sum(amount_eur) {window}, 0)"
            features.append(f"CAST({total} AS DECIMAL(18, 2)) AS {name}__spend_{text}")
    return ",\n    ".join(features)


AT_MOMENTS = f"""
SELECT * FROM (
  SELECT card_id, terminal_id, moment, asked,
    {windows_sql()}
  FROM (
    SELECT card_id, terminal_id, unix_micros({AT}) AS moment, true AS asked,
           CAST(NULL AS DECIMAL(18, 2)) AS amount_eur FROM asked
    UNION ALL
    SELECT card_id, terminal_id, unix_micros(paid_at), false, amount_eur FROM payments
  )
) WHERE asked
"""
AT_PAYMENTS = f"""
SELECT payment_id, card_id, terminal_id, amount_eur, moment,
    {windows_sql()}
FROM (SELECT *, unix_micros(paid_at) AS moment FROM payments)
"""


def platform(ctx: Context, into: Path) -> Any:
    return written(historical(ctx, ctx.engine.read(asked_table(ctx.home.path)), AT, PLAIN), into)


def by_hand(ctx: Context, query: str, into: Path) -> Any:
    engine: Any = ctx.engine
    places = {
        "payments": ctx.table_of(payments),
        "asked": asked_table(ctx.home.path),
    }
    for name, place in places.items():
        engine.session.read.format("delta").load(str(place.folder)).createOrReplaceTempView(name)
    return written(engine.session.sql(query), into)


def written(frame: Any, into: Path) -> Any:
    """Write a frame as Parquet, and return the sums of its features."""
    frame.write.mode("overwrite").parquet(str(into))
    return into


def sums(ctx: Context, into: Path) -> list[Any]:
    engine: Any = ctx.engine
    frame = engine.session.read.parquet(str(into))
    named = sorted(name for name in frame.columns if name.startswith("by_"))
    totals = frame.selectExpr("count(*) AS n", *(f"sum({name}) AS {name}" for name in named))
    return [str(value) for value in totals.collect()[0]]


def timed(name: str, work: Callable[[], Any], rounds: int) -> float:
    work()
    best = float("inf")
    for _ in range(rounds):
        began, used = time.perf_counter(), processors()
        work()
        best = min(best, time.perf_counter() - began)
        cpu = processors() - used
        print(f"{name:28}{best:8.1f} s{cpu:8.1f} s of processors", flush=True)
    return best


def processors() -> float:
    """Seconds of processors that this process and all below it have used, Spark's among them."""
    stats: dict[int, tuple[int, int]] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with suppress(OSError):  # it has ended
                words = (folder / "stat").read_text().rpartition(")")[2].split()
                # Its parent, and its own ticks with those of its children that have ended.
                stats[int(folder.name)] = int(words[1]), sum(map(int, words[11:15]))
    below = {os.getpid()}
    while more := {pid for pid, (parent, _) in stats.items() if parent in below} - below:
        below |= more
    return sum(stats[pid][1] for pid in below) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=183)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--lake", type=Path, help="a lake that an earlier run made and left")
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as scratch:
        home = given.lake or Path(scratch) / "lake"
        if not home.exists():
            print(f"{make_lake(home, handbook(given.days)):,} payments")
        ctx, into = spark_context(home), Path(scratch)
        work = {
            "lakehouse": lambda: platform(ctx, into / "ours"),
            "range windows, moments": lambda: by_hand(ctx, AT_MOMENTS, into / "moments"),
            "range windows, payments": lambda: by_hand(ctx, AT_PAYMENTS, into / "payments"),
        }
        took = {name: timed(name, run, given.rounds) for name, run in work.items()}
        if sums(ctx, into / "ours") != sums(ctx, into / "moments"):
            raise SystemExit("The answers differ: these figures mean nothing.")
    for name, seconds in list(took.items())[1:]:
        print(f"lakehouse takes {took['lakehouse'] / seconds:.2f} times as long as {name}")
    print("\nlakehouse:\n    historical(ctx, asked, 'asked_at', PLAIN).write.parquet(…)")
    for name, query in (("moments", AT_MOMENTS), ("payments", AT_PAYMENTS)):
        print(f"\nrange windows, {name}:{textwrap.indent(query, '    ')}")


if __name__ == "__main__":
    main()
