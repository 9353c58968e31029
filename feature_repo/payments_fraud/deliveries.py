"""What the acquirer delivers: the payments of a day, and the frauds reported on a day.

- `payments/{day}.csv`: payment_id, card_id, terminal_id, amount_eur, paid_at; all payments of
  that UTC day, by time.
- `fraud_reports/{day}.csv`: payment_id, reported_at; the frauds a week after they happened.
  A payment that is never reported was none.

Times are ISO 8601 (`2018-04-01T00:00:31Z`), amounts have two decimals. A day without rows has
no file. Days are counted from 0; the reports of the last seven days of payments come on the
seven days after them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from feature_repo.landing import Delivered, LandingFile, Terms, csv_file, deliver_portions
from feature_repo.payments_fraud.simulator import DAY, simulate
from lakehouse.errors import LakehouseError

REPORT_DELAY = timedelta(days=7)


def deliver(
    landing: Path,
    *,
    customers: int = 5000,
    terminals: int = 10_000,
    days: int = 183,
    start: date | str = date(2018, 4, 1),
    radius: float = 5.0,
    first_day: int = 0,
    last_day: int | None = None,
) -> Delivered:
    """Deliver the files of `first_day` to `last_day` (both included; all, to the last reports).

    `days` is the length of the whole history: deliver it in parts by `first_day` and
    `last_day`, not by `days`, which changes the frauds of the last days. `last_day` may be up
    to seven days after the last payments, for the reports still to come. Raises
    `LakehouseError` for days outside of that, or a folder that holds another history.
    """
    start = date.fromisoformat(start) if isinstance(start, str) else start
    last = days - 1 + REPORT_DELAY.days if last_day is None else last_day
    if not 0 <= first_day <= last < days + REPORT_DELAY.days:
        raise LakehouseError(
            f"Cannot deliver days {first_day} to {last} of a history of {days} days: give "
            f"0 <= first_day <= last_day <= {days - 1 + REPORT_DELAY.days}, the day of the last "
            "reports."
        )
    terms: Terms = {
        "customers": customers,
        "terminals": terminals,
        "days": days,
        "start": start.isoformat(),
        "radius": radius,
    }
    numbers = {(start + timedelta(days=day)).isoformat(): day for day in range(first_day, last + 1)}

    def produce(missing: Sequence[str]) -> Iterator[LandingFile]:
        table = simulate(customers, terminals, days, start, radius)
        yield from _daily_files(table, start, {name: numbers[name] for name in missing})

    return deliver_portions(landing, "payments_fraud", terms, list(numbers), produce)


def _daily_files(table: pa.Table, start: date, days: dict[str, int]) -> Iterator[LandingFile]:
    midnight = int(datetime(start.year, start.month, start.day, tzinfo=UTC).timestamp())
    second = table["paid_at"].cast(pa.int64()).to_numpy() // 1_000_000 - midnight
    # Formatting a timestamp takes over a microsecond, so each time of day is formatted once.
    time_of_day = pc.strftime(pa.array(np.arange(DAY)).cast(pa.timestamp("s")), "T%H:%M:%SZ")
    clock = time_of_day.take(pa.array(second % DAY))
    payments = table.drop_columns("fraud_scenario").append_column("clock", clock)
    fraud = table["fraud_scenario"].to_numpy() > 0
    reports = payments.select(["payment_id", "clock"]).filter(pa.array(fraud))
    paid_day, reported_day = second // DAY, second[fraud] // DAY + REPORT_DELAY.days
    for name, day in days.items():
        begin, end = np.searchsorted(paid_day, (day, day + 1)).tolist()
        if begin < end:
            rows = _with_time(payments.slice(begin, end - begin), "paid_at", name)
            yield csv_file(name, f"payments/{name}.csv", rows)
        begin, end = np.searchsorted(reported_day, (day, day + 1)).tolist()
        if begin < end:
            rows = _with_time(reports.slice(begin, end - begin), "reported_at", name)
            yield csv_file(name, f"fraud_reports/{name}.csv", rows)


def _with_time(rows: pa.Table, column: str, day: str) -> pa.Table:
    """Put `day` before the time of day, as the last column of the file."""
    time = pc.binary_join_element_wise(day, rows["clock"], "")
    kept = [name for name in rows.column_names if name not in {"clock", column}]
    return rows.select(kept).append_column(column, time)
