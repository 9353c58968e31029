"""How long it takes to fill the online store and to read from it.

`python -m tests.benchmarks.bench_online [--rows N] [--json]` makes payments of the shape of the
handbook's (1.75 million of 5,000 cards at 10,000 terminals in 183 days), materialises two views
of six windowed features each, and reads all twelve features of one payment at one moment, in
process, at random moments of the past and after the last event.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from lakehouse.declare import Count, Domain, Entity, FeatureView, Sum, last
from lakehouse.declare.durations import DAY
from lakehouse.engines.context import Context
from lakehouse.engines.embedded import EmbeddedEngine
from lakehouse.engines.protocol import Transaction
from lakehouse.features.materialise import materialise
from lakehouse.features.online_sqlite import OnlineFeatures
from lakehouse.records.home import Home
from lakehouse.records.store import CodeVersion, Records
from lakehouse.testing.conformance.world import card, movements

ROWS, CARDS, SHOPS, DAYS = 1_754_155, 5_000, 10_000, 183
FIRST = 1_522_540_800_000_000
WINDOWS = last("1d", "7d", "30d")
shop = Entity("shop", key="shop")
BY_CARD = FeatureView(
    "card_spend",
    of=movements,
    by=card,
    n=Count(over=WINDOWS),
    spend=Sum("amount_eur", over=WINDOWS),
)
BY_SHOP = FeatureView(
    "shop_spend",
    of=movements,
    by=shop,
    delay="7d",
    n=Count(over=WINDOWS),
    spend=Sum("amount_eur", over=WINDOWS),
)
VIEWS = (BY_CARD, BY_SHOP)


def payments(rows: int) -> pa.Table:
    """Payments in the order of their time, known when they happen."""
    chance = np.random.default_rng(7)
    at = pa.array(np.sort(chance.integers(0, DAYS * DAY, rows)) + FIRST).cast(
        pa.timestamp("us", tz="UTC")
    )
    cents = chance.integers(1, 50_000, rows)
    words = np.stack([cents, np.zeros_like(cents)], axis=1)
    amount = pa.Array.from_buffers(pa.decimal128(18, 2), rows, [None, pa.py_buffer(words)])
    return pa.table(
        {
            "movement_id": pa.array(np.arange(rows)).cast(pa.string()),
            "card": _named("C", chance.integers(0, CARDS, rows)),
            "shop": _named("S", chance.integers(0, SHOPS, rows)),
            "amount_eur": amount,
            "happened_at": at,
            "_known_at": at,
        }
    )


def _named(letter: str, numbers: Any) -> pa.Array:
    names = pa.array([f"{letter}{n:07}" for n in range(int(numbers.max()) + 1)])
    return names.take(pa.array(numbers))


def timed(read: Callable[[], Any], times: int) -> dict[str, float]:
    """Microseconds of one read: p50, p99, and the mean."""
    taken = []
    for _ in range(times):
        began = time.perf_counter_ns()
        read()
        taken.append((time.perf_counter_ns() - began) / 1000)
    taken.sort()
    return {
        "p50_us": round(taken[times // 2], 1),
        "p99_us": round(taken[times * 99 // 100], 1),
        "mean_us": round(sum(taken) / times, 1),
    }


def run(rows: int, folder: Path) -> dict[str, Any]:
    """All figures, by what was measured."""
    home = Home.create(folder / "lake")
    records = Records(home.records, lambda: datetime.now(UTC))
    domain = Domain("bench", description="Payments to measure with.", views=VIEWS)
    ctx = Context(home, records, EmbeddedEngine(), domain, CodeVersion("bench", True))
    table = payments(rows)
    ctx.engine.write(ctx.path("cleaned", "movements"), table, "append", Transaction("bench", 1))
    del table
    figures: dict[str, Any] = {"rows": rows}
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for view in VIEWS:
        began = time.perf_counter()
        materialise(ctx, view)
        figures[f"materialise {view.name}, s"] = round(time.perf_counter() - began, 2)
    began = time.perf_counter()
    again = [materialise(ctx, view).changed for view in VIEWS]
    figures["materialise again, unchanged, s"] = round(time.perf_counter() - began, 3)
    assert again == [False, False]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    figures["memory MB: before, peak"] = [before // 1024, peak // 1024]
    figures["store MB"] = round(home.online("bench").stat().st_size / 1e6, 1)

    online = OnlineFeatures(home.online("bench"), VIEWS)
    chance = random.Random(11)

    def ask(at: Callable[[], int]) -> Callable[[], Any]:
        def read() -> Any:
            keys = {
                "card": f"C{chance.randrange(CARDS):07}",
                "shop": f"S{chance.randrange(SHOPS):07}",
            }
            moment = at()
            return [online.get(view, keys, moment) for view in VIEWS]

        return read

    now = FIRST + DAYS * DAY
    past = ask(lambda: FIRST + chance.randrange(40 * DAY, DAYS * DAY))
    timed(past, 3000)  # fill the page cache
    figures["12 features, now"] = timed(ask(lambda: now), 5000)
    figures["12 features, a past moment"] = timed(past, 5000)
    unknown = {"card": "nobody", "shop": "nowhere"}
    figures["12 features of an unknown entity"] = timed(
        lambda: [online.get(view, unknown, now) for view in VIEWS], 2000
    )

    def hundred() -> Any:
        keys = [{"card": f"C{chance.randrange(CARDS):07}"} for _ in range(100)]
        return online.get_many(BY_CARD, keys, [now] * 100)

    figures["6 features of 100 cards"] = timed(hundred, 50)
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = run(options.rows, Path(folder))
    if options.json:
        print(json.dumps(figures))
    else:
        for name, figure in figures.items():
            print(f"{name:36} {figure}")


if __name__ == "__main__":
    main()
