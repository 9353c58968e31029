"""Windows read from the online store: edges, lateness, and many rows."""

from __future__ import annotations

import random
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from lakehouse.declare import Count, FeatureView, Max, Mean, Min, Sum, last
from lakehouse.declare.durations import DAY, HOUR
from lakehouse.features.online.layout.slots import WindowLayout, layout_of
from lakehouse.features.online.stores.sqlite.store import SqliteStore
from lakehouse.features.online.write.packing import pack
from lakehouse.testing.conformance.against_oracle import require_oracle
from lakehouse.testing.conformance.world import (
    CRITERIA,
    NOON,
    Fields,
    card,
    movement,
    movements,
    numbered,
    spine_of,
    table_of,
)
from lakehouse.testing.online_conformance import CHECKS
from lakehouse.testing.online_engine import MODES, Mode, StoreAsEngine

EDGED = last("6h", "90d", edge="6h") + last("2d", edge="1d") + last("1h", "3d")


def everything(delay: str | None) -> FeatureView:
    abroad, dear = list(CRITERIA)[1], list(CRITERIA)[3]
    return FeatureView(
        "everything",
        of=movements,
        by=card,
        delay=delay,
        n=Count(over=EDGED),
        abroad=Count(over=EDGED, where=abroad),
        countries=Count("country", over=EDGED, where=dear),
        spend=Sum("amount_eur", over=EDGED),
        mean_spend=Mean("amount_eur", over=EDGED, where=abroad),
        least=Min("amount_eur", over=EDGED),
        most=Max("points", over=EDGED, where=dear),
        weight=Sum("weight", over=EDGED),
        mean_weight=Mean("weight", over=EDGED),
        lightest=Min("weight", over=EDGED),
        heaviest=Max("weight", over=EDGED, where=abroad),
    )


def history(chance: random.Random, size: int) -> list[Fields]:
    """Movements of ten days, some known at once, some a tile or days later, some before."""
    rows = []
    for _ in range(size):
        at = NOON + chance.randrange(10 * 24 * 4) * HOUR // 4
        late = chance.choice([0, 0, 0, 1, HOUR, 6 * HOUR, 6 * HOUR - 1, 2 * DAY, 9 * DAY, -HOUR])
        fields: Fields = {
            "card": chance.choice("ab"),
            "amount_eur": chance.choice([None, Decimal(chance.randrange(-999, 9999)) / 100]),
            "points": chance.choice([None, chance.randrange(-20, 20)]),
            "weight": chance.choice([None, chance.uniform(-3, 3), float("nan"), 1e300]),
            "abroad": chance.choice([None, True, False]),
            "country": chance.choice([None, "DE"]),
        }
        rows.append(movement(at, at + late, **fields))
    return numbered(rows)


def moments(chance: random.Random, size: int) -> list[tuple[str, int]]:
    """Moments at and beside the quarters of an hour that things happen in."""
    return [
        (
            chance.choice("abc"),
            NOON + chance.randrange(14 * 24 * 4) * HOUR // 4 + chance.choice([-1, 0, 1]),
        )
        for _ in range(size)
    ]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("delay", [None, "1h", "7d"])
def test_tiles_and_events_together_equal_the_oracle(
    mode: Mode, delay: str | None, tmp_path: Path
) -> None:
    chance = random.Random(f"{mode} {delay}")
    numbers = count()
    engine: Any = StoreAsEngine(lambda: SqliteStore(tmp_path / f"{next(numbers)}.db"), mode)
    facts = {"movements": table_of(movements, history(chance, 250))}
    require_oracle(engine, facts, [everything(delay)], spine_of(moments(chance, 40)))


@pytest.mark.parametrize(
    "name",
    [
        *(name for name in CHECKS if name.endswith(", materialised")),
        "check_random_histories, pushed",
        "check_edges, pushed",
    ],
)
def test_many_rows_give_what_few_rows_give(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lakehouse.features.online.read.rows.LIST_ROWS", 0)
    numbers = count()
    CHECKS[name](lambda: SqliteStore(tmp_path / f"{next(numbers)}.db"))


def test_tiles_hold_what_is_known_together_once() -> None:
    view = FeatureView("v", of=movements, by=card, delay="7d", n=Count(over=last("90d", edge="1d")))
    layout = layout_of(view)
    assert isinstance(layout, WindowLayout)
    midnight = NOON - 12 * HOUR
    rows = [movement(midnight + n * HOUR) for n in range(20)]
    rows += [movement(midnight + n * HOUR, midnight + n * DAY) for n in range(9)]
    rows += [movement(midnight + n * HOUR, midnight + 30 * DAY) for n in range(5)]
    rows += [movement(midnight + n * HOUR, midnight + 40 * DAY) for n in range(5)]
    chunks = list(pack(view, layout, table_of(movements, numbered(rows)), {}))
    tiles = [list(memoryview(c.payload).cast("q")) for c in chunks if c.grain == "tile"]
    kept = [(8 * DAY, 29), (30 * DAY, 5), (40 * DAY, 5)]  # how long after midnight, and how many
    assert tiles == [[n for known, size in kept for n in (midnight, midnight + known, 0, size)]]
