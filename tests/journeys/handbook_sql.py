"""The handbook's features held, row by row, against window SQL that knows nothing of the platform.

    python -m tests.journeys.handbook_sql [--days 183]

The platform takes the simulator's payments in as deliveries, through raw, cleaned and curated
tables, and computes the features of each payment at its own moment. DuckDB computes them from the
simulated rows themselves, with range windows of the same half-open meaning: [t - w, t) and the
payment that asks; for terminals [t - 7d - w, t - 7d).
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from feature_repo.payments_fraud.features import at_payment
from feature_repo.payments_fraud.generator.deliveries import deliver
from feature_repo.payments_fraud.generator.simulator import simulate
from feature_repo.payments_fraud.sources import payments
from lakehouse.context import Context
from lakehouse.features.historical import historical

DAYS = (1, 7, 30)


def _before(key: str, days: int, delay: int = 0) -> str:
    """The rows of a key in [t - delay - days, t - delay)."""
    end = f"INTERVAL '{delay} days 1 microsecond'"
    return (
        f"(PARTITION BY {key} ORDER BY paid_at"
        f" RANGE BETWEEN INTERVAL '{delay + days} days' PRECEDING AND {end} PRECEDING)"
    )


def _columns() -> list[str]:
    found = ["dayofweek(paid_at) IN (0, 6) AS weekend", "hour(paid_at) <= 6 AS night"]
    for days in DAYS:
        window = _before("card_id", days)
        number = f"(count(*) OVER {window} + 1)"
        total = f"(coalesce(sum(amount_eur) OVER {window}, 0) + amount_eur)"
        found.append(f"{number} AS card_payments_{days}d")
        found.append(f"{total}::DOUBLE / {number} AS card_mean_amount_{days}d")
    for days in DAYS:
        window = _before("terminal_id", days, delay=7)
        number = f"count(*) OVER {window}"
        frauds = f"count(*) FILTER (fraud_scenario > 0) OVER {window}"
        found.append(f"{number} AS terminal_payments_{days}d")
        found.append(f"coalesce({frauds} / nullif({number}, 0), 0.0) AS terminal_risk_{days}d")
    return found


SQL = f"""
SELECT payment_id, {", ".join(_columns())} FROM simulated ORDER BY payment_id
"""


def by_sql(simulated: pa.Table, sql: str = SQL) -> pa.Table:
    """The 14 features of simulated payments, in the order of their ids."""
    con = duckdb.connect()
    con.execute("SET TimeZone = 'UTC'")
    con.register("simulated", simulated)
    return con.sql(sql).to_arrow_table()


def by_platform(ctx: Context) -> pa.Table:
    """The same of a lake's payments."""
    spine = ctx.read(payments, columns=[c.name for c in payments.columns])
    found = ctx.engine.to_arrow(historical(ctx, spine, "paid_at", [at_payment]))
    return found.sort_by("payment_id")


def compare(found: pa.Table, right: pa.Table) -> dict[str, int]:
    """Count for each feature the rows in which the two differ; floats may by a rounding."""
    if not found.column("payment_id").equals(right.column("payment_id")):
        raise AssertionError("The payments themselves differ.")
    wrong = {}
    for name in right.column_names[1:]:
        one, other = (
            table.column(column).cast(pa.float64(), safe=False).to_numpy()
            for table, column in ((found, f"at_payment__{name}"), (right, name))
        )
        same = np.isclose(one, other, rtol=1e-12, atol=0)
        wrong[name] = int(np.count_nonzero(~same))
    return wrong


def made(home: Path, days: int) -> Context:
    """A lake that has taken in the deliveries of so many days."""
    from lakehouse.records.home import Home
    from lakehouse.sdk import composition
    from lakehouse.sdk.stages import run

    Home.create(home, "data")
    ctx = composition.open_context(composition.open_home(home), "payments_fraud")
    deliver(ctx.home.landing("payments_fraud"), days=days)
    run(ctx, ("raw", "cleaned", "curated"))
    return ctx


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=183)
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        ctx = made(Path(folder) / "lake", given.days)
        began = time.perf_counter()
        found = by_platform(ctx)
        print(f"the platform: {found.num_rows:,} rows in {time.perf_counter() - began:.1f} s")
    began = time.perf_counter()
    right = by_sql(simulate(days=given.days))
    print(f"DuckDB: {right.num_rows:,} rows in {time.perf_counter() - began:.1f} s\n{SQL}")
    wrong = compare(found, right)
    for name, rows in wrong.items():
        filled = int(np.count_nonzero(right.column(name).cast(pa.float64()).to_numpy()))
        print(f"{name:28}{rows:>10,} rows differ, {filled:>10,} are not 0")
    if any(wrong.values()):
        raise SystemExit("The features differ from the SQL.")
    print(f"{len(wrong)} features agree on every row.")


if __name__ == "__main__":
    main()
