"""Historical features through Feast are those of the platform, each entity row once."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from feast import FeatureService

from lakehouse.declare import (
    Distinct,
    Domain,
    FeatureView,
    Last,
    LastK,
    LatestView,
    Mode,
    Quantile,
    RequestView,
    Share,
    Since,
    Std,
    Trend,
    last,
)
from lakehouse.errors import LakehouseError
from lakehouse.features.historical import historical
from lakehouse.features.spine import typed
from lakehouse.testing.conformance.world import card, customers, movements
from tests.unit.adapters.feast.conftest import VIEWS, World, entity_rows

pytestmark = pytest.mark.filterwarnings(
    "ignore:On demand feature view is an experimental:RuntimeWarning"
)
FEATURES = [f"{view.name}:{f.name}" for view in VIEWS for f in view.features]


def plain(values: Any) -> list[Any]:
    return [None if v is None or v is pd.NaT or v != v else v for v in values]


RECENT = FeatureView(
    "recent",
    of=movements,
    by=card,
    amounts=LastK("amount_eur", k=3, over=last("1d")),
    countries=LastK("country", k=2, over=last("1d")),
    abroad=LastK("abroad", k=2, over=last("1d")),
    days=LastK("booked_on", k=2, over=last("1d")),
    settled=LastK("settled_at", k=2, over=last("1d")),
    country=Last("country", over=last("1d"), default="none"),
    amount=Last("amount_eur", over=last("1d"), default="0.05"),
    spread=Std("weight", over=last("1d"), default=-1),
    different=Distinct("points", over=last("1d")),
    share=Share(where="abroad", over=last("1d")),
    since=Since(where="abroad", over=last("1d"), default=-1),
    often=Mode("country", over=last("1d")),
    often_on=Mode("booked_on", over=last("1d")),
    median=Quantile("amount_eur", q=0.5, over=last("1d")),
    high=Quantile("points", q=0.9, over=last("1d")),
    trend=Trend("points", over=last("1d")),
)
KNOWN_SEGMENT = LatestView(
    "known_segment", of=customers, by=card, columns=("segment",), defaults={"segment": "unknown"}
)
DERIVED = RequestView(
    "derived", uses=(RECENT, KNOWN_SEGMENT), odd="recent.spread_1d > 0.5", n="recent.different_1d"
)


def wanted(world: World, rows: list[dict[str, Any]], views: Any = VIEWS) -> pa.Table:
    spine = pa.Table.from_pylist(rows)
    spine = spine.append_column("n", pa.array(range(spine.num_rows)))
    ctx = world.ctx
    frame = historical(
        ctx, ctx.engine.from_arrow(typed(spine, "asked_at", views)), "asked_at", views
    )
    return ctx.engine.to_arrow(frame).sort_by("n")


def test_every_view_is_answered_as_the_platform_answers_it(world: World) -> None:
    rows = entity_rows()
    found = world.store.get_historical_features(
        pd.DataFrame(rows), FEATURES, full_feature_names=True
    ).to_arrow()
    expected = wanted(world, rows)
    assert found.column_names[:5] == list(rows[0])
    assert found.column("note").to_pylist() == [row["note"] for row in rows]
    for feature in FEATURES:
        name = feature.replace(":", "__")
        assert found.column(name).to_pylist() == expected.column(name).to_pylist(), name
    filled = [n for n in expected.column("spend__n_1d").to_pylist() if n]
    assert len(filled) > 60


def test_lists_defaults_and_derived_features_are_answered_too(world: World) -> None:
    views = (RECENT, KNOWN_SEGMENT, DERIVED)
    world.declare(Domain("cards", description="Cards.", views=(*VIEWS, *views)))
    world.apply()
    rows = entity_rows(60)
    features = [f"{view.name}:{f.name}" for view in views for f in view.features]
    job = world.store.get_historical_features(pd.DataFrame(rows), features, full_feature_names=True)
    found, expected = job.to_arrow(), wanted(world, rows, views)
    for feature in features:
        name = feature.replace(":", "__")
        assert found.schema.field(name).type == expected.schema.field(name).type
        assert found.column(name).to_pylist() == expected.column(name).to_pylist(), name
    assert {len(found) for found in expected.column("recent__amounts_1d").to_pylist()} >= {0, 3}
    assert "none" in expected.column("recent__country_1d").to_pylist()
    assert "unknown" in expected.column("known_segment__segment").to_pylist()
    frame = job.to_df()
    assert [list(v) for v in frame["recent__amounts_1d"]] == expected.column(
        "recent__amounts_1d"
    ).to_pylist()


def test_times_may_be_naive_zoned_or_text_and_columns_of_any_kind(world: World) -> None:
    rows = entity_rows(40)
    frame = pd.DataFrame(rows)
    expected = wanted(world, rows).column("in_shop__n_1d").to_pylist()
    moments = {
        "naive": frame["asked_at"].dt.tz_localize(None),
        "zoned": frame["asked_at"].dt.tz_convert("America/St_Johns"),
        "nanoseconds": frame["asked_at"].astype("datetime64[ns, UTC]"),
        "objects": frame["asked_at"].astype(object),
        "text": frame["asked_at"].map(lambda at: at.isoformat()),
    }
    for kind, column in moments.items():
        given = frame.assign(asked_at=column, lists=[[1, 2]] * len(frame), _row=1, _at="x")
        given = given.rename(columns={"asked_at": "event_timestamp"}).set_index("note")
        answer = world.store.get_historical_features(given, ["in_shop:n_1d"]).to_df()
        assert plain(answer["n_1d"]) == expected, kind
        assert list(answer["lists"].map(list)) == [[1, 2]] * len(rows)
        assert list(answer["event_timestamp"]) == list(frame["asked_at"])


def test_rows_without_a_moment_and_no_rows_at_all_come_back(world: World) -> None:
    frame = pd.DataFrame(entity_rows(3))
    frame.loc[1, "asked_at"] = pd.NaT
    for given in (frame, frame.iloc[:0]):
        answer = world.store.get_historical_features(given, ["spend:n_1d"]).to_df()
        assert plain(answer["note"]) == plain(given["note"])
        assert [v is None for v in plain(answer["n_1d"])] == list(given["asked_at"].isna())


def test_short_names_that_meet_come_in_full(world: World) -> None:
    answer = world.store.get_historical_features(
        pd.DataFrame(entity_rows(2)), ["asked:amount_eur", "asked:share", "spend:eur_1d"]
    ).to_df()
    given = ["note", "card", "shop", "amount_eur", "asked_at"]
    assert list(answer.columns[:5]) == given
    assert {"asked__amount_eur", "share", "eur_1d", "spend__n_1d", "in_shop__n_1d"} == {
        *answer.columns[5:]
    }


def test_a_view_may_be_asked_for_two_entities_of_a_row(world: World) -> None:
    spend = world.store.get_feature_view("spend")
    both = FeatureService(
        name="both",
        features=[
            spend.with_name("payer").with_join_key_map({"card": "from_card"}),
            spend.with_name("payee").with_join_key_map({"card": "to_card"})[["n_1d"]],
        ],
    )
    world.store.apply([both])
    rows = entity_rows(50)
    expected = wanted(world, rows).column("spend__n_1d").to_pylist()
    frame = pd.DataFrame(rows)
    given = frame.assign(from_card=frame["card"], to_card=frame["card"].iloc[::-1].to_numpy())
    answer = world.store.get_historical_features(
        given.drop(columns="card"), world.store.get_feature_service("both"), full_feature_names=True
    ).to_df()
    assert list(answer["payer__n_1d"]) == expected
    there = pd.DataFrame(rows).assign(card=given["to_card"]).to_dict("records")
    assert list(answer["payee__n_1d"]) == wanted(world, there).column("spend__n_1d").to_pylist()
    assert "payee__eur_1d" not in answer


def test_rows_of_a_table_are_seen_once_they_are_known(world: World) -> None:
    rows = world.ctx.engine.to_arrow(world.ctx.read(VIEWS[0].of)).to_pylist()
    late = next(r for r in rows if r["_known_at"] != r["happened_at"])
    times = [late["happened_at"], late["_known_at"]]
    given = pd.DataFrame({"movement_id": [late["movement_id"]] * 2, "event_timestamp": times})
    answer = world.store.get_historical_features(given, ["movements_rows:card"]).to_df()
    assert plain(answer["card"]) == [None, late["card"]]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda rows: rows.drop(columns="shop"), "no column 'shop'|'shop'"),
        (lambda rows: rows.assign(amount_eur="much"), "'amount_eur' of the entity rows"),
        (lambda rows: rows.drop(columns="asked_at").assign(asked_at=5), "at which moment"),
        (lambda rows: rows.assign(odd=[1, "x", None, 2]), "values of one type"),
        (lambda _: "SELECT 1", "entity rows in a DataFrame"),
    ],
)
def test_rows_that_cannot_be_answered_are_refused(world: World, change: Any, said: str) -> None:
    rows = change(pd.DataFrame(entity_rows(2)))
    with pytest.raises(LakehouseError, match=said):
        world.store.get_historical_features(rows, ["asked:share"]).to_df()
