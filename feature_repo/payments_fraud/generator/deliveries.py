"""What the acquirer delivers: the payments of a day, and the frauds reported on a day.

- `payments/{day}.csv`: payment_id, card_id, terminal_id, amount_eur, paid_at; all payments of
  that UTC day, by time.
- `fraud_reports/{day}.csv`: payment_id, reported_at; the frauds a week after they happened.
  A payment that is never reported was none.

Times are ISO 8601 (`2018-04-01T00:00:31Z`), amounts have two decimals. A day without rows has
no file. Days are counted from 0; the reports of the last seven days of payments come on the
seven days after them.

The payments are the handbook's, drawn exactly as it says. With a `seed` they are those of
`scale.Scale`: another world of the same statistics, in any number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from feature_repo.delivering import Delivered, LandingFile, csv_file, deliver_portions
from feature_repo.payments_fraud.generator.scale import Scale
from feature_repo.payments_fraud.generator.simulator import DAY, simulate
from lakehouse.errors import LakehouseError

REPORT_DELAY = timedelta(days=7)

Rows = Any
"""An Arrow table or record batch."""

OfDay = Callable[[int], Rows]
"""What gives a day's payments, by time."""


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
    seed: int | None = None,
) -> Delivered:
    """Deliver the files of `first_day` to `last_day` (both included; all, to the last reports).

    Without a `seed` the world is the handbook's, simulated whole; with one it is drawn day by day.
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
    terms: dict[str, str | int | float] = {
        "customers": customers,
        "terminals": terminals,
        "days": days,
        "start": start.isoformat(),
        "radius": radius,
    }
    if seed is not None:
        terms |= {"seed": seed}
    numbers = {(start + timedelta(days=day)).isoformat(): day for day in range(first_day, last + 1)}

    def produce(missing: Sequence[str]) -> Iterator[LandingFile]:
        if seed is None:
            of_day: OfDay = _days_of(simulate(customers, terminals, days, start, radius), start)
        else:
            of_day = Scale(customers, terminals, days, start, radius, seed).day
        wanted = {numbers[name]: name for name in missing}
        yield from _daily_files(of_day, days, wanted)

    return deliver_portions(landing, "payments_fraud", terms, list(numbers), produce)


def _days_of(table: pa.Table, start: date) -> OfDay:
    """What gives a day's rows of a whole history."""
    midnight = int(datetime(start.year, start.month, start.day, tzinfo=UTC).timestamp())
    day_of_row = (table["paid_at"].cast(pa.int64()).to_numpy() // 1_000_000 - midnight) // DAY

    def of_day(day: int) -> pa.Table:
        begin, end = np.searchsorted(day_of_row, (day, day + 1)).tolist()
        return table.slice(begin, end - begin)

    return of_day


def _daily_files(of_day: OfDay, days: int, wanted: dict[int, str]) -> Iterator[LandingFile]:
    """The files of the wanted days, by name, of a history of so many `days`."""
    # Formatting a timestamp takes over a microsecond, so each time of day is formatted once.
    time_of_day = pc.strftime(pa.array(np.arange(DAY)).cast(pa.timestamp("s")), "T%H:%M:%SZ")
    delay = REPORT_DELAY.days
    for day in sorted({*wanted, *(day - delay for day in wanted)}):
        if not 0 <= day < days:
            continue
        table = of_day(day)
        second = table["paid_at"].cast(pa.int64()).to_numpy() // 1_000_000
        clock = time_of_day.take(pa.array(second % DAY))
        payments = table.drop_columns("fraud_scenario").append_column("clock", clock)
        if day in wanted and len(payments):
            name = wanted[day]
            rows = _with_time(payments, "paid_at", name)
            yield csv_file(name, f"payments/{name}.csv", rows)
        fraud = pc.greater(table["fraud_scenario"], 0)
        reports = payments.select(["payment_id", "clock"]).filter(fraud)
        if day + delay in wanted and len(reports):
            name = wanted[day + delay]
            rows = _with_time(reports, "reported_at", name)
            yield csv_file(name, f"fraud_reports/{name}.csv", rows)


def _with_time(rows: Rows, column: str, day: str) -> Rows:
    """Put `day` before the time of day, as the last column of the file."""
    time = pc.binary_join_element_wise(day, rows["clock"], "")
    kept = [name for name in rows.column_names if name not in {"clock", column}]
    return rows.select(kept).append_column(column, time)
