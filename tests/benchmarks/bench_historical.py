"""Windowed features from Delta table to Arrow table, beside bare DuckDB and Polars.

    python -m tests.benchmarks.bench_historical [--days 183] [--repeat 3]

The handbook's 1.75 million payments lie in a Delta table. Twelve features are asked for: count and
sum over 1, 7 and 30 days, [t - w, t), by card and by terminal.

- `moments`: at as many moments of a second Delta table, none of which is an event's time. Polars
  is spared that, and rolls over the events themselves: by `DataFrame.rolling`, which forms a group
  for each row and aggregates it, and by `rolling_sum_by`, an expression for sums of numbers, here
  of whole cents. DuckDB's windows can be asked at moments by a union of events and moments.
- `payments`: at every payment's own moment; the peers do the same.
- `handbook`: the platform alone, with delayed windows, a second table that is known late, and the
  book's fifteen inputs, as the payments domain declares them.
"""

from __future__ import annotations

import argparse
import functools
import tempfile
from pathlib import Path

import pyarrow as pa

from feature_repo.payments_fraud.features import at_payment
from feature_repo.payments_fraud.sources import payments
from lakehouse.features.historical import historical
from lakehouse.storage.catalog import Catalog
from lakehouse.storage.tables import TableRef
from tests.benchmarks.contest import Contestant, Measured, measure, run_one, show, show_ran
from tests.benchmarks.payments_lake import (
    AT,
    DAYS,
    KEYS,
    PLAIN,
    asked_table,
    files,
    handbook,
    make_lake,
    open_context,
)

COLUMNS = [c.name for c in payments.columns]


opened = functools.cache(open_context)
"""A lake is opened once, and then asked."""


def at_moments(lake: Path, rows: int | None = None) -> pa.Table:
    ctx = opened(lake)
    return ctx.engine.to_arrow(historical(ctx, ctx.engine.read(asked_table(lake)), AT, PLAIN))


def at_payments(lake: Path, rows: int | None = None) -> pa.Table:
    ctx = opened(lake)
    spine = ctx.read(payments, columns=COLUMNS)
    return ctx.engine.to_arrow(historical(ctx, spine, "paid_at", PLAIN))


def of_the_handbook(lake: Path, rows: int | None = None) -> pa.Table:
    ctx = opened(lake)
    spine = ctx.read(payments, columns=COLUMNS)
    return ctx.engine.to_arrow(historical(ctx, spine, "paid_at", [at_payment]))


def duckdb_windows() -> str:
    """The twelve features as window functions over rows with amount_eur, keys and a `moment`."""
    features = []
    for key in KEYS:
        for text, days in DAYS.items():
            window = (
                f"OVER (PARTITION BY {key} ORDER BY moment RANGE BETWEEN"
                f" INTERVAL {days} DAYS PRECEDING AND INTERVAL 1 MICROSECOND PRECEDING)"
            )
            name = f"by_{key.removesuffix('_id')}"
            features.append(f"count(amount_eur) {window} AS {name}__payments_{text}")
            features.append(
                f"coalesce(sum(amount_eur) {window}, 0)::DECIMAL(18, 2) AS {name}__spend_{text}"
            )
    return ",\n    ".join(features)


AT_MOMENTS = f"""
SELECT * EXCLUDE (amount_eur) FROM (
  SELECT *, {duckdb_windows()}
  FROM (
    SELECT card_id, terminal_id, asked_at AS moment, NULL AS amount_eur, true AS asked FROM asked
    UNION ALL
    SELECT card_id, terminal_id, paid_at AS moment, amount_eur, false AS asked FROM payments
  )
) WHERE asked
"""
AT_PAYMENTS = f"""
SELECT *, {duckdb_windows()}
FROM (SELECT payment_id, card_id, terminal_id, amount_eur, paid_at AS moment FROM payments)
"""


def duckdb_query(lake: Path, query: str) -> pa.Table:
    import duckdb

    con = duckdb.connect()
    con.execute("SET TimeZone = 'UTC'")
    for name, table in (("payments", payments_table(lake)), ("asked", asked_table(lake))):
        con.execute(f"CREATE VIEW {name} AS SELECT * FROM read_parquet({files(table)})")
    return con.sql(query).to_arrow_table()


def polars_rolling(lake: Path, rows: int | None = None) -> pa.Table:
    import polars as pl

    frame = pl.read_parquet(files(payments_table(lake)), columns=COLUMNS)
    for key in KEYS:
        by = f"by_{key.removesuffix('_id')}"
        frame = frame.sort(key, "paid_at")
        for text in DAYS:
            rolled = frame.rolling("paid_at", period=text, closed="left", group_by=key).agg(
                pl.len().cast(pl.Int64).alias(f"{by}__payments_{text}"),
                pl.col("amount_eur").sum().alias(f"{by}__spend_{text}"),
            )
            # Its rows are those of the frame, in the same order.
            frame = frame.with_columns(rolled.drop(key, "paid_at"))
    return frame.to_arrow()


def polars_rolling_sums(lake: Path, rows: int | None = None) -> pa.Table:
    import polars as pl

    frame = pl.scan_parquet(files(payments_table(lake))).select(COLUMNS)
    cents = (pl.col("amount_eur") * 100).cast(pl.Int64)
    ones = cents.is_not_null().cast(pl.Int64)
    features = []
    for key in KEYS:
        for text in DAYS:
            name = f"by_{key.removesuffix('_id')}"
            for value, of in ((ones, "payments"), (cents, "cents")):
                rolled = value.rolling_sum_by("paid_at", window_size=text, closed="left")
                features.append(rolled.over(key).alias(f"{name}__{of}_{text}"))
    return frame.with_columns(features).collect().to_arrow()


def payments_table(lake: Path) -> TableRef:
    return Catalog.of(lake).table(payments.zone, "payments_fraud", payments.name)


HISTORICAL = "historical(ctx, {spine}, {at}, {views}) |> ctx.engine.to_arrow"
CONTESTANTS = {
    "lakehouse, moments": Contestant(
        at_moments, HISTORICAL.format(spine="asked", at="'asked_at'", views="PLAIN")
    ),
    "Polars, rolling over the payments": Contestant(
        polars_rolling,
        """
        for key in (card_id, terminal_id):
            frame = frame.sort(key, 'paid_at')
            for w in (1d, 7d, 30d):
                rolled = frame.rolling('paid_at', period=w, closed='left', group_by=key)
                frame = frame.with_columns(rolled.agg(pl.len(), pl.sum('amount_eur')))
        frame.to_arrow()
        """,
    ),
    "Polars, rolling sums of cents": Contestant(
        polars_rolling_sums,
        """
        scan_parquet(payments).with_columns(
            value.rolling_sum_by('paid_at', window_size=w, closed='left').over(key)
            for key in (card_id, terminal_id) for w in (1d, 7d, 30d) for value in (1, cents))
        .collect().to_arrow()
        """,
    ),
    "DuckDB, windows over payments and moments": Contestant(
        lambda lake, rows: duckdb_query(lake, AT_MOMENTS), AT_MOMENTS
    ),
    "lakehouse, payments": Contestant(
        at_payments, HISTORICAL.format(spine="payments", at="'paid_at'", views="PLAIN")
    ),
    "DuckDB, windows over the payments": Contestant(
        lambda lake, rows: duckdb_query(lake, AT_PAYMENTS), AT_PAYMENTS
    ),
    "lakehouse, handbook": Contestant(
        of_the_handbook, HISTORICAL.format(spine="payments", at="'paid_at'", views="[at_payment]")
    ),
}
SAME = (
    ("lakehouse, moments", "DuckDB, windows over payments and moments"),
    ("lakehouse, payments", "DuckDB, windows over the payments"),
    ("lakehouse, payments", "Polars, rolling over the payments"),
    ("lakehouse, payments", "Polars, rolling sums of cents"),
)
"""Who answers the same question: the sums of all columns that both have must be equal."""


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--days", type=int, default=183)
    arguments.add_argument("--repeat", type=int, default=3)
    arguments.add_argument("--lake", type=Path, help="a lake that an earlier run made and left")
    arguments.add_argument("--only", nargs="*", default=list(CONTESTANTS))
    arguments.add_argument("--one", help=argparse.SUPPRESS)
    given = arguments.parse_args()
    if given.one:
        run_one(CONTESTANTS[given.one], given.lake, None)
        return
    with tempfile.TemporaryDirectory() as folder:
        lake = given.lake or Path(folder) / "lake"
        if not lake.exists():
            print(f"{make_lake(lake, handbook(given.days)):,} payments")
        took: dict[str, Measured] = {}
        for name in given.only:
            took[name] = measure(
                "tests.benchmarks.bench_historical", name, lake, None, given.repeat
            )
            beside = took.get("lakehouse, moments", took.get("lakehouse, payments"))
            show(name, took[name], beside)
    for one, other in SAME:
        if one in took and other in took:
            check_same(took[one], took[other])
    show_ran(CONTESTANTS, given.only)


def check_same(one: Measured, other: Measured) -> None:
    """Stop if two answers to one question differ."""
    common = [name for name in one.sums if name in other.sums]
    wrong = [name for name in common if one.sums[name] != other.sums[name]]
    if wrong or len(common) < 6:
        raise SystemExit(f"The answers differ in {wrong}: these figures mean nothing.")


if __name__ == "__main__":
    main()
