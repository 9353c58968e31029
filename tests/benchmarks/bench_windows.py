"""Twelve windowed features at 1.75 million moments, beside bare Polars rolling over the events.

Run it with `python -m tests.benchmarks.bench_windows [--rows N] [--rounds N]`. The events are the
size of the payments use case: two keys of 5,000 and 10,000 entities, 183 days, counts and exact
sums over 1, 7 and 30 days. The kernels answer at moments of their own, in no order; Polars is
spared that, and answers at the events themselves. Both start from unsorted columns and end in
the caller's order. Each round times both, and the best of the rounds counts. On a busy machine
compare the seconds of processors, which waiting for others does not lengthen as much.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import numpy as np
import polars as pl

from lakehouse.engines.kernels.deviations import deviation
from lakehouse.engines.kernels.distinct import Presence, distinct
from lakehouse.engines.kernels.index import EventIndex, Moments
from lakehouse.engines.kernels.latest import last_index
from lakehouse.engines.kernels.measures import Measure
from lakehouse.engines.kernels.sequences import Sequence, first_row, last_row, last_rows
from lakehouse.engines.kernels.spans import TimeWindow
from lakehouse.engines.kernels.windows import WindowAggregates

SECOND = 1_000_000
DAY = 86_400 * SECOND
DAYS = (1, 7, 30)
ENTITIES = {"customer": 5_000, "terminal": 10_000}
Columns = dict[str, Any]


def make_columns(rows: int, seed: int = 0) -> tuple[Columns, Columns]:
    """Return events, in order of time to the second, and moments, in no order to the µs."""
    random = np.random.default_rng(seed)
    span = 183 * DAY
    events: Columns = {name: random.integers(0, n, rows) for name, n in ENTITIES.items()}
    events["event_at"] = np.sort(random.integers(0, span // SECOND, rows)) * SECOND
    events["cents"] = random.integers(1, 50_000, rows)
    moments: Columns = {name: random.integers(0, n, rows) for name, n in ENTITIES.items()}
    moments["at"] = random.integers(0, span, rows)
    return events, moments


def with_kernels(events: Columns, moments: Columns, known_at: Any = None) -> Columns:
    """Return the twelve features, named as Polars names them below."""
    return {
        name: values
        for key in ENTITIES
        for name, values in of_one_key(key, events, moments, known_at).items()
    }


def with_kernels_in_threads(events: Columns, moments: Columns) -> Columns:
    """Return the same, each key in a thread of its own, as Polars uses both cores too."""
    with ThreadPoolExecutor(len(ENTITIES)) as threads:
        answers = threads.map(lambda key: of_one_key(key, events, moments), ENTITIES)
        return {name: values for features in answers for name, values in features.items()}


def of_one_key(key: str, events: Columns, moments: Columns, known_at: Any = None) -> Columns:
    """Return the six features of one key."""
    index = EventIndex(events[key], events["event_at"], known_at)
    windows = WindowAggregates(index, Moments(moments[key], moments["at"]))
    cents = Measure(index, events["cents"])
    features: Columns = {}
    for days in DAYS:
        features[f"{key}_count_{days}d"] = windows.count(cents, TimeWindow(days * DAY))
        features[f"{key}_sum_{days}d"] = windows.sum(cents, TimeWindow(days * DAY))
    return features


def with_merging(events: Columns, moments: Columns, known_at: Any = None) -> Columns:
    """Return minimum and floating-point sum instead of count and exact sum."""
    features: Columns = {}
    for key in ENTITIES:
        index = EventIndex(events[key], events["event_at"], known_at)
        windows = WindowAggregates(index, Moments(moments[key], moments["at"]))
        euros = Measure(index, events["cents"] / 100)
        for days in DAYS:
            features[f"{key}_min_{days}d"] = windows.min(euros, TimeWindow(days * DAY)).values
            features[f"{key}_sum_{days}d"] = windows.sum(euros, TimeWindow(days * DAY))
    return features


def with_latest(events: Columns, moments: Columns, known_at: Any = None) -> Columns:
    """Return the row of the latest event of each key."""
    return {
        key: last_index(
            EventIndex(events[key], events["event_at"], known_at),
            Moments(moments[key], moments["at"]),
        )
        for key in ENTITIES
    }


def with_one(
    aggregate: str, events: Columns, moments: Columns, known_at: Any = None
) -> dict[str, Any]:
    """Return one of the newer aggregates over the three windows of both keys, with its values."""
    features: dict[str, Any] = {}
    for key, other in zip(ENTITIES, reversed(ENTITIES), strict=True):
        index = EventIndex(events[key], events["event_at"], known_at)
        windows = WindowAggregates(index, Moments(moments[key], moments["at"]))
        find = _finding(aggregate, windows, events, events[other])
        for days in DAYS:
            features[f"{key}_{aggregate}_{days}d"] = find(TimeWindow(days * DAY))
    return features


def _finding(
    aggregate: str, windows: WindowAggregates, events: Columns, other: Any
) -> Callable[[TimeWindow], Any]:
    index, spans, cents = windows.index, windows.spans, events["cents"]
    if aggregate == "std":
        amounts = Measure(index, cents, scale=2)
        return lambda window: deviation(amounts, spans, window)
    if aggregate == "share":
        dear, every = Measure(index, where=cents > 40_000), Measure(index)
        return lambda window: windows.share(dear, every, window)
    if aggregate == "distinct":
        presence = Presence(index, other)
        return lambda window: distinct(presence, spans, window)
    rows = Sequence(index)
    if aggregate == "last 5":
        return lambda window: cents[last_rows(rows, spans, window, 5).rows]
    row = first_row if aggregate == "first" else last_row
    return lambda window: cents[row(rows, spans, window)]


def with_polars_over(events: Columns) -> pl.DataFrame:
    """Return the twelve features at the events by `rolling_sum_by` over each key."""
    frame = pl.DataFrame(events).with_columns(pl.col("event_at").cast(pl.Datetime("us")))
    one = pl.col("cents").is_not_null().cast(pl.Int64)
    inputs = {"count": one, "sum": pl.col("cents")}
    return frame.select(
        value.rolling_sum_by("event_at", f"{days}d", closed="left")
        .over(key)
        .alias(f"{key}_{name}_{days}d")
        for key in ENTITIES
        for days in DAYS
        for name, value in inputs.items()
    )


def with_polars_groups(events: Columns) -> list[pl.DataFrame]:
    """Return the same by `rolling(group_by=…)`, one frame for each key and window."""
    frame = pl.DataFrame(events).with_columns(pl.col("event_at").cast(pl.Datetime("us")))
    return [
        ordered.rolling("event_at", period=f"{days}d", closed="left", group_by=key).agg(
            pl.len().alias(f"{key}_count_{days}d"),
            pl.col("cents").sum().alias(f"{key}_sum_{days}d"),
        )
        for key in ENTITIES
        for ordered in [frame.sort(key, "event_at")]
        for days in DAYS
    ]


def check_equal(events: Columns) -> None:
    """Stop unless the kernels, asked at the events themselves, equal Polars."""
    actual = with_kernels(events, {**events, "at": events["event_at"]})
    expected = with_polars_over(events).fill_null(0)
    for name, values in actual.items():
        if not np.array_equal(values, expected[name].to_numpy()):
            raise SystemExit(f"{name} differs from Polars: the benchmark means nothing.")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_750_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    events, moments = make_columns(options.rows)
    check_equal(events)

    random = np.random.default_rng(1)
    some = np.where(random.random(options.rows) < 0.01, random.integers(0, 3 * DAY), 0)
    late = events["event_at"] + some
    scattered = events["event_at"] + random.integers(0, 7 * DAY, options.rows)
    in_order = {name: values[np.argsort(moments["at"])] for name, values in moments.items()}
    work: dict[str, Callable[[], object]] = {
        "polars: rolling_sum_by over each key": lambda: with_polars_over(events),
        "polars: rolling, grouped by each key": lambda: with_polars_groups(events),
        "kernels: count, exact sum": lambda: with_kernels(events, moments),
        "kernels: the same, each key in a thread": lambda: with_kernels_in_threads(events, moments),
        "kernels: count, exact sum, moments in order": lambda: with_kernels(events, in_order),
        "kernels: count, exact sum, 1 % late": lambda: with_kernels(events, moments, late),
        "kernels: count, exact sum, all late 0-7 days": lambda: with_kernels(
            events, moments, scattered
        ),
        "kernels: min, float sum": lambda: with_merging(events, moments),
        "kernels: min, float sum, 1 % late": lambda: with_merging(events, moments, late),
        "kernels: min, float sum, all late by 0-7 days": lambda: with_merging(
            events, moments, scattered
        ),
        "kernels: latest row of 2 keys": lambda: with_latest(events, moments),
        "kernels: latest row, all late by 0-7 days": lambda: with_latest(
            events, moments, scattered
        ),
    }
    for aggregate in ("std", "share", "distinct", "first", "last", "last 5"):
        for lateness, known in (
            ("", None),
            (", 1 % late", late),
            (", all late 0-7 days", scattered),
        ):
            work[f"kernels: six features of {aggregate}{lateness}"] = partial(
                with_one, aggregate, events, moments, known
            )
    elapsed = dict.fromkeys(work, float("inf"))
    computed = dict.fromkeys(work, float("inf"))
    for _ in range(options.rounds):
        for name, run in work.items():
            start, start_of_work = time.perf_counter(), time.process_time()
            run()
            computed[name] = min(computed[name], time.process_time() - start_of_work)
            elapsed[name] = min(elapsed[name], time.perf_counter() - start)

    peer = min(taken for name, taken in elapsed.items() if name.startswith("polars"))
    print(f"{options.rows:,} events and moments, best of {options.rounds} rounds")
    for name, taken in elapsed.items():
        print(
            f"{name:52s} {taken:6.2f} s ({computed[name]:5.2f} s of processors)  "
            f"{taken / peer:5.2f} of the faster Polars"
        )


if __name__ == "__main__":
    main()
