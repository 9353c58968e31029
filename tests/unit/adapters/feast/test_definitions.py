"""Declarations become Feast objects, and a registry of other declarations is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from feast.types import Array, Decimal, Int64, String

from feature_repo.flight_delay import domain as flight_delay
from feature_repo.payments_fraud import domain as payments_fraud
from lakehouse.adapters.feast import definitions
from lakehouse.adapters.feast.declarations import StaleRegistry
from lakehouse.adapters.feast.definitions import compiled
from lakehouse.declare import (
    Count,
    Domain,
    Entity,
    FeatureView,
    LastK,
    LatestView,
    RequestView,
    last,
)
from lakehouse.declare.durations import DAY
from lakehouse.errors import DeclarationError
from lakehouse.testing.conformance.world import card, movements
from tests.unit.adapters.feast.conftest import IN_SHOP, LAST, SEGMENT, SPEND, World, entity_rows

pytestmark = pytest.mark.filterwarnings(
    "ignore:On demand feature view is an experimental:RuntimeWarning"
)


def names(made: dict[str, Any], kind: str) -> set[str]:
    return {place.partition(" ")[2] for place in made if place.startswith(f"{kind} ")}


def test_both_domains_stand_in_one_repository() -> None:
    made = compiled([payments_fraud, flight_delay])
    assert names(made, "entity") >= {"card", "terminal", "carrier", "route_origin", "route_dest"}
    assert names(made, "service") == {"fraud", "fraud_training", "delay", "late_arrivals"}
    stored = {view.name for domain in (payments_fraud, flight_delay) for view in domain.views}
    assert stored <= names(made, "view")
    assert {"payments_push", "planes_push"} <= names(made, "source")
    weather, frauds = made["view weather_now"], made["view terminal_frauds"]
    assert (weather.ttl.total_seconds(), frauds.ttl.days) == (6 * 3600, 37)
    fraud = made["service fraud"]
    assert [p.name for p in fraud.feature_view_projections] == ["at_payment"]
    inputs = payments_fraud.model("fraud").learns_from.features
    assert [f.name for f in fraud.feature_view_projections[0].features] == [f.name for f in inputs]


def test_lists_owners_and_derived_views_stand_in_the_repository() -> None:
    view = FeatureView(
        "recent",
        of=movements,
        by=card,
        amounts=LastK("amount_eur", k=3, over=last("1d")),
        days=LastK("booked_on", k=3, over=last("1d")),
        n=Count(over=last("1d")),
    )
    latest = LatestView("last_one", of=movements, by=card, columns=("points",), owner="me@b.ex")
    derived = RequestView("derived", uses=(view, latest), busy="recent.n_1d > last_one.points")
    domain = Domain("cards", description="", owner="bank@b.example", views=(derived,))
    made = compiled([domain])
    types = {f.name: f.dtype for f in made["view recent"].features}
    assert types == {"amounts_1d": Array(Decimal), "days_1d": Array(String), "n_1d": Int64}
    assert ["bank@b.example", "me@b.ex", "bank@b.example"] == [
        made[f"view {name}"].owner for name in ("recent", "last_one", "derived")
    ]
    assert made["view derived"].source_request_sources == {}
    assert set(made["view derived"].source_feature_view_projections) == {"recent", "last_one"}


def test_domains_that_share_a_name_are_refused() -> None:
    one, other = (
        FeatureView("spend", of=movements, by=card, n=Count(over=last(length)))
        for length in ("1d", "2d")
    )
    entity = FeatureView(
        "e", of=movements, by=Entity("card", key="number"), n=Count(over=last("1d"))
    )
    domains = [
        Domain(f"d{n}", description="", views=(view,))
        for n, view in enumerate((one, other, entity))
    ]
    with pytest.raises(DeclarationError, match="'d0' and 'd1' both have a view called 'spend'"):
        compiled(domains[:2])
    with pytest.raises(DeclarationError, match=r"entity called\s+'card', with different keys"):
        compiled([domains[0], domains[2]])


def test_the_registry_names_no_place_of_this_machine(world: World, tmp_path: Path) -> None:
    file = world.ctx.home.path / "feast" / "registry.db"
    assert str(tmp_path).encode() not in file.read_bytes()
    assert b"tables/cleaned/cards/movements" in file.read_bytes()
    assert [other.name for other in file.parent.iterdir() if other.name.startswith(".")] == []


def test_request_time_features_come_back_from_the_registry_as_they_are_declared(
    world: World,
) -> None:
    view = world.store.get_on_demand_feature_view("asked")
    given = {
        "amount_eur": ["1.25", 2.5],
        "asked_at": ["2024-03-16T00:00:00Z", pd.Timestamp("2024-03-18")],
        "spend__n_1d": [3, 0],
        "spend__eur_1d": ["0.10", None],
        "in_shop__n_1d": [2, 0],
    }
    found = view.transform_dict(given)
    assert [found[f] for f in ("amount_eur", "share", "after", "asked__weekend")] == [
        [1.25, 2.5],
        [0.5, 0.0],
        [1.35, None],
        [True, False],
    ]


def test_a_registry_of_other_declarations_is_refused_until_it_is_applied(world: World) -> None:
    changed = FeatureView("spend", of=movements, by=card, n=Count(over=last("1d", "2d")))
    views = [changed, IN_SHOP, LAST, SEGMENT]
    world.declare(Domain("cards", description="Cards.", views=tuple(views)))
    rows = pd.DataFrame(entity_rows(3))
    row = [{"card": "1", "shop": "1"}]

    def ask(*features: str) -> None:
        world.store.get_historical_features(rows, list(features)).to_df()
        world.store.get_online_features(list(features), row)

    with pytest.raises(StaleRegistry, match=r"view 'spend': it is declared otherwise now.*apply'"):
        ask("spend:n_1d")
    with pytest.raises(StaleRegistry, match=r"view 'spend'.*apply'"):
        world.store.get_online_features(["spend:n_1d"], row)
    with pytest.raises(StaleRegistry, match="view 'spend'"):
        world.store.materialize(DAY_ONE, DAY_TWO, ["spend"])
    world.apply()
    world.store.materialize(DAY_ONE, DAY_TWO, ["spend"])
    ask("spend:n_2d")


def test_a_view_that_is_declared_no_more_is_refused(world: World) -> None:
    world.declare(Domain("cards", description="Cards.", views=(SPEND, IN_SHOP, LAST, SEGMENT)))
    with pytest.raises(StaleRegistry, match="'asked': domain 'cards' declares no such view any"):
        world.store.get_historical_features(pd.DataFrame(entity_rows(3)), ["asked:share"])
    world.declare(Domain("shops", description="Shops.", views=(IN_SHOP,)))
    with pytest.raises(StaleRegistry, match="domain 'cards' is not installed"):
        world.store.get_online_features(["spend:n_1d"], [{"card": "1"}])


DAY_ONE, DAY_TWO = (pd.Timestamp(n * DAY, unit="us", tz="UTC").to_pydatetime() for n in (1, 2))


def test_tables_without_a_key_take_no_rows() -> None:
    assert definitions.rows_view_name(movements) == "movements_rows"
    assert definitions.push_source_name(movements) == "movements_push"
