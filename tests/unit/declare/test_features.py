from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import pytest

from lakehouse.declare import (
    Cleaned,
    Contract,
    Count,
    Entity,
    FeatureView,
    LatestView,
    Max,
    Mean,
    Min,
    Raw,
    RequestView,
    Source,
    Sum,
    column,
    event_time,
    key,
    last,
)
from lakehouse.declare.durations import DAY


class Payment(Contract):
    payment_id: str = key()
    card_id: str
    shop_id: int
    amount_eur: Decimal = column(scale=2)
    points: int | None
    weight: float
    abroad: bool
    paid_at: datetime = event_time(known=True)


payments = Cleaned("payments", Raw("payments_raw", Source("payment_feed", Payment, "payments/*")))
card = Entity("card", key="card_id")


def view(**aggregates: object) -> FeatureView:
    return FeatureView("v", of=payments, by=card, **aggregates)  # type: ignore[arg-type]


def test_features_are_named_after_family_and_window_in_declared_order() -> None:
    made = view(
        spend=Sum("amount_eur", over=last("1d", "7d")),
        payments=Count(over=last("1h") + last("365d", edge="1d")),
    )
    assert ["spend_1d", "spend_7d", "payments_1h", "payments_365d"] == [
        f.name for f in made.features
    ]


def test_a_feature_has_one_name_in_tables_and_one_in_expressions() -> None:
    feature = view(n=Count(over=last("1d")))["n_1d"]
    assert ("v__n_1d", "v.n_1d") == (feature.full_name, feature.dotted)


@pytest.mark.parametrize(
    ("aggregate", "expected"),
    [
        (Count(over=last("1d")), ("int", None)),
        (Count("points", over=last("1d")), ("int", None)),
        (Sum("points", over=last("1d")), ("int", None)),
        (Sum("abroad", over=last("1d")), ("int", None)),
        (Sum("amount_eur", over=last("1d")), ("decimal", 2)),
        (Sum("weight", over=last("1d")), ("float", None)),
        (Mean("amount_eur", over=last("1d")), ("float", None)),
        (Mean("abroad", over=last("1d")), ("float", None)),
        (Min("amount_eur", over=last("1d")), ("decimal", 2)),
        (Max("points", over=last("1d")), ("int", None)),
    ],
)
def test_a_windowed_feature_has_the_type_of_its_aggregate(
    aggregate: object, expected: tuple[str, int | None]
) -> None:
    (feature,) = view(f=aggregate).features
    assert expected[0] == feature.kind
    if feature.kind == "decimal":
        assert expected[1] == feature.scale


def test_windows_are_joined_in_order_each_with_its_edge() -> None:
    windows = (last("1h", "1d") + last("60d", "365d", edge="1d")).windows
    assert [("1h", None), ("1d", None), ("60d", "1d"), ("365d", "1d")] == [
        (w.length.text, w.edge.text if w.edge else None) for w in windows
    ]


@pytest.mark.parametrize("length", ["30d", "720h", "43200min", "2592000s"])
def test_thirty_days_are_exact_in_whatever_unit(length: str) -> None:
    (window,) = last(length).windows
    assert (30 * DAY, None) == (window.length.us, window.edge)


def test_an_edge_may_be_as_long_as_its_window() -> None:
    (window,) = last("24h", edge="1d").windows
    assert window.edge is not None
    assert window.length.us == window.edge.us


def test_an_entity_may_have_several_keys() -> None:
    assert ("card_id", "shop_id") == Entity("card_in_shop", key=("card_id", "shop_id")).keys


def test_the_latest_row_gives_columns_with_their_own_types() -> None:
    made = LatestView("v", of=payments, by=card, columns=("amount_eur", "abroad"), ttl="6h")
    assert [("amount_eur", "decimal", 2), ("abroad", "bool", None)] == [
        (f.column, f.kind, f.scale) for f in made.features
    ]


def test_a_request_time_feature_over_decimals_is_a_float() -> None:
    spend = view(spend=Sum("amount_eur", over=last("1d")))
    made = RequestView(
        "r",
        request=Payment,
        uses=(spend,),
        amount="amount_eur",
        with_this="v.spend_1d + amount_eur",
        night="hour(paid_at) <= 6",
        points="coalesce(points, 0)",
    )
    assert ["float", "float", "bool", "int"] == [f.kind for f in made.features]


def test_views_that_say_the_same_are_equal() -> None:
    assert view(n=Count(over=last("1d"))) == view(n=Count(over=last("1d")))
    assert view(n=Count(over=last("1d"))) != view(n=Count(over=last("7d")))
    assert view(n=Count(over=last("1d"))) != view(n=Count(over=last("1d"), where="abroad"))
