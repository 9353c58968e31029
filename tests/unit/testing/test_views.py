"""Features of a few events, as those who declare views test them."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from lakehouse.declare import (
    Cleaned,
    Contract,
    Count,
    Entity,
    FeatureView,
    LastK,
    LatestView,
    Mean,
    Raw,
    RequestView,
    Source,
    Std,
    Sum,
    column,
    event_time,
    key,
    known_at,
    last,
)
from lakehouse.errors import LakehouseError
from lakehouse.testing.views import feature_values


class Payment(Contract):
    payment_id: str = key()
    card_id: str
    shop_id: int | None
    amount_eur: Decimal = column(scale=2)
    note: str | None
    weight: float | None
    paid_at: datetime = event_time()
    booked_at: datetime = known_at(zone="Europe/Berlin")


class Card(Contract):
    card_id: str = key()
    limit_eur: Decimal | None = column(scale=2)
    issued_on: date | None


class Asked(Contract):
    card_id: str
    amount_eur: Decimal = column(scale=2)
    country: str | None
    asked_at: datetime = event_time()


payments = Cleaned("payments", Raw("payments_raw", Source("payment_feed", Payment, "payments/*")))
cards = Cleaned(
    "cards", Raw("cards_raw", Source("card_feed", Card, "cards/{delivered_at}.csv")),
    on_conflict="history",
)  # fmt: skip
card = Entity("card", key="card_id")
spend = FeatureView(
    "spend",
    of=payments,
    by=card,
    n=Count(over=last("1h", "1d")),
    eur=Sum("amount_eur", over=last("1d")),
    mean=Mean("amount_eur", over=last("1h"), default=-1),
    spread=Std("weight", over=last("1d")),
    shops=LastK("shop_id", k=2, over=last("1d")),
)
limits = LatestView("limits", of=cards, by=card, columns=("limit_eur", "issued_on"))
at_card = RequestView(
    "at_card",
    request=Asked,
    uses=(spend, limits),
    over="spend.eur_1d + amount_eur > limits.limit_eur",
    abroad="country <> 'DE'",
    hour="hour(asked_at)",
)
often = RequestView("often", uses=(spend,), share="spend.n_1h / nullif(spend.n_1d, 0)")
NOON = "2024-03-15 12:00"


def paid(at: Any, amount: Any = "1.00", **changes: Any) -> dict[str, Any]:
    row = {"card_id": "C1", "payment_id": "p", "amount_eur": amount, "paid_at": at, "booked_at": at}
    return row | changes


def test_events_before_the_moment_count_and_others_do_not() -> None:
    events = [
        paid("2024-03-15T08:00:00Z", "19.99", shop_id=1, weight=1),
        paid("2024-03-15 08:30", Decimal("0.01"), shop_id=2, weight=3.0),
        paid(datetime(2024, 3, 15, 11, 30, tzinfo=UTC), 5, shop_id=3, payment_id="z"),
        paid("2024-03-15 13:00+01:00", 100),
        paid("2024-03-15 09:00", 100, card_id="C2"),
    ]
    expected = {
        "n_1h": 1,
        "n_1d": 3,
        "eur_1d": Decimal("25.00"),
        "mean_1h": 5.0,
        "spread_1d": math.sqrt(2),
        "shops_1d": [3, 2],
    }
    booked = [e | {"booked_at": "2024-03-01"} for e in events]
    assert feature_values(spend, booked, at=NOON, card_id="C1") == expected
    assert feature_values(spend, iter(booked), datetime(2024, 3, 15, 12), card_id="C1") == expected  # noqa: DTZ001, a time without a zone is one of UTC


def test_an_event_is_known_when_its_contract_says_or_when_the_test_does() -> None:
    berlin = paid("2024-03-15 10:00", booked_at="2024-03-15 12:59:59")  # 11:59:59 UTC
    later = paid("2024-03-15 10:00", booked_at="2024-03-15 13:00:01")
    told = paid("2024-03-15 10:00", _known_at="2024-03-15 12:00:00Z", booked_at=None)
    for events, expected in (([berlin], 1), ([later], 0), ([told], 1), ([berlin, later, told], 2)):
        assert feature_values(spend, events, at=NOON, card_id="C1")["n_1d"] == expected


def test_no_events_give_what_nothing_gives() -> None:
    assert feature_values(spend, [], at=NOON, card_id="C1") == {
        "n_1h": 0,
        "n_1d": 0,
        "eur_1d": Decimal("0.00"),
        "mean_1h": -1.0,
        "spread_1d": None,
        "shops_1d": [],
    }


def test_latest_values_are_those_known_last() -> None:
    rows = [
        {"card_id": "C1", "limit_eur": 100, "issued_on": "2020-02-29", "_known_at": "2024-01-01"},
        {"card_id": "C1", "limit_eur": 200, "_known_at": "2024-03-15 12:00"},
        {"card_id": "C1", "limit_eur": 300, "_known_at": "2024-03-15 12:00:00.000001"},
    ]
    found = feature_values(limits, rows, at=NOON, card_id="C1")
    assert found == {"limit_eur": Decimal("200.00"), "issued_on": None}
    first = feature_values(limits, rows, at="2024-02-01", card_id="C1")
    assert first == {"limit_eur": Decimal("100.00"), "issued_on": date(2020, 2, 29)}


def test_a_request_view_takes_the_request_and_the_events_of_several_tables() -> None:
    events = {
        "payments": [paid("2024-03-15 10:00", "60", booked_at="2024-03-15 11:00")],
        "cards": [{"card_id": "C1", "limit_eur": "100", "_known_at": "2024-01-01"}],
    }
    request = {"card_id": "C1", "amount_eur": "40.00"}
    found = feature_values(at_card, events, at=NOON, request=request)
    assert found == {"over": False, "abroad": None, "hour": 12}
    more = request | {"amount_eur": "40.01", "country": "FR", "asked_at": "2024-03-15 06:00"}
    found = feature_values(at_card, events, at=NOON, request=more)
    assert found == {"over": True, "abroad": True, "hour": 6}


def test_a_derived_view_takes_the_entity_s_key() -> None:
    events = [paid(f"2024-03-15 {hour}:30", booked_at="2024-03-15") for hour in ("09", "10", "11")]
    assert feature_values(often, events, at=NOON, card_id="C1") == {"share": 1 / 3}
    assert feature_values(often, [], at=NOON, card_id="C1") == {"share": None}


def test_floats_may_be_no_number() -> None:
    events = [paid("2024-03-15 10:00", weight=math.nan), paid("2024-03-15 11:00", weight=1.0)]
    booked = [e | {"_known_at": "2024-03-15"} for e in events]
    assert math.isnan(feature_values(spend, booked, at=NOON, card_id="C1")["spread_1d"])


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (
            lambda: feature_values(spend, [paid("2024-03-15", amount=1)], at=NOON),
            "View 'spend' is by card_id; give card_id=... of the entity.",
        ),
        (
            lambda: feature_values(spend, [], at=NOON, card="C1"),
            "View 'spend' has no key 'card'; did you mean 'card_id'? It has: card_id.",
        ),
        (
            lambda: feature_values(spend, [paid("2024-03-15", ammount=1)], at=NOON, card_id="C1"),
            "Event 0 of table 'payments' has no column 'ammount'; did you mean 'amount_eur'? It "
            "has: amount_eur, booked_at, note, paid_at, payment_id … and 4 more.",
        ),
        (
            lambda: feature_values(spend, [paid(NOON), paid(NOON, None)], at=NOON, card_id="C1"),
            "Event 1 of table 'payments' has no 'amount_eur', which is never null; add it.",
        ),
        (
            lambda: feature_values(spend, [paid(NOON, "1.005")], at=NOON, card_id="C1"),
            "Event 0 of table 'payments', 'amount_eur': Decimal('1.005') is no decimal; write a "
            "number with no more digits than the column has.",
        ),
        (
            lambda: feature_values(spend, [paid(NOON, "much")], at=NOON, card_id="C1"),
            "Event 0 of table 'payments', 'amount_eur': 'much' is no number.",
        ),
        (
            lambda: feature_values(spend, [paid("noon")], at=NOON, card_id="C1"),
            "Event 0 of table 'payments', 'paid_at': 'noon' is no timestamp; write a time as "
            "'2018-04-01T06:30:00Z'.",
        ),
        (
            lambda: feature_values(spend, ["noon"], at=NOON, card_id="C1"),  # type: ignore[list-item]
            "Event 0 of table 'payments' is the text 'noon'; give its columns by name.",
        ),
        (
            lambda: feature_values(
                spend, [paid(NOON) | {"booked_at": None}], at=NOON, card_id="C1"
            ),
            "Event 0 of table 'payments' does not say by 'booked_at' when it is known; give "
            "'_known_at'.",
        ),
        (
            lambda: feature_values(limits, [{"card_id": "C1"}], at=NOON, card_id="C1"),
            "Event 0 of table 'cards' does not say when it is known; give '_known_at'.",
        ),
        (
            lambda: feature_values(spend, [], at="noon", card_id="C1"),
            "The moment, 'at': 'noon' is no timestamp; write a time as '2018-04-01T06:30:00Z'.",
        ),
        (
            lambda: feature_values(spend, [], at=NOON, card_id=1),
            "The key of view 'spend', 'card_id': 1 is no string; write a text.",
        ),
        (
            lambda: feature_values(spend, [], at=NOON, request={}, card_id="C1"),
            "View 'spend' takes no request; leave request= out.",
        ),
        (
            lambda: feature_values(at_card, [paid(NOON)], at=NOON, request={"card_id": "C1"}),
            "View 'at_card' is of 2 tables; give events={'payments': [...], 'cards': [...]}.",
        ),
        (
            lambda: feature_values(at_card, {"shops": []}, at=NOON, request={"card_id": "C1"}),
            "View 'at_card' has no table 'shops'. It has: cards, payments.",
        ),
        (
            lambda: feature_values(at_card, [], at=NOON, request={"cart_id": "C1"}),
            "The request of view 'at_card' has no column 'cart_id'; did you mean 'card_id'? It "
            "has: amount_eur, asked_at, card_id, country.",
        ),
    ],
)
def test_what_does_not_fit_is_told(call: Any, expected: str) -> None:
    with pytest.raises(LakehouseError) as refused:
        call()
    assert expected == str(refused.value)
