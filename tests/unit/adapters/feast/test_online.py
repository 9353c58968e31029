"""Online features through Feast, of the moment of asking; and rows pushed to tables."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pandas as pd
import pytest

from lakehouse.errors import LakehouseError
from lakehouse.features.online.read.reader import FeatureReader
from lakehouse.features.online.stores.sqlite.store import SqliteStore
from lakehouse.times import microseconds, moment
from tests.unit.adapters.feast.conftest import HOUR, IN_SHOP, LAST, SEGMENT, SPEND, World
from tests.unit.adapters.feast.test_offline import entity_rows, wanted

pytestmark = pytest.mark.filterwarnings(
    "ignore:On demand feature view is an experimental:RuntimeWarning"
)
STORED = (SPEND, IN_SHOP, LAST, SEGMENT)
END = datetime(2030, 1, 1, tzinfo=UTC)
ENTITIES = [
    {"card": card, "shop": shop}
    for card in ("11", "1", "111", "?", None)
    for shop in ("1", "11", None)
] * 2


@pytest.fixture
def filled(world: World) -> World:
    world.store.materialize_incremental(END, [view.name for view in STORED])
    return world


def online(world: World, *features: str, rows: Any = ENTITIES) -> dict[str, list[Any]]:
    return world.store.get_online_features(list(features), rows, full_feature_names=True).to_dict()


def test_stored_views_are_read_at_the_lakes_clock(filled: World) -> None:
    ctx = filled.ctx
    reader = FeatureReader(SqliteStore(ctx.home.online("cards"), must_exist=True), STORED)
    features = [f"{view.name}:{f.name}" for view in STORED for f in view.features]
    for clock in (ctx.clock(), ctx.clock() + timedelta(hours=20)):
        ctx.records.tick("cards", microseconds(clock))
        found = online(filled, *features)
        assert found["card"] == [row["card"] for row in ENTITIES]
        for view in STORED:
            for n, entity in enumerate(ENTITIES):
                values = reader.get(view, entity, microseconds(clock))
                for name, value in values.items():
                    text = name.endswith("booked_on") and value is not None
                    assert found[name][n] == (value.isoformat() if text else value), name
        assert sum(bool(n) for n in found["in_shop__n_1d"]) >= 4
    reader.close()


def test_a_request_is_answered_at_its_own_moment_with_all_that_stands_beside(
    filled: World,
) -> None:
    rows = [row for row in entity_rows(60) if row["asked_at"] > moment(0)]
    expected = wanted(filled, rows)
    names = [
        "asked:share",
        "asked:after",
        "asked:weekend",
        "asked:amount_eur",
        "last_movement:points",
    ]
    found = online(filled, *names, rows=rows)
    for name in names:
        column = name.replace(":", "__")
        assert found[column] == expected.column(column).to_pylist(), name
    short = filled.store.get_online_features(["asked:amount_eur", "asked:share"], rows).to_dict()
    assert list(short) == ["card", "shop", "amount_eur", "share"]
    assert short["share"] == found["asked__share"]


def test_a_request_that_lacks_something_is_refused(filled: World) -> None:
    row = {"card": "1", "shop": "1", "amount_eur": "1.00", "asked_at": "2024-03-16T00:00:00Z"}
    for wrong, said in (
        ({"amount_eur": "1.001"}, "more than 2 digits"),
        ({"asked_at": "noon"}, "'noon' is no timestamp"),
    ):
        with pytest.raises(LakehouseError, match=said):
            online(filled, "asked:share", rows=[row | wrong])
    for name in ("amount_eur", "shop"):
        lacking = {key: value for key, value in row.items() if key != name}
        with pytest.raises(LakehouseError, match=f"'{name}'"):
            online(filled, "asked:share", rows=[lacking])


def test_materialising_takes_the_newest_version_and_nothing_twice(filled: World) -> None:
    reader = FeatureReader(SqliteStore(filled.ctx.home.online("cards"), must_exist=True), STORED)
    before = reader.stored("spend")
    filled.store.materialize(END, END + timedelta(days=1), ["spend"])
    assert before == reader.stored("spend")
    reader.close()


def pushed(**row: Any) -> pd.DataFrame:
    fields = {"movement_id": "new", "card": "1", "shop": "1", "number": 1, "points": 7}
    fields |= {"weight": 0.5, "abroad": True, "country": "DE", "booked_on": "2024-03-18"}
    fields |= {"settled_at": pd.Timestamp("2024-03-18", tz="UTC"), "amount_eur": Decimal("5.00")}
    return pd.DataFrame([fields | row])


def test_a_pushed_row_enters_every_window_once_and_an_older_one_takes_its_place(
    filled: World,
) -> None:
    clock = filled.ctx.clock()
    names = ("spend:n_1d", "spend:eur_1d", "in_shop:n_1d", "last_movement:points")
    row = [{"card": "1", "shop": "1"}]

    def values() -> list[Any]:
        found = online(filled, *names, rows=row)
        return [found[name.replace(":", "__")][0] for name in names]

    n, eur, in_shop, _ = values()
    newest = clock - timedelta(microseconds=1)
    for _ in range(2):
        filled.store.push("movements_push", pushed(happened_at=newest))
        assert values() == [n + 1, eur + 5, in_shop + 1, 7]
    older = pushed(movement_id="older", points=8, happened_at=clock - timedelta(hours=23))
    filled.store.push("movements_push", older)
    assert values() == [n + 2, eur + 10, in_shop + 2, 7]
    ancient = pushed(movement_id="ancient", happened_at=clock - timedelta(hours=25))
    filled.store.push("movements_push", ancient)
    assert values() == [n + 2, eur + 10, in_shop + 2, 7]


def test_a_pushed_row_of_a_table_without_event_times_counts_from_when_it_is_known(
    filled: World,
) -> None:
    clock = filled.ctx.clock()
    row = {"customer_id": "9", "card": "1", "segment": "new"}
    frame = pd.DataFrame([row | {"_known_at": clock - timedelta(seconds=1)}])
    filled.store.push("customers_push", frame)
    assert online(filled, "segment:segment", rows=[{"card": "1"}])["segment__segment"] == ["new"]


def test_rows_are_not_pushed_before_a_view_is_materialised_nor_into_a_view(world: World) -> None:
    at = moment(microseconds(world.ctx.clock()) - HOUR)
    with pytest.raises(LakehouseError, match="materialize-incremental"):
        world.store.push("movements_push", pushed(happened_at=at))
    with pytest.raises(LakehouseError, match="…_push"):
        frame = pd.DataFrame([{"card": "1", "n_1d": 1, "eur_1d": Decimal(1), "happened_at": at}])
        frame["_known_at"] = at
        world.store.write_to_online_store("spend", frame)
    with pytest.raises(LakehouseError, match="takes pushed rows"):
        online(world, "movements_rows:card", rows=[{"movement_id": "m00001"}])
