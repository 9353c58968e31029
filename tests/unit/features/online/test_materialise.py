"""A view's table reaches the online store whole, once, and at one version."""

from __future__ import annotations

import dataclasses
import random
from decimal import Decimal
from typing import Any

import pytest

from lakehouse.declare import Count, FeatureView, LatestView, Mean, Sum, last
from lakehouse.declare.durations import DAY, HOUR
from lakehouse.errors import LakehouseError, NotFound
from lakehouse.features.historical import historical
from lakehouse.features.online.read.reader import FeatureReader
from lakehouse.features.online.stores.sqlite import file as sqlite_file
from lakehouse.features.online.stores.sqlite.store import SqliteStore
from lakehouse.features.online.write import materialise as materialising
from lakehouse.features.online.write import view_source
from lakehouse.features.online.write.materialise import Materialised, materialise
from lakehouse.testing.conformance.world import (
    NOON,
    Fields,
    card,
    card_in_shop,
    customers,
    movement,
    movements,
    numbered,
    spine_of,
    table_of,
)
from tests.unit.features.conftest import MakeContext, written

SPEND = FeatureView(
    "spend",
    of=movements,
    by=card,
    n=Count(over=last("1d", "7d")),
    abroad=Count(over=last("7d"), where="country <> 'DE' or amount_eur / points > 2"),
    spend=Sum("amount_eur", over=last("1h", "7d")),
    weight=Mean("weight", over=last("30d", edge="1d")),
)
LAST = LatestView("last_movement", of=movements, by=card_in_shop, columns=("points", "country"))
SEGMENT = LatestView("segment", of=customers, by=card, columns=("segment",))


def history(seed: int, size: int) -> list[Fields]:
    chance = random.Random(seed)
    rows = []
    for n in range(size):
        at = NOON + chance.randrange(60 * 24) * HOUR
        fields: Fields = {
            "movement_id": f"{seed}-{n}",
            "card": chance.choice(["a", "b", "c", None]),
            "shop": chance.choice(["x", "y"]),
            "amount_eur": Decimal(chance.randrange(9999)) / 100,
            "points": chance.choice([None, chance.randrange(1, 20)]),
            "weight": chance.uniform(-3, 3),
            "country": chance.choice([None, "DE", "FR"]),
        }
        rows.append(movement(at, at + chance.choice([0, HOUR, 9 * DAY]), **fields))
    return rows


def asked(seed: int, size: int) -> Any:
    chance = random.Random(seed)
    keys = [(chance.choice("abcz"), chance.choice("xyz")) for _ in range(size)]
    return spine_of(
        [(*key, NOON + chance.randrange(80 * 24) * HOUR) for key in keys], ("card", "shop")
    )


def version_of(online: FeatureReader) -> int:
    stored = online.stored("spend")
    assert stored is not None
    return stored.version


def assert_online_is_historical(context_of: MakeContext, *views: Any) -> None:
    ctx = context_of(*views)
    spine = asked(3, 60)
    expected = ctx.engine.to_arrow(historical(ctx, spine, "asked_at", views)).to_pylist()
    online = FeatureReader(SqliteStore(ctx.home.online("cards"), must_exist=True), views)
    moments = spine.column("asked_at").cast("int64").to_pylist()
    for row, at in zip(expected, moments, strict=True):
        for view in views:
            found = online.get(view, row, at)
            wanted = {f.full_name: row[f.full_name] for f in view.features}
            floats = [name for name, value in wanted.items() if isinstance(value, float)]
            rounded = {name: pytest.approx(wanted[name], rel=1e-9, abs=1e-9) for name in floats}
            assert found == wanted | rounded
            assert [type(v) for v in found.values()] == [type(v) for v in wanted.values()]


@pytest.mark.parametrize("slice_rows", [10**6, 20])
def test_online_values_are_the_historical_ones(
    context_of: MakeContext, monkeypatch: pytest.MonkeyPatch, slice_rows: int
) -> None:
    monkeypatch.setattr(view_source, "SLICE_ROWS", slice_rows)
    ctx = context_of(SPEND, LAST, SEGMENT)
    written(ctx, movements, table_of(movements, history(1, 300)))
    facts = [
        {"customer_id": f"c{n}", "card": "abc"[n % 3], "segment": f"s{n}", "_known_at": known}
        for n, known in enumerate(range(NOON, NOON + 60 * DAY, DAY // 2))
    ]
    written(ctx, customers, table_of(customers, facts))
    done = [materialise(ctx, view) for view in (SPEND, LAST, SEGMENT)]
    in_all = [row for row in history(1, 300) if row["card"] is not None]
    assert done[0] == Materialised(len(in_all), 3, 0, changed=True, taken=len(in_all))
    assert done[2] == Materialised(len(facts), 3, 0, changed=True, taken=len(facts))
    assert_online_is_historical(context_of, SPEND, LAST, SEGMENT)


def test_slices_meet_where_rows_have_no_event_time(
    context_of: MakeContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(view_source, "SLICE_ROWS", 20)
    ctx = context_of(SEGMENT)
    facts = [
        {"customer_id": "c", "card": "a", "segment": f"s{n}", "_known_at": NOON + n * DAY}
        for n in range(96)
    ]
    written(ctx, customers, table_of(customers, facts))
    assert materialise(ctx, SEGMENT).rows == 96
    online = FeatureReader(SqliteStore(ctx.home.online("cards"), must_exist=True), [SEGMENT])
    found = [online.get(SEGMENT, ("a",), row["_known_at"]) for row in facts]
    assert [values["segment__segment"] for values in found] == [row["segment"] for row in facts]


def test_nothing_is_done_until_table_or_declaration_change(context_of: MakeContext) -> None:
    ctx = context_of(SPEND)
    written(ctx, movements, table_of(movements, history(1, 30)))
    assert materialise(ctx, SPEND).changed is True
    assert materialise(ctx, SPEND).changed is False
    assert len(ctx.records.select("SELECT * FROM runs WHERE stage = 'features'")) == 1
    written(ctx, movements, table_of(movements, history(2, 30)))
    assert materialise(ctx, SPEND).version == 1
    assert materialise(ctx, SPEND).changed is False
    wider = FeatureView("spend", of=movements, by=card, n=Count(over=last("1d", "20d")))
    assert materialise(context_of(wider), wider).changed is True
    assert_online_is_historical(context_of, wider)


def test_a_table_without_rows_is_materialised(context_of: MakeContext) -> None:
    ctx = context_of(SPEND, LAST)
    written(ctx, movements, table_of(movements, []))
    assert materialise(ctx, SPEND) == Materialised(0, 0, 0, changed=True)
    assert materialise(ctx, LAST) == Materialised(0, 0, 0, changed=True)
    assert_online_is_historical(context_of, SPEND, LAST)


def test_a_server_kept_open_sees_a_new_version(context_of: MakeContext) -> None:
    ctx = context_of(SPEND)
    first = [movement(NOON, movement_id="1")]
    written(ctx, movements, table_of(movements, first))
    materialise(ctx, SPEND)
    online = FeatureReader(SqliteStore(ctx.home.online("cards"), must_exist=True), [SPEND])
    assert online.get("spend", {"card": "a"}, NOON + 1)["spend__n_1d"] == 1
    written(ctx, movements, table_of(movements, [movement(NOON, movement_id="2")]))
    assert online.get("spend", {"card": "a"}, NOON + 1)["spend__n_1d"] == 1
    materialise(ctx, SPEND)
    assert online.get("spend", {"card": "a"}, NOON + 1)["spend__n_1d"] == 2
    assert version_of(online) == 1


def test_a_server_kept_open_sees_a_lake_made_anew(
    context_of: MakeContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_file, "LOOK_EVERY_S", 0.0)
    ctx = context_of(SPEND)
    written(ctx, movements, table_of(movements, numbered([movement(NOON)] * 3)))
    materialise(ctx, SPEND)
    path = ctx.home.online("cards")
    online = FeatureReader(SqliteStore(path, must_exist=True), [SPEND])
    assert online.get("spend", ("a",), NOON + 1)["spend__n_7d"] == 3
    for file in path.parent.iterdir():
        file.unlink()
    with pytest.raises(NotFound, match="View 'spend' is not in the online store yet"):
        online.get("spend", ("a",), NOON + 1)
    written(ctx, movements, table_of(movements, numbered([movement(NOON)] * 2)), "overwrite")
    materialise(ctx, SPEND)
    assert online.get("spend", ("a",), NOON + 1)["spend__n_7d"] == 2


def test_a_crash_leaves_what_was_there(
    context_of: MakeContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    ctx = context_of(SPEND)
    written(ctx, movements, table_of(movements, history(1, 30)))
    materialise(ctx, SPEND)
    online = FeatureReader(SqliteStore(ctx.home.online("cards"), must_exist=True), [SPEND])
    before = online.get("spend", ("a",), NOON + 30 * DAY)
    written(ctx, movements, table_of(movements, history(2, 30)))

    def breaking(*arguments: Any) -> Any:
        chunks = materialising_pack(*arguments)
        yield next(chunks)
        raise KeyboardInterrupt

    materialising_pack = materialising.pack
    with monkeypatch.context() as patch:
        patch.setattr(materialising, "pack", breaking)
        with pytest.raises(KeyboardInterrupt):
            materialise(ctx, SPEND, full=True)
    assert version_of(online) == 0
    assert online.get("spend", ("a",), NOON + 30 * DAY) == before
    assert materialise(ctx, SPEND).changed is True
    assert_online_is_historical(context_of, SPEND)


def test_a_served_model_keeps_its_view_when_windows_are_added(context_of: MakeContext) -> None:
    ctx = context_of(SPEND)
    written(ctx, movements, table_of(movements, history(1, 100)))
    narrow = FeatureView("spend", of=movements, by=card, n=Count(over=last("3h")))
    materialise(ctx, SPEND)
    online = FeatureReader(SqliteStore(ctx.home.online("cards"), must_exist=True), [narrow])
    assert set(online.get("spend", ("a",), NOON + 30 * DAY)) == {"spend__n_3h"}
    other = FeatureView("spend", of=movements, by=card, p=Sum("points", over=last("3h")))
    online = FeatureReader(SqliteStore(ctx.home.online("cards"), must_exist=True), [other])
    with pytest.raises(LakehouseError, match="has no sum for 'p_3h'"):
        online.get("spend", ("a",), NOON)


def test_the_past_is_not_materialised(context_of: MakeContext) -> None:
    ctx = dataclasses.replace(context_of(SPEND), pins={"cleaned/cards/movements": 0})
    with pytest.raises(LakehouseError, match="as of the past"):
        materialise(ctx, SPEND)
