"""What the benchmark of the online store measures with: payments, a hot card, and their views."""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from lakehouse.context import Context
from lakehouse.declare import Count, Domain, Entity, FeatureView, Sum, last
from lakehouse.declare.durations import DAY, HOUR
from lakehouse.engines.embedded import EmbeddedEngine
from lakehouse.engines.protocol import Transaction
from lakehouse.language.provenance import KNOWN_AT
from lakehouse.records.home import Home
from lakehouse.records.store import CodeVersion, Records
from lakehouse.testing.conformance.world import card, movements, other_movements
from lakehouse.times import moment

ROWS, CARDS, SHOPS, DAYS = 1_754_155, 5_000, 10_000, 183
HOT, HOT_ROWS, HOT_DAYS = "C0000000", 1_500_000, 30
FIRST = 1_522_540_800_000_000
NOW = FIRST + DAYS * DAY
WINDOWS = last("1d", "7d", "30d")
EDGED = last("1d", "7d", "30d", edge="1h")
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
OF_HOT_CARDS = FeatureView(
    "hot_spend",
    of=other_movements,
    by=card,
    n=Count(over=EDGED),
    spend=Sum("amount_eur", over=EDGED),
)


def make_lake(folder: Path, rows: int, hot_rows: int) -> Context:
    """A lake with payments of all cards, and one of a single card, in 30 days."""
    home = Home.create(folder / "lake")
    records = Records(home.records, lambda: datetime.now(UTC))
    domain = Domain("bench", description="Payments.", views=(*VIEWS, OF_HOT_CARDS))
    ctx = Context(home, records, EmbeddedEngine(), domain, CodeVersion("bench"))
    written = (
        ("cleaned", "movements", payments(rows, FIRST, DAYS, CARDS)),
        ("curated", "other_movements", payments(hot_rows, NOW - HOT_DAYS * DAY, HOT_DAYS, 1)),
    )
    for zone, name, table in written:
        ctx.engine.write(ctx.table(zone, name), table, "append", Transaction("bench", 1))
    return ctx


def payments(rows: int, first_us: int, days: int, cards: int) -> pa.Table:
    """Payments in the order of their time, known when they happen."""
    chance = np.random.default_rng(7)
    at = pa.array(np.sort(chance.integers(0, days * DAY, rows)) + first_us).cast(
        pa.timestamp("us", tz="UTC")
    )
    cents = chance.integers(1, 50_000, rows)
    words = np.stack([cents, np.zeros_like(cents)], axis=1)
    amount = pa.Array.from_buffers(pa.decimal128(18, 2), rows, [None, pa.py_buffer(words)])
    return pa.table(
        {
            "movement_id": pa.array(np.arange(rows)).cast(pa.string()),
            "card": _named("C", chance.integers(0, cards, rows)),
            "shop": _named("S", chance.integers(0, SHOPS, rows)),
            "amount_eur": amount,
            "happened_at": at,
            KNOWN_AT: at,
        }
    )


def _named(letter: str, numbers: Any) -> pa.Array:
    names = pa.array([f"{letter}{n:07}" for n in range(int(numbers.max()) + 1)])
    return names.take(pa.array(numbers))


class Drawn:
    """Payments and keys as they come, by chance; new payments follow one another in time."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)
        self._blank = {column.name: None for column in movements.columns}
        self.now_us = NOW
        self._number = 0

    def key(self) -> dict[str, str]:
        chance = self._chance
        return {"card": f"C{chance.randrange(CARDS):07}", "shop": f"S{chance.randrange(SHOPS):07}"}

    def keys(self, size: int) -> list[dict[str, str]]:
        return [self.key() for _ in range(size)]

    def past(self) -> int:
        """A moment that the store keeps."""
        return NOW - self._chance.randrange(25 * DAY)

    def payment(self, key: Mapping[str, str]) -> dict[str, Any]:
        """The next payment, a fraction of a second after the one before."""
        self.now_us += self._chance.randrange(1, HOUR // 10_000)
        self._number += 1
        at = moment(self.now_us)
        cents = self._chance.randrange(1, 50_000)
        return {
            **self._blank,
            **key,
            "movement_id": f"new {self._number}",
            "amount_eur": Decimal(cents).scaleb(-2),
            "happened_at": at,
            KNOWN_AT: at,
        }
