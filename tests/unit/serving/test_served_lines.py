"""Features served are logged, with their moment and what they were read from."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from itertools import cycle
from typing import Any

import pytest

from lakehouse.declare.logs import ServedFeatures
from lakehouse.features.online.stores.sqlite.store import SqliteStore
from serving.settings import Settings
from serving.values import exact

PATH = "/v1/features/shop"
AT = "2018-04-01T10:00:00Z"
FOLDER = "served_features"


def ask(lake: Any, body: dict[str, Any], **changes: Any) -> Any:
    with lake.client(**changes) as client:
        answer = client.post(PATH, json=body, headers=lake.bearer("scientist"))
    assert answer.status_code == 200
    return answer.json()


def test_each_view_of_each_entity_lands_as_a_row_of_the_contract(lake: Any) -> None:
    entities = [{"card_id": "c1"}, {"card_id": "nobody"}]
    ask(lake, {"views": ["card_spend", "card_now"], "entities": entities, "at": AT})
    rows = lake.landed(FOLDER)
    assert [(r["view"], json.loads(r["entity"]), json.loads(r["features"])) for r in rows] == [
        (view, entity, values)
        for entity, spend, now in (
            (entities[0], (2, 3, "30.60"), ("Ada", "500.00")),
            (entities[1], (0, 0, "0.00"), (None, None)),
        )
        for view, values in (
            (
                "card_spend",
                dict(
                    zip(
                        (f"card_spend__{n}" for n in ("payments_1h", "payments_1d", "spend_1d")),
                        spend,
                        strict=True,
                    )
                ),
            ),
            (
                "card_now",
                dict(zip(("card_now__holder", "card_now__limit_eur"), now, strict=True)),
            ),
        )
    ]
    assert {
        (r["asked_for"], r["served_at"], r["model"], r["version"], r["table_version"]) for r in rows
    } == {(AT, "2026-01-02T03:04:05Z", "fraud", 1, 0)}
    assert len({r["served_id"] for r in rows}) == 4
    assert set(rows[0]) == {c.name for c in ServedFeatures.spec.columns}


def test_only_what_was_answered_is_logged(lake: Any) -> None:
    ask(lake, {"features": ["card_spend.spend_1d"], "entities": [{"card_id": "c1"}], "at": AT})
    (row,) = lake.landed(FOLDER)
    assert json.loads(row["features"]) == {"card_spend__spend_1d": "30.60"}


def test_a_share_of_the_entities_is_logged_with_all_their_views(lake: Any) -> None:
    body = {
        "views": ["card_spend", "card_now"],
        "entities": [{"card_id": f"c{n}"} for n in range(9)],
        "at": AT,
    }
    drawn = cycle([0.5, 0.39, 0.4])
    answer = ask(lake, body, log_features=0.4, chance=lambda: next(drawn))
    assert len(answer["values"]) == 9
    assert [(json.loads(r["entity"])["card_id"], r["view"]) for r in lake.landed(FOLDER)] == [
        (card, view) for card in ("c1", "c4", "c7") for view in ("card_spend", "card_now")
    ]


def test_nothing_is_logged_where_no_share_is_wanted(lake: Any) -> None:
    body = {"views": ["card_spend"], "entities": [{"card_id": "c1"}], "at": AT}
    ask(lake, body, log_features=0.0)
    assert lake.landed(FOLDER) == []


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_a_share_that_is_none_is_refused(lake: Any, share: float) -> None:
    with pytest.raises(Exception, match="is no share"):
        Settings(lake.home.path, log_features=share)


def test_a_log_that_cannot_be_written_keeps_nobody_from_features_and_shows(lake: Any) -> None:
    body = {"views": ["card_spend"], "entities": [{"card_id": "c1"}], "at": AT}
    landing = lake.home.landing("shop")
    landing.mkdir(parents=True, exist_ok=True)
    (landing / FOLDER).write_text("a file where the folder should be")
    with lake.client() as client:
        answer = client.post(PATH, json=body, headers=lake.bearer("scientist"))
        health = client.get("/health").json()
        (landing / FOLDER).unlink()
        client.post(PATH, json=body, headers=lake.bearer("scientist"))
        later = client.get("/health").json()
    assert answer.status_code == 200
    assert (health["status"], FOLDER in health["log"]) == ("degraded", True)
    assert later["status"] == "ok"
    assert len(lake.landed(FOLDER)) == 1


def test_a_decision_names_the_versions_that_its_features_were_read_from(
    lake: Any, request_row: dict[str, Any]
) -> None:
    with lake.client() as client:
        client.post("/v1/predict/shop/fraud", json=request_row, headers=lake.bearer("application"))
    (decision,) = lake.landed("decisions/fraud")
    assert json.loads(decision["table_versions"]) == {"card_spend": 0, "card_now": 0}


def test_what_is_materialised_while_the_service_runs_is_logged_by_its_version(lake: Any) -> None:
    body = {"views": ["card_spend"], "entities": [{"card_id": "c1"}], "at": AT}
    store = SqliteStore(lake.home.online("shop"))
    held = store.stored("card_spend")
    assert held is not None
    with lake.client() as client:
        client.post(PATH, json=body, headers=lake.bearer("scientist"))
        store.advance(replace(held, version=7))
        until = time.monotonic() + 10
        while client.app.state.service.online.held("shop")["card_spend"] == 0:
            assert time.monotonic() < until
            time.sleep(0.01)
        client.post(PATH, json=body, headers=lake.bearer("scientist"))
    store.close()
    assert [r["table_version"] for r in lake.landed(FOLDER)] == [0, 7]


def test_a_value_is_logged_so_that_it_can_be_told_from_every_other() -> None:
    noon = datetime(2018, 4, 1, 12, tzinfo=UTC)
    values = (Decimal("1.50"), float("inf"), float("nan"), 1.5, None, noon, ["a", Decimal("2.0")])
    assert [exact(v) for v in values] == ["1.50", "inf", "nan", 1.5, None, noon, ["a", "2.0"]]
