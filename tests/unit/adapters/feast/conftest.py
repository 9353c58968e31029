"""A small lake of awkward cards, as a Feast repository in this process."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from feast import FeatureStore

from lakehouse.adapters.feast import declarations, request_views
from lakehouse.adapters.feast.definitions import compiled
from lakehouse.context import Context
from lakehouse.declare import (
    Contract,
    Count,
    Domain,
    FeatureView,
    LatestView,
    RequestView,
    Sum,
    column,
    event_time,
    last,
)
from lakehouse.engines.protocol import Transaction
from lakehouse.sdk import composition
from lakehouse.testing.conformance.world import (
    NOON,
    Fields,
    card,
    card_in_shop,
    customers,
    movement,
    movements,
    numbered,
    table_of,
)
from lakehouse.times import moment
from tests.feast_repository import repo_config

HOUR = 3_600_000_000


class Asking(Contract):
    """A card about to move."""

    card: str
    amount_eur: Decimal = column(scale=2)
    asked_at: datetime = event_time()


SPEND = FeatureView(
    "spend", of=movements, by=card, n=Count(over=last("1d")), eur=Sum("amount_eur", over=last("1d"))
)
IN_SHOP = FeatureView("in_shop", of=movements, by=card_in_shop, n=Count(over=last("1d")))
LAST = LatestView(
    "last_movement",
    of=movements,
    by=card_in_shop,
    columns=("points", "amount_eur", "weight", "abroad", "country", "booked_on", "settled_at"),
)
SEGMENT = LatestView("segment", of=customers, by=card, columns=("segment",))
ASKED = RequestView(
    "asked",
    request=Asking,
    uses=(SPEND, IN_SHOP),
    amount_eur="float(amount_eur)",
    share="in_shop.n_1d / (spend.n_1d + 1)",
    after="spend.eur_1d + amount_eur",
    weekend="weekday(asked_at) >= 5",
)
VIEWS = (SPEND, IN_SHOP, LAST, SEGMENT, ASKED)


@dataclass
class World:
    """The lake's context, and Feast over it."""

    ctx: Context
    store: FeatureStore
    declare: Callable[[Domain], None]

    def write(self, table: Any, rows: list[Fields]) -> None:
        """Add rows to a table of the lake as they are; each call is a commit."""
        path = self.ctx.table_of(table)
        version = len(list(path.folder.glob("_delta_log/*.json")))
        frame = self.ctx.engine.from_arrow(table_of(table, rows))
        self.ctx.engine.write(path, frame, "append", Transaction("test", version))

    def apply(self) -> None:
        """What `feast apply` does with what is declared."""
        made = compiled(declarations.installed().values())
        self.store.apply([v for k, v in made.items() if not k.startswith("source ")])


@pytest.fixture
def world(
    make_context: Callable[..., Context], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> World:
    """Feast over a lake of 300 movements of cards whose keys collide when they are joined."""
    domain = Domain("cards", description="Cards.", views=VIEWS)

    def declare(domain: Domain) -> None:
        monkeypatch.setattr(declarations, "installed", lambda: {domain.name: domain})
        declarations.digest.cache_clear()
        request_views.evaluator.cache_clear()

    declare(domain)
    ctx = make_context(domain)
    monkeypatch.setenv("LAKEHOUSE_HOME", str(ctx.home.path))
    monkeypatch.setenv("LAKEHOUSE_CODE_VERSION", "test")
    made = World(ctx, FeatureStore(config=repo_config(tmp_path)), declare)
    made.write(movements, history(1))
    made.write(customers, [customer("0", "1", NOON), customer("1", "11", NOON + 30 * HOUR)])
    ctx.records.tick(domain.name, NOON + 72 * HOUR)
    made.apply()
    return made


def history(seed: int) -> list[Fields]:
    """Three days of movements; some are known late, some at one time, some without a key."""
    chance = random.Random(seed)
    rows = []
    for _ in range(300):
        at = NOON + chance.randrange(72) * HOUR
        rows.append(
            movement(
                at,
                at + chance.choice([0, 0, 5 * HOUR]),
                card=chance.choice(["1", "11", "111", None]),
                shop=chance.choice(["1", "11", None]),
                amount_eur=chance.choice([None, Decimal(chance.randrange(9999)) / 100]),
                points=chance.choice([None, chance.randrange(9)]),
                weight=chance.choice([None, chance.uniform(-1, 1)]),
                abroad=chance.choice([None, True, False]),
                country=chance.choice([None, "DE", "Ö"]),
                booked_on=chance.choice([None, date(2024, 2, 29)]),
                settled_at=chance.choice([None, NOON]),
            )
        )
    return numbered(rows)


def customer(number: str, card: str, known: int) -> Fields:
    return {
        "customer_id": number,
        "card": card,
        "segment": f"segment {number}",
        "_known_at": known,
    }


def entity_rows(size: int = 200) -> list[dict[str, Any]]:
    """Moments in no order with notes: known, unknown and absent keys, and two rows alike."""
    chance = random.Random(3)
    rows = [
        {
            "note": chance.choice(["a", None]),
            "card": chance.choice(["1", "11", "111", "4711", None]),
            "shop": chance.choice(["1", "11", "0", None]),
            "amount_eur": Decimal(chance.randrange(9999)) / 100,
            "asked_at": moment(NOON + chance.randrange(-10, 90) * HOUR),
        }
        for _ in range(size)
    ]
    return [*rows, rows[0], rows[0]]


def now(world: World) -> datetime:
    """The lake's clock."""
    return world.ctx.clock()


def wall(monkeypatch: pytest.MonkeyPatch, at: datetime) -> None:
    """Set the wall clock of what is composed here."""
    monkeypatch.setattr(composition, "now", lambda: at)


LONG_AGO = datetime(2024, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)
