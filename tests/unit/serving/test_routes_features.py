"""Stored features of entities at a moment."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from lakehouse.declare import (
    Cleaned,
    Contract,
    Count,
    Entity,
    FeatureView,
    Raw,
    Source,
    event_time,
    key,
    last,
)
from serving.routes_features import Readers

PATH = "/v1/features/shop"
AT = "2018-04-01T10:00:00Z"


def ask(lake: Any, body: dict[str, Any]) -> Any:
    with lake.client() as client:
        return client.post(PATH, json=body, headers=lake.bearer("scientist"))


def test_a_view_gives_all_its_features_for_each_entity_in_order(lake: Any) -> None:
    entities = [{"card_id": "c2"}, {"card_id": "c1"}, {"card_id": "nobody"}]
    answer = ask(lake, {"views": ["card_spend"], "entities": entities, "at": AT}).json()
    assert answer == {
        "at": AT,
        "values": [
            {"card_spend.payments_1h": n, "card_spend.payments_1d": m, "card_spend.spend_1d": s}
            for n, m, s in ((1, 1, "77.00"), (2, 3, "30.60"), (0, 0, "0.00"))
        ],
    }


def test_single_features_come_alone(lake: Any) -> None:
    wanted = ["card_now.limit_eur", "card_spend.payments_1h"]
    answer = ask(lake, {"features": wanted, "entities": [{"card_id": "c1"}], "at": AT}).json()
    assert answer["values"] == [{"card_now.limit_eur": "500.00", "card_spend.payments_1h": 2}]


def test_any_moment_may_be_asked(lake: Any) -> None:
    body = {"features": ["card_spend.payments_1h"], "entities": [{"card_id": "c1"}]}
    seen = [
        ask(lake, body | {"at": at}).json()["values"][0]["card_spend.payments_1h"]
        for at in (
            "2018-04-01T09:01:00Z",  # the payment of 9:01 is not before 9:01
            "2018-04-01T09:01:00.000001Z",
            "2018-04-01T12:30:00+02:00",  # the one of 9:30 has just not left the hour
            "2018-04-01T10:00:00.000001Z",
        )
    ]
    assert seen == [0, 1, 2, 3]


def test_without_a_moment_the_lakes_clock_is_asked(lake: Any) -> None:
    body = {"features": ["card_spend.payments_1h"], "entities": [{"card_id": "c1"}]}
    assert ask(lake, body).json() == {
        "at": "2026-01-02T03:04:05Z",
        "values": [{"card_spend.payments_1h": 0}],
    }


@pytest.mark.parametrize(
    ("body", "status", "told"),
    [
        ({"views": ["card_spent"], "entities": []}, 404, "did you mean 'card_spend'?"),
        ({"features": ["card_spend.n"], "entities": []}, 404, "has no stored feature"),
        ({"views": ["at_payment"], "entities": []}, 404, "has no stored view"),
        ({"entities": []}, 422, "must name at least one"),
        ({"views": ["card_spend"]}, 422, "missing required field `entities`"),
        ({"views": ["card_spend"], "entities": [], "when": AT}, 422, "unknown field `when`"),
        ({"views": ["card_spend"], "entities": [], "at": "now"}, 422, "$.at"),
        ({"views": ["card_spend"], "entities": [{}]}, 422, "[0].card_id is missing"),
        ({"views": ["card_spend"], "entities": [{"card_id": 7}]}, 422, "must be a string"),
        ({"views": ["card_spend"], "entities": [{"card_id": "a"}] * 1001}, 413, "1001 rows"),
    ],
)
def test_what_cannot_be_answered_says_why(
    lake: Any, body: dict[str, Any], status: int, told: str
) -> None:
    answer = ask(lake, body)
    assert (answer.status_code, told in answer.json()["error"]["what"]) == (status, True)


def test_a_domain_that_does_not_exist_is_answered_with_those_that_do(lake: Any) -> None:
    with lake.client() as client:
        answer = client.post(
            "/v1/features/shp", json={"entities": []}, headers=lake.bearer("scientist")
        )
    assert answer.status_code == 404
    assert "shop" in answer.json()["error"]["what"]


def test_before_the_first_release_no_feature_is_known(empty_lake: Any) -> None:
    answer = ask(empty_lake, {"views": ["card_spend"], "entities": [{"card_id": "c1"}]})
    assert answer.status_code == 503
    assert "lakehouse run shop" in answer.json()["error"]["next"]


class Visit(Contract):
    shop: str = key()
    till: int
    at: datetime = event_time(known=True)


def visits_by(column: str) -> FeatureView:
    table = Cleaned("visits", Raw("visits_raw", Source("visits", Visit, "visits/*")))
    by = Entity(column, key=column)
    return FeatureView("visits", of=table, by=by, visits=Count(over=last("1d")))


def test_entities_are_read_by_the_view_that_serves_now() -> None:
    readers = Readers()
    by_shop, by_till = visits_by("shop"), visits_by("till")
    assert readers.of((by_shop,)).one(b'{"shop":"a"}') == {"shop": "a"}
    assert readers.of((by_shop,)) is readers.of((by_shop,))
    assert readers.of((by_till,)).one(b'{"till":7}') == {"till": 7}
    assert readers.of((by_shop, by_till)).one(b'{"shop":"a","till":7}') == {"shop": "a", "till": 7}
