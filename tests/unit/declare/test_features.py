from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from lakehouse.declare import (
    Cleaned,
    Contract,
    Count,
    Distinct,
    Entity,
    FeatureView,
    First,
    Last,
    LastK,
    LatestView,
    Max,
    Mean,
    Min,
    Raw,
    RequestView,
    Share,
    Source,
    Std,
    Sum,
    column,
    event_time,
    key,
    last,
)
from lakehouse.declare.compiled import digest
from lakehouse.declare.durations import DAY
from lakehouse.declare.features import Aggregate
from lakehouse.declare.operands import operand


class Payment(Contract):
    payment_id: str = key()
    card_id: str
    shop_id: int
    amount_eur: Decimal = column(scale=2)
    points: int | None
    weight: float
    abroad: bool
    country: str | None
    booked_on: date | None
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
        (Std("amount_eur", over=last("1d")), ("float", None)),
        (Std("points", over=last("365d", edge="1d")), ("float", None)),
        (First("country", over=last("1d")), ("string", None)),
        (First("amount_eur", over=last("1d")), ("decimal", 2)),
        (Last("paid_at", over=last("365d", edge="1d")), ("timestamp", None)),
        (Last("abroad", over=last("1d")), ("bool", None)),
        (Last("booked_on", over=last("1d")), ("date", None)),
        (Distinct("shop_id", over=last("1d")), ("int", None)),
        (Distinct("weight", over=last("30d")), ("int", None)),
        (Share(where="abroad", over=last("1d")), ("float", None)),
        (Sum("amount_eur * points", over=last("1d")), ("decimal", 2)),
        (Sum("amount_eur * weight", over=last("1d")), ("float", None)),
        (Sum("amount_eur > 10", over=last("1d")), ("int", None)),
        (Max("round(amount_eur, 1) + 0.125", over=last("1d")), ("decimal", 3)),
        (Min("round(amount_eur, 1)", over=last("1d")), ("decimal", 1)),
        (Last("coalesce(country, 'none')", over=last("1d")), ("string", None)),
        (First("date_trunc('day', paid_at)", over=last("1d")), ("timestamp", None)),
        (Mean("points / 2", over=last("1d")), ("float", None)),
        (Share("country", where="country <> 'DE'", over=last("1d")), ("float", None)),
    ],
)
def test_a_windowed_feature_has_the_type_of_its_aggregate(
    aggregate: object, expected: tuple[str, int | None]
) -> None:
    (feature,) = view(f=aggregate).features
    assert expected[0] == feature.kind
    if feature.kind == "decimal":
        assert expected[1] == feature.scale
    assert feature.many is None


def test_the_last_values_are_a_list_of_the_columns_kind() -> None:
    made = view(
        shops=LastK("shop_id", k=3, over=last("1d", "7d")),
        spent=LastK("amount_eur", k=100, over=last("365d", edge="1d"), where="abroad"),
    )
    assert [
        ("shops_1d", "int", None, 3),
        ("shops_7d", "int", None, 3),
        ("spent_365d", "decimal", 2, 100),
    ] == [(f.name, f.kind, f.scale, f.many) for f in made.features]


@pytest.mark.parametrize(
    ("aggregate", "expected"),
    [
        (Mean("points", over=last("1d"), default=0), 0.0),
        (Std("points", over=last("1d"), default=-1.5), -1.5),
        (Share(where="abroad", over=last("1d"), default=0), 0.0),
        (Min("points", over=last("1d"), default=7), 7),
        (Max("amount_eur", over=last("1d"), default=0), Decimal("0.00")),
        (Max("amount_eur", over=last("1d"), default="-1.5"), Decimal("-1.50")),
        (First("amount_eur", over=last("1d"), default=Decimal("2")), Decimal("2.00")),
        (Last("country", over=last("1d"), default=""), ""),
        (Last("abroad", over=last("1d"), default=False), False),
        (Last("booked_on", over=last("1d"), default="2018-04-01"), date(2018, 4, 1)),
        (Last("booked_on", over=last("1d"), default=date(2018, 4, 1)), date(2018, 4, 1)),
        (
            Last("paid_at", over=last("1d"), default="2018-04-01T08:30+02:00"),
            datetime(2018, 4, 1, 6, 30, tzinfo=UTC),
        ),
        (
            Last("paid_at", over=last("1d"), default="2018-04-01"),
            datetime(2018, 4, 1, tzinfo=UTC),
        ),
        (Mean("points", over=last("1d")), None),
    ],
)
def test_a_default_is_a_value_of_the_features_kind(aggregate: Aggregate, expected: object) -> None:
    (feature,) = view(f=aggregate).features
    assert (expected, type(expected)) == (feature.default_value, type(feature.default_value))
    assert str(expected) == str(feature.default_value)


def test_columns_of_the_latest_row_have_defaults_of_their_own() -> None:
    made = LatestView(
        "v",
        of=payments,
        by=card,
        columns=("country", "amount_eur", "points"),
        defaults={"amount_eur": 0, "country": "unknown"},
    )
    assert {"country": "unknown", "amount_eur": Decimal("0.00"), "points": None} == {
        f.name: f.default_value for f in made.features
    }


def test_views_say_how_fresh_they_should_be() -> None:
    windowed = FeatureView("v", of=payments, by=card, fresh_within="5min", n=Count(over=last("1d")))
    latest = LatestView("l", of=payments, by=card, columns=("points",), fresh_within="1h")
    asked = RequestView("r", uses=(windowed,), fresh_within="1min", n="v.n_1d")
    assert ["5min", "1h", "1min"] == [str(v.fresh_within) for v in (windowed, latest, asked)]
    assert view(n=Count(over=last("1d"))).fresh_within is None


def test_a_derived_view_has_stored_features_and_no_request() -> None:
    spend = view(spend=Sum("amount_eur", over=last("1d", "7d")))
    made = RequestView("r", uses=(spend,), rise="v.spend_1d / nullif(v.spend_7d, 0)")
    assert (None, ()) == (made.request, made.request_columns)
    assert ["float"] == [f.kind for f in made.features]


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


def test_an_expression_is_the_same_however_it_is_spelt() -> None:
    made = view(n=Sum("case when country = 'DE' then amount_eur * (-points) end", over=last("1d")))
    odd = "CASE WHEN country=='DE' THEN  amount_eur*( -points ) END"
    spelt = view(n=Sum(odd, over=last("1d")))
    assert made == spelt
    assert digest(made) == digest(spelt)
    assert digest(made) != digest(view(n=Sum("amount_eur * points", over=last("1d"))))


def test_a_column_in_parentheses_or_spaces_is_the_column() -> None:
    plain = digest(view(n=Sum("points", over=last("1d"))))
    assert plain == digest(view(n=Sum(" (points) ", over=last("1d"))))


def test_the_name_of_a_column_is_the_column_whatever_it_looks_like() -> None:
    class Odd(Contract):
        odd_id: str = key()
        größe: float
        end: int
        at: datetime = event_time(known=True)

    of = Cleaned("odd", Raw("odd_raw", Source("odd_feed", Odd, "odd/*")))
    made = FeatureView(
        "v",
        of=of,
        by=Entity("odd", key="odd_id"),
        size=Sum("größe", over=last("1d")),
        ends=Sum("end", over=last("1d")),
    )
    assert ["float", "int"] == [f.kind for f in made.features]
    assert ["odd_id", "_known_at", "at", "größe", "end"] == list(made.source_columns)


def test_an_expression_needs_the_columns_it_names_and_is_as_personal_as_they_are() -> None:
    class Visit(Contract):
        visit_id: str = key()
        name: str = column(personal=True)
        pages: int
        minutes: float
        at: datetime = event_time(known=True)

    of = Cleaned("visits", Raw("visits_raw", Source("visit_feed", Visit, "visits/*")))
    made = FeatureView(
        "v",
        of=of,
        by=Entity("visit", key="visit_id"),
        pace=Mean("minutes / (pages + 1)", over=last("1d")),
        initial=Last("upper(name)", over=last("1d")),
    )
    columns = list(made.source_columns)
    assert ["visit_id", "_known_at", "at", "minutes", "pages", "name"] == columns[:2] + [
        name for name in columns[2:] if name != "visit_id"
    ]
    assert [False, True] == [operand(of, str(a.column)).personal for _, a in made.aggregates]
    assert [False, True] == [made.is_personal(f.name) for f in made.features]


def test_views_that_say_the_same_are_equal() -> None:
    assert view(n=Count(over=last("1d"))) == view(n=Count(over=last("1d")))
    assert view(n=Count(over=last("1d"))) != view(n=Count(over=last("7d")))
    assert view(n=Count(over=last("1d"))) != view(n=Count(over=last("1d"), where="abroad"))
    assert view(n=Max("points", over=last("1d"))) != view(
        n=Max("points", over=last("1d"), default=0)
    )
    assert view(n=LastK("points", k=2, over=last("1d"))) != view(
        n=LastK("points", k=3, over=last("1d"))
    )
