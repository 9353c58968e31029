"""A lake whose online store is not a file of its own: every way in and out gives what that gave.

The store is a Redis server, or one of somebody's own that comes by an entry point.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from feast import FeatureStore
from feast.data_source import PushMode

from lakehouse import Lake
from lakehouse.adapters.feast.definitions import compiled
from lakehouse.cli.demo import server
from lakehouse.client import Client
from lakehouse.features.online.stores.opening import GROUP
from lakehouse.records.keys import make_key
from tests import plug_ins
from tests.feast_repository import repo_config
from tests.journeys.conftest import lakehouse
from tests.journeys.test_online_equals_offline import compare

DOMAIN = "payments_fraud"
VIEWS = ("card_spend", "terminal_activity", "terminal_frauds")
Asked = list[tuple[dict[str, str], datetime]]
pytestmark = pytest.mark.filterwarnings(
    "ignore:On demand feature view is an experimental:RuntimeWarning"
)


def asked_of(lake: Lake) -> Asked:
    """Cards and terminals that are known or not, at moments that the store keeps."""
    draw = random.Random(20261121)
    payments = lake.table(f"{DOMAIN}.payments").to_pylist()
    newest = max(row["paid_at"] for row in payments)
    return [
        (
            {
                "card_id": draw.choice([*payments, {"card_id": "nobody"}])["card_id"],
                "terminal_id": draw.choice(payments)["terminal_id"],
            },
            newest - timedelta(microseconds=draw.randrange(20 * 86_400_000_000)),
        )
        for _ in range(60)
    ]


def through_the_sdk(lake: Lake, asked: Asked) -> list[dict[str, Any]]:
    def values(name: str, entity: dict[str, str], at: datetime) -> dict[str, Any]:
        keys = {key: entity[key] for key in lake.domain(DOMAIN).view(name).by.keys}
        return lake.online_features(DOMAIN, name, keys, at)

    return [
        {f"{name}.{n}": v for name in VIEWS for n, v in values(name, entity, at).items()}
        for entity, at in asked
    ]


def through_the_service(home: Path, lake: Lake, asked: Asked) -> list[dict[str, Any]]:
    scientist = make_key(lake.records, "scientist", "comparison")
    with server(home) as url, Client(url, scientist) as client:
        return [
            dict(client.features(DOMAIN, [entity], views=VIEWS, at=at).values[0])
            for entity, at in asked
        ]


@pytest.fixture(params=["redis", "shelf"])
def url(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """The URL of an empty store of each kind, for this process and those that it starts."""
    if request.param == "redis":
        yield request.getfixturevalue("redis_url")
        return
    site = tmp_path / "site"
    plug_ins.install(site, "shelf_store", GROUP, "shelf", "open_store")
    monkeypatch.syspath_prepend(site)
    monkeypatch.setenv("PYTHONPATH", str(site))
    yield f"shelf://{tmp_path}/shelf"
    sys.modules.pop("shelf_store", None)


def test_every_way_in_and_out_gives_what_the_file_gave(
    copy: Path, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAKEHOUSE_CODE_VERSION", "test")
    monkeypatch.setenv("LAKEHOUSE_HOME", str(copy))
    lake = Lake(copy)
    asked = asked_of(lake)
    of_the_file = through_the_sdk(lake, asked)
    served_of_the_file = through_the_service(copy, lake, asked)
    assert sum(value not in (0, None) for row in of_the_file for value in row.values()) > 200

    for file in copy.glob("online/*"):
        file.unlink()
    monkeypatch.setenv("LAKEHOUSE_ONLINE_URL", url)
    lakehouse(copy, "run", DOMAIN, "features")
    lake = Lake(copy)
    assert through_the_sdk(lake, asked) == of_the_file
    assert through_the_service(copy, lake, asked) == served_of_the_file
    assert compare(copy, moments=40).filled > 30
    pushes_through_feast_are_seen_everywhere(copy, tmp_path)
    assert list(copy.glob("online/*.db")) == []


def pushes_through_feast_are_seen_everywhere(home: Path, folder: Path) -> None:
    lake = Lake(home)
    store = FeatureStore(config=repo_config(folder))
    made = compiled([lake.domain(DOMAIN)])
    store.apply([found for name, found in made.items() if not name.startswith("source ")])
    newest = max(row["paid_at"] for row in lake.table(f"{DOMAIN}.payments").to_pylist())
    card = {"card_id": "C00003"}

    def seen() -> list[Any]:
        names = ["card_spend:payments_1d", "card_spend:spend_1d"]
        feast = store.get_online_features(names, [card]).to_dict()
        sdk = lake.online_features(DOMAIN, "card_spend", card, newest)
        assert (feast["payments_1d"][0], feast["spend_1d"][0]) == (
            sdk["payments_1d"],
            sdk["spend_1d"],
        )
        return [sdk["payments_1d"], sdk["spend_1d"]]

    before = seen()
    payment = {"payment_id": "pushed", **card, "terminal_id": "T00002"}
    row = pd.DataFrame(
        [{**payment, "amount_eur": Decimal("7.77"), "paid_at": newest - timedelta(hours=1)}]
    )
    for _ in range(2):
        store.push("payments_push", row, to=PushMode.ONLINE)
    assert seen() == [before[0] + 1, before[1] + Decimal("7.77")]
    lakehouse(home, "features", "materialise", DOMAIN, "card_spend", "--full")
    assert seen() == [before[0] + 1, before[1] + Decimal("7.77")]
