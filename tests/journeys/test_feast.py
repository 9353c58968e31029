"""An unmodified Feast over a small lake: its commands as processes, its values as the SDK's.

The lake, the registry and the online store are those that the guide on Feast leaves behind.
"""

from __future__ import annotations

import json
import random
import shutil
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.compute as pc
import pytest
from feast import FeatureStore
from feast.data_source import PushMode

from lakehouse import Lake
from tests.docs.pages import DOCS, ROOT, follow, shell
from tests.feast_server import FEAST, Server, feast_server, post
from tests.journeys.conftest import environment, lakehouse

DOMAIN = "payments_fraud"
STORED = ("card_spend", "terminal_activity", "terminal_frauds")
pytestmark = pytest.mark.filterwarnings(
    "ignore:On demand feature view is an experimental:RuntimeWarning"
)


@dataclass(frozen=True)
class World:
    """A lake, and the folder in which the reader of the guide stands."""

    home: Path
    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        return {**environment(), "LAKEHOUSE_HOME": str(self.home)}

    def store(self) -> FeatureStore:
        return FeatureStore(str(self.folder / "feature_repo"))


@pytest.fixture(scope="module")
def world(demo: tuple[Path, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The lake after the guide: applied, materialised, asked, and one payment pushed."""
    folder = tmp_path_factory.mktemp("feast")
    home = shutil.copytree(demo[0], folder / "lake")
    made = World(home, folder / "work")
    variables = {
        "LAKEHOUSE_HOME": str(home),
        "LAKEHOUSE_CODE_VERSION": "test",
        "LAKEHOUSE_ONLINE_KEEP": "all",
    }
    with shell(folder, **variables) as reader, pytest.MonkeyPatch.context() as patched:
        (folder / "tools" / "feast").symlink_to(FEAST)
        repository = made.folder / "feature_repo"
        repository.mkdir()
        for name in ("feature_store.yaml", "definitions.py", ".feastignore"):
            shutil.copy(ROOT / "feature_repo" / name, repository)
        follow(DOCS / "how-to" / "use-feast.md", reader)
        for name, value in variables.items():
            patched.setenv(name, value)
        yield made


def features_of(*views: str) -> list[str]:
    domain = Lake().domain(DOMAIN)
    return [f"{name}:{f.name}" for name in views for f in domain.view(name).features]


def moments(home: Path, size: int, seed: int) -> pd.DataFrame:
    """Moments of known cards and terminals, among them such as no table holds, and nulls."""
    chance = random.Random(seed)
    payments = Lake(home).table(f"{DOMAIN}.payments").to_pylist()
    rows = []
    for n in range(size):
        payment = chance.choice(payments)
        shift = timedelta(microseconds=chance.randrange(5 * 86_400_000_000))
        rows.append(
            {
                "note": f"{n % 7}",
                "card_id": payment["card_id"],
                "terminal_id": chance.choice(payments)["terminal_id"],
                "amount_eur": payment["amount_eur"],
                "paid_at": payment["paid_at"] + shift,
            }
        )
    strange = {"card_id": "nobody", "terminal_id": None}
    return pd.DataFrame([*rows, rows[0], rows[0], {**rows[1], **strange}])


def plain(column: Any) -> list[Any]:
    return [None if v is None or v != v else v for v in column]


def test_history_is_the_sdks(world: World) -> None:
    asked = moments(world.home, 400, seed=5)
    wanted = Lake().historical_features(DOMAIN, asked, ["at_payment", *STORED], at="paid_at")
    naive = asked.assign(paid_at=asked["paid_at"].dt.tz_localize(None))
    zoned = asked.assign(paid_at=asked["paid_at"].dt.tz_convert("Asia/Kolkata"))
    names = features_of("at_payment", *STORED)
    for given in (naive, zoned):
        job = world.store().get_historical_features(given, names, full_feature_names=True)
        found = job.to_df()
        assert plain(found["note"]) == plain(asked["note"])
        assert plain(found["card_id"]) == plain(asked["card_id"])
        for name in names:
            column = name.replace(":", "__")
            assert plain(found[column]) == plain(wanted.column(column).to_pylist()), name
    # Beside the request's own amount and hour, the history of card and terminal.
    filled = [any(row[f"card_spend__payments_{w}"] for w in ("7d", "30d")) for row in found.iloc]
    assert sum(filled) >= 0.95 * len(asked)


def test_online_is_the_sdks_now(world: World) -> None:
    payments = Lake().table(f"{DOMAIN}.payments")
    cards = sorted(set(payments.column("card_id").to_pylist()) - {"C00017"})
    asked = [{"card_id": card} for card in [*cards, None, "nobody", cards[0]]]
    found = world.store().get_online_features(features_of("card_spend"), asked).to_dict()
    spine = pd.DataFrame({"card_id": cards, "at": now(world)})
    wanted = Lake().historical_features(DOMAIN, spine, ["card_spend"])
    for feature in Lake().domain(DOMAIN).view("card_spend").features:
        assert found[feature.name][: len(cards)] == wanted.column(feature.full_name).to_pylist()
    assert sum(n > 0 for n in found["payments_30d"]) >= 0.95 * len(cards)
    assert found["card_id"] == [row["card_id"] for row in asked]
    assert [found["payments_30d"][-3], found["spend_7d"][-2]] == [0, Decimal("0.00")]
    assert found["spend_30d"][-1] == found["spend_30d"][0]


def test_a_request_is_answered_as_of_its_own_time(world: World) -> None:
    asked = moments(world.home, 60, seed=9).dropna()
    asked = asked[asked["card_id"] != "C00017"]
    wanted = Lake().historical_features(DOMAIN, asked, ["at_payment"], at="paid_at")
    rows = asked.drop(columns="note").to_dict("records")
    service = world.store().get_feature_service("fraud")
    found = world.store().get_online_features(service, rows).to_dict()
    for feature in Lake().domain(DOMAIN).view("at_payment").features:
        assert found[feature.name] == wanted.column(feature.full_name).to_pylist(), feature.name


def now(world: World) -> datetime:
    """The lake's clock: the time of its last payment."""
    clock: datetime = pc.max(Lake(world.home).table(f"{DOMAIN}.payments")["paid_at"]).as_py()
    return clock


@pytest.fixture(scope="module")
def servers(world: World) -> Iterator[tuple[Server, Server]]:
    """`feast serve` and `feast ui`, which start beside one another."""
    repository, said = world.folder / "feature_repo", world.environment
    with (
        feast_server(repository, "serve", environment=said) as features,
        feast_server(repository, "ui", environment=said) as catalogue,
    ):
        yield features, catalogue


def test_the_server_answers_and_takes_pushes(world: World, servers: tuple[Server, Server]) -> None:
    address, ready = servers[0]
    ready("/health")
    clock = now(world)
    asked = moments(world.home, 20, seed=3).dropna()
    wanted = Lake().historical_features(DOMAIN, asked, ["at_payment"], at="paid_at")
    request = {
        "card_id": list(asked["card_id"]),
        "terminal_id": list(asked["terminal_id"]),
        "amount_eur": [str(amount) for amount in asked["amount_eur"]],
        "paid_at": [at.isoformat() for at in asked["paid_at"]],
    }
    features = features_of("at_payment")
    answer = post(f"{address}/get-online-features", {"features": features, "entities": request})
    for name, result in zip(answer["metadata"]["feature_names"], answer["results"], strict=True):
        if name not in ("card_id", "terminal_id"):
            column = wanted.column(f"at_payment__{name}").to_pylist()
            assert [pytest.approx(v, abs=1e-12) for v in column] == result["values"], name

    entity = {"card_id": ["C00005"]}
    spend = {"features": ["card_spend:payments_1d"], "entities": entity}
    before = post(f"{address}/get-online-features", spend)["results"][1]["values"][0]
    payment = {
        "payment_id": ["served"],
        "card_id": ["C00005"],
        "terminal_id": ["T00001"],
        "amount_eur": ["10.00"],
        "paid_at": [(clock - timedelta(seconds=1)).isoformat()],
    }
    pushed = {"push_source_name": "payments_push", "df": payment, "to": "online"}
    for _ in range(2):
        post(f"{address}/push", pushed)
    after = post(f"{address}/get-online-features", spend)["results"][1]["values"][0]
    assert after == before + 1


def test_the_catalogue_is_shown(servers: tuple[Server, Server]) -> None:
    address, ready = servers[1]
    ready("/")
    with urllib.request.urlopen(f"{address}/", timeout=30) as page:
        assert b"Feast" in page.read()
    views = f"{address}/api/v1/feature_views?project=lakehouse"
    with urllib.request.urlopen(views, timeout=30) as listed:
        named = {view["spec"]["name"] for view in json.load(listed)["featureViews"]}
    assert named >= {*STORED, "weather_now", "payments_rows"}


def test_a_push_to_both_sides_lands_and_stays_when_it_is_materialised(world: World) -> None:
    store = world.store()
    at = now(world) - timedelta(hours=1)
    card = [{"card_id": "C00003"}]
    names = ["card_spend:spend_1d"]
    before = store.get_online_features(names, card).to_dict()["spend_1d"][0]
    payment = {"payment_id": "both", "card_id": "C00003", "terminal_id": "T00002"}
    row = pd.DataFrame([{**payment, "amount_eur": Decimal("7.77"), "paid_at": at}])
    store.push("payments_push", row, to=PushMode.ONLINE_AND_OFFLINE)
    assert store.get_online_features(names, card).to_dict()["spend_1d"][0] - before == Decimal(
        "7.77"
    )
    lakehouse(world.home, "run", DOMAIN, "raw", "cleaned", "features")
    landed = Lake().table(f"{DOMAIN}.payments").to_pylist()
    assert [r["amount_eur"] for r in landed if r["payment_id"] == "both"] == [Decimal("7.77")]
    assert (
        world.store().get_online_features(names, card).to_dict()["spend_1d"][0]
        == (Lake().features_of(DOMAIN, "card_spend", card[0])["spend_1d"])
    )


def test_what_has_no_answer_says_what_to_do(world: World) -> None:
    store = world.store()
    payment = moments(world.home, 2, seed=1).iloc[:1]
    for wrong, said in (
        (payment.assign(amount_eur="much"), "amount_eur"),
        (payment.drop(columns="card_id"), "card_id"),
    ):
        with pytest.raises(Exception, match=said):
            store.get_historical_features(wrong, features_of("at_payment")).to_df()
    with pytest.raises(Exception, match=r"payments_rows.*ask the views"):
        store.get_online_features(["payments_rows:amount_eur"], [{"payment_id": "P1"}])
