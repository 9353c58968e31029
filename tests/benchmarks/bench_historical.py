"""Windowed features of every card payment at its own moment, beside bare DuckDB and Polars.

    python tests/benchmarks/bench_historical.py [--days 183] [--repeat 3]

The handbook's 1.75 million payments lie in a Delta table; each contestant reads it and gives an
Arrow table of all payments with their features. Every run is a process of its own that has done
the same once before; the best times and the greatest peak of memory are shown. The windows are
[t - w, t), 1, 7 and 30 days long.

- `plain`: count and sum by card and by terminal, twelve features; the peers do the same.
- `handbook`: the platform alone, with delayed windows, a second table that is known late, and the
  book's fifteen inputs, as the payments domain declares them.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from feature_repo.payments_fraud.features import WINDOWS, at_payment, card, terminal
from feature_repo.payments_fraud.sources import payments
from feature_repo.payments_fraud.tables import reported_frauds
from lakehouse.declare import Count, Domain, FeatureView, Sum, last
from lakehouse.engines.context import Context
from lakehouse.engines.protocol import KNOWN_AT, Transaction, load
from lakehouse.features.historical import historical
from lakehouse.records.home import Home
from lakehouse.records.store import CodeVersion, Records

DAYS = {"1d": 1, "7d": 7, "30d": 30}
PLAIN = tuple(
    FeatureView(
        f"by_{entity.name}",
        of=payments,
        by=entity,
        payments=Count(over=last(*WINDOWS)),
        spend=Sum("amount_eur", over=last(*WINDOWS)),
    )
    for entity in (card, terminal)
)


def open_context(home: Path) -> Context:
    domain = Domain("payments_fraud", description="", views=(*PLAIN, at_payment))
    records = Records(home / "records.db", lambda: datetime(2018, 10, 1, tzinfo=UTC))
    return Context(
        Home.create(home, "data"), records, load("embedded"), domain, CodeVersion("bench", False)
    )


def make_lake(home: Path, days: int) -> int:
    """Write the simulated payments and reported frauds as Delta tables."""
    from feature_repo.payments_fraud.simulator import simulate

    Home.create(home, "data")
    ctx = open_context(home)
    table = simulate(days=days)
    amount = table.column("amount_eur").cast(pa.decimal128(18, 2))
    table = table.set_column(table.column_names.index("amount_eur"), "amount_eur", amount)
    columns = [c.name for c in payments.columns]
    taken = table.select(columns).append_column(KNOWN_AT, table.column("paid_at"))
    frauds = table.filter(pc.greater(table.column("fraud_scenario"), 0))
    known = pc.add(frauds.column("paid_at"), pa.scalar(timedelta(days=7)))
    names = [c.name for c in reported_frauds.columns]
    reported = frauds.select(names).append_column(KNOWN_AT, known)
    for of, rows in ((payments, taken), (reported_frauds, reported)):
        frame = ctx.engine.from_arrow(rows)
        ctx.engine.write(ctx.path(of.zone, of.name), frame, "append", Transaction("bench", 1))
    return int(taken.num_rows)


def platform(home: Path, views: Any) -> pa.Table:
    ctx = open_context(home)
    spine = ctx.read(payments, columns=[c.name for c in payments.columns])
    return ctx.engine.to_arrow(historical(ctx, spine, "paid_at", views))


def duckdb_ranges(home: Path) -> pa.Table:
    import duckdb

    con = duckdb.connect()
    con.execute("SET TimeZone='UTC'; SET threads=2")
    features = []
    for key in ("card_id", "terminal_id"):
        for text, days in DAYS.items():
            window = (
                f"(PARTITION BY {key} ORDER BY paid_at RANGE BETWEEN INTERVAL {days} DAYS PRECEDING"
                " AND INTERVAL 1 MICROSECOND PRECEDING)"
            )
            features.append(f"count(*) OVER {window} AS {key}_payments_{text}")
            features.append(f"sum(amount_eur) OVER {window} AS {key}_spend_{text}")
    columns = ", ".join(c.name for c in payments.columns)
    sql = f"SELECT {columns}, {', '.join(features)} FROM read_parquet({_files(home)})"
    return con.sql(sql).to_arrow_table()


def polars_rolling(home: Path) -> pa.Table:
    import polars as pl

    columns = [c.name for c in payments.columns]
    frame = pl.scan_parquet(_files(home)).select(columns)
    cents = (pl.col("amount_eur") * 100).cast(pl.Int64)
    ones = cents.is_not_null().cast(pl.Int64)
    features = []
    for key in ("card_id", "terminal_id"):
        for text in DAYS:
            options: Any = {"by": "paid_at", "window_size": text, "closed": "left"}
            count = ones.rolling_sum_by(**options).over(key)
            features.append(count.alias(f"{key}_payments_{text}"))
            total = cents.rolling_sum_by(**options).over(key)
            features.append(total.alias(f"{key}_spend_{text}"))
    return frame.with_columns(features).collect().to_arrow()


def _files(home: Path) -> list[str]:
    from deltalake import DeltaTable

    table = DeltaTable(str(Home(home).table(payments.zone, "payments_fraud", payments.name)))
    return table.file_uris()


CONTESTANTS: dict[str, Callable[[Path], pa.Table]] = {
    "lakehouse, plain": lambda home: platform(home, PLAIN),
    "lakehouse, handbook": lambda home: platform(home, [at_payment]),
    "DuckDB, RANGE windows": duckdb_ranges,
    "Polars, rolling": polars_rolling,
}


def run_one(name: str, home: Path) -> None:
    """Run one contestant here twice, and print what it took the second time, all imported."""
    CONTESTANTS[name](home)
    started, used_before = time.perf_counter(), time.process_time()
    answer = CONTESTANTS[name](home)
    seconds = time.perf_counter() - started
    cpu = time.process_time() - used_before
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
    checks = [c for c in answer.column_names if "payments_" in c or "spend_" in c]
    total = {c: str(pc.sum(answer.column(c)).as_py()) for c in checks}
    print(
        json.dumps(
            {"seconds": seconds, "cpu": cpu, "mib": peak, "rows": answer.num_rows, "sums": total}
        )
    )


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--days", type=int, default=183)
    arguments.add_argument("--repeat", type=int, default=3)
    arguments.add_argument("--lake", type=Path, help="an existing lake of an earlier run")
    arguments.add_argument("--one", help=argparse.SUPPRESS)
    given = arguments.parse_args()
    if given.one:
        run_one(given.one, given.lake)
        return
    with tempfile.TemporaryDirectory() as folder:
        home = given.lake or Path(folder) / "lake"
        if not home.exists():
            print(f"{make_lake(home, given.days):,} payments")
        best: dict[str, float] = {}
        for name in CONTESTANTS:
            command = [sys.executable, __file__, "--one", name, "--lake", str(home)]
            runs = [
                json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
                for _ in range(given.repeat)
            ]
            best[name] = min(run["seconds"] for run in runs)
            ratio = best[name] / best["lakehouse, plain"]
            cpu, mib = min(run["cpu"] for run in runs), max(run["mib"] for run in runs)
            print(f"{name:24}{best[name]:7.2f} s {ratio:6.2f} ×{cpu:7.2f} s CPU{mib:8.0f} MiB")


if __name__ == "__main__":
    main()
