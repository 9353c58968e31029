"""The oracle, both engines, the online store and Feast give every feature the same value.

Histories are drawn for the whole language: late, corrected, tied and null rows among them. With as
many as one likes:

    python -m tests.journeys.test_one_meaning 1000
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from feast import FeatureStore

from lakehouse.adapters.feast import declarations, request_views
from lakehouse.adapters.feast.definitions import compiled
from lakehouse.context import Context
from lakehouse.declare import (
    Count,
    Distinct,
    Domain,
    FeatureView,
    First,
    Last,
    LastK,
    LatestView,
    Max,
    Mean,
    Min,
    Mode,
    Quantile,
    Share,
    Since,
    Std,
    Sum,
    Trend,
    last,
)
from lakehouse.declare.durations import DAY, HOUR, MINUTE
from lakehouse.engines.embedded import EmbeddedEngine
from lakehouse.engines.protocol import BoundView, Engine, Transaction
from lakehouse.engines.spark import jars
from lakehouse.engines.spark.engine import SparkEngine
from lakehouse.engines.spark.settings import from_environment
from lakehouse.features.online.read.reader import FeatureReader
from lakehouse.features.online.stores.sqlite.store import SqliteStore
from lakehouse.features.online.write.materialise import materialise
from lakehouse.features.online.write.push import Pusher
from lakehouse.records.home import Home
from lakehouse.records.online import OnlineSettings
from lakehouse.records.store import CodeVersion, Records
from lakehouse.testing.conformance.against_oracle import Expected
from lakehouse.testing.conformance.comparing import close
from lakehouse.testing.conformance.world import (
    NOON,
    Fields,
    card,
    fields_of,
    movement,
    movements,
    numbered,
    spine_of,
    table_of,
)
from tests.feast_repository import repo_config

EXACT = last("1min", "3h", "10d")
EDGED = last("5h", edge="1h") + last("365d", edge="1d")
OVER = EXACT + EDGED
VIEWS = (
    FeatureView(
        "sums",
        of=movements,
        by=card,
        n=Count(over=OVER),
        abroad=Count("points", over=OVER, where="abroad"),
        spend=Sum("amount_eur", over=OVER),
        weight=Sum("weight", over=OVER),
        mean=Mean("amount_eur", over=OVER, default=0.0),
        spread=Std("weight", over=OVER),
        share=Share(where="country <> 'DE'", over=OVER),
        product=Sum("amount_eur * points", over=OVER),
        doubled=Mean("weight * 2", over=OVER, where="abroad"),
    ),
    FeatureView(
        "orders",
        of=movements,
        by=card,
        delay="2h",
        least=Min("amount_eur", over=OVER),
        most=Max("weight", over=OVER, default=-1.0),
        first=First("country", over=OVER),
        last=Last("points", over=OVER, where="abroad"),
        recent=LastK("country", k=3, over=OVER),
        countries=Distinct("country", over=EXACT),
        since=Since(where="abroad", over=OVER),
        often=Mode("country", over=EXACT),
        median=Quantile("amount_eur", q=0.5, over=EXACT),
        trend=Trend("points", over=OVER),
        whole=Max("round(amount_eur, 0)", over=OVER),
        named=LastK("coalesce(country, shop, 'none')", k=2, over=OVER),
        day=Last("date_trunc('day', settled_at)", over=OVER),
    ),
    LatestView(
        "latest",
        of=movements,
        by=card,
        columns=("points", "amount_eur", "country", "settled_at"),
        ttl="9d",
        defaults={"points": -1},
    ),
)
DOMAIN = Domain("cards", description="Movements of cards.", views=VIEWS)
Answers = list[dict[str, Any]]
SETTINGS = {"LAKEHOUSE_ONLINE_KEEP": "all", "LAKEHOUSE_CODE_VERSION": "test"}


@dataclass(frozen=True)
class Compared:
    """How many values each was compared in, and how many of them are not empty."""

    values: int
    filled: int
    seconds: dict[str, float]


def test_one_meaning(
    engine: EmbeddedEngine, spark: SparkEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in SETTINGS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(declarations, "installed", lambda: {DOMAIN.name: DOMAIN})
    found = compare(tmp_path, 60, {"embedded": engine, "spark": spark})
    assert found.filled >= found.values // 2


def compare(folder: Path, histories: int, engines: Mapping[str, Engine]) -> Compared:
    """Raise AssertionError where any answer differs from the oracle's."""
    rows, moments = drawn(histories)
    facts, spine = table_of(movements, rows), spine_of(moments)
    ctx = open_context(folder, facts)
    ways: dict[str, Callable[[], Answers]] = {
        name: lambda engine=engine: offline(engine, facts, spine)  # type: ignore[misc]
        for name, engine in engines.items()
    }
    ways["online, materialised"] = lambda: materialised(ctx, spine)
    ways["online, pushed"] = lambda: pushed(ctx, folder / "pushed.db", rows, spine)
    ways["Feast"] = lambda: by_feast(ctx, folder, spine)
    right = {view.name: Expected.of(view, fields_of(facts)) for view in VIEWS}
    asked = fields_of(spine)
    expected = [
        {f.full_name: right[v.name].value(f, row) for v in VIEWS for f in v.features}
        for row in asked
    ]
    seconds = {}
    for way, answer in ways.items():
        began = time.perf_counter()
        given = answer()
        seconds[way] = time.perf_counter() - began
        for row, own, values in zip(asked, given, expected, strict=True):
            for view in VIEWS:
                for feature in view.features:
                    value, wanted = own[feature.full_name], values[feature.full_name]
                    if not close(value, wanted, 0.0):
                        near = right[view.name].tolerance(feature, row)
                        assert close(value, wanted, near), (way, feature.dotted, row, value, wanted)
    values = [value for row in expected for value in row.values()]
    return Compared(len(values), sum(v not in (None, 0, [], -1) for v in values), seconds)


def drawn(histories: int) -> tuple[list[Fields], list[tuple[str, int]]]:
    """Rows of so many cards, and some moments at and beside the times at which things happen."""
    chance = random.Random(histories)
    rows, moments = [], []
    for number in range(histories):
        name, at = f"card {number}", NOON
        own = []
        for _ in range(chance.randrange(4, 30)):
            at += chance.choice([0, 1, 20 * MINUTE // 30, MINUTE, 2 * HOUR, 11 * HOUR, 2 * DAY])
            late = chance.choice([0, 0, 0, 0, 1, HOUR, 5 * HOUR, 3 * DAY])
            fields: Fields = {
                "card": name,
                "amount_eur": chance.choice(
                    [None, *[Decimal(chance.randrange(-9, 999)) / 100] * 3]
                ),
                "points": chance.choice([None, *[chance.randrange(-20, 20)] * 3]),
                "weight": chance.choice([None, chance.uniform(-3, 3), chance.uniform(0, 1), 0.5]),
                "abroad": chance.choice([None, True, True, False]),
                "country": chance.choice([None, "DE", "FR", "ß", ""]),
                "settled_at": chance.choice([None, at + DAY]),
            }
            own.append(movement(at, at + late, **fields))
        for _ in range(3):  # corrected: known again later, with another key and content
            again = chance.choice(own)
            own.append(again | {"_known_at": again["_known_at"] + HOUR, "points": 77})
        rows += own
        for _ in range(2):
            near = chance.choice(own)
            beside = chance.choice([0, 1, MINUTE, 3 * HOUR, 5 * HOUR])
            moments.append((name, near[chance.choice(["happened_at", "_known_at"])] + beside))
    chance.shuffle(rows)
    return numbered(rows), moments


def _cents(chance: random.Random) -> Decimal:
    return Decimal(chance.randrange(-9, 999)) / 100


def offline(engine: Engine, facts: pa.Table, spine: pa.Table) -> Answers:
    frame = engine.from_arrow(facts)
    bound = [BoundView(view, frame) for view in VIEWS]
    answer = engine.historical_features(engine.from_arrow(spine), "asked_at", bound)
    return sorted(fields_of(engine.to_arrow(answer)), key=lambda row: int(row["row"]))


def materialised(ctx: Context, spine: pa.Table) -> Answers:
    store = SqliteStore(ctx.home.online(DOMAIN.name))
    for view in VIEWS:
        materialise(ctx, view, store)
    return online(store, spine)


def pushed(ctx: Context, path: Path, rows: Sequence[Fields], spine: pa.Table) -> Answers:
    """All rows pushed in no order of time to a store that began with none."""
    store = SqliteStore(path)
    empty = open_context(path.parent / "empty", table_of(movements, []))
    given = table_of(movements, rows).to_pylist()
    for view in VIEWS:
        materialise(replace(empty, online=ctx.online), view, store)
        pusher = Pusher(store, view)
        for first in range(0, len(given), 100):
            pusher.push(given[first : first + 100])
    return online(store, spine)


def online(store: SqliteStore, spine: pa.Table) -> Answers:
    reader = FeatureReader(store, VIEWS)
    asked = fields_of(spine)
    moments = [row["asked_at"] for row in asked]
    found: Answers = [{} for _ in asked]
    for view in VIEWS:
        for row, values in zip(found, reader.get_many(view, asked, moments), strict=True):
            row |= {name: _plain(value) for name, value in values.items()}
    store.close()
    return found


def _plain(value: Any) -> Any:
    """A time as the oracle has it."""
    if isinstance(value, datetime):
        return (value - datetime(1970, 1, 1, tzinfo=UTC)) // pd.Timedelta(microseconds=1)
    return value


def by_feast(ctx: Context, folder: Path, spine: pa.Table) -> Answers:
    """The answers of an unmodified Feast."""
    store = feast_over(folder)
    entities = spine.select(["card", "asked_at"]).to_pandas()
    wanted = [f"{view.name}:{f.name}" for view in VIEWS for f in view.features]
    job = store.get_historical_features(
        entities.rename(columns={"asked_at": "event_timestamp"}).assign(row=range(len(entities))),
        wanted,
        full_feature_names=True,
    )
    return sorted(fields_of(job.to_arrow()), key=lambda row: int(row["row"]))


def feast_over(folder: Path) -> FeatureStore:
    """Feast with the lake's stores, and what is declared applied to it."""
    declarations.digest.cache_clear()
    request_views.evaluator.cache_clear()
    store = FeatureStore(config=repo_config(folder))
    made = compiled([DOMAIN])
    store.apply([v for k, v in made.items() if not k.startswith("source ")])
    return store


def open_context(folder: Path, facts: pa.Table) -> Context:
    """A lake with these movements; this process's Feast is set to it."""
    home = Home.create(folder / "lake", "data")
    records = Records(home.records, lambda: datetime(2024, 4, 1, tzinfo=UTC))
    settings = OnlineSettings(keep_us=None)
    ctx = Context(home, records, EmbeddedEngine(), DOMAIN, CodeVersion("test"), online=settings)
    frame = ctx.engine.from_arrow(facts)
    path = ctx.table_of(movements)
    ctx.engine.write(path, frame, "append", Transaction("test", 1))
    return ctx


@pytest.fixture(autouse=True)
def lake_of_feast(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LAKEHOUSE_HOME", str(tmp_path / "lake"))


def main(histories: int) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        for name, value in (SETTINGS | {"LAKEHOUSE_HOME": f"{folder}/lake"}).items():
            patch.setenv(name, value)
        patch.setattr(declarations, "installed", lambda: {DOMAIN.name: DOMAIN})
        settings = replace(from_environment(), master="local[2]")
        jars.set_up(settings.jars)
        engines: dict[str, Engine] = {"embedded": EmbeddedEngine(), "spark": SparkEngine(settings)}
        found = compare(Path(folder), histories, engines)
    print(f"{histories} histories, {found.values} values, {found.filled} of them not empty: equal")
    for way, seconds in found.seconds.items():
        print(f"  {way:<22} {seconds:6.1f} s")


if __name__ == "__main__":
    main(int(sys.argv[1]))
