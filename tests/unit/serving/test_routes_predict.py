"""Decisions: features at the request's moment, score, rules, and a line in the log."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import Any

import pytest

PATH = "/v1/predict/shop/fraud"
Row = dict[str, Any]


def test_the_answer_is_the_score_of_the_features_at_the_moment_of_the_request(
    lake: Any, models: Row, request_row: Row
) -> None:
    with lake.client() as client:
        answer = client.post(
            PATH, params={"explain": "true"}, json=request_row, headers=lake.bearer("application")
        ).json()
    features = {
        "card_spend__payments_1h": 2,
        "card_spend__payments_1d": 3,
        "card_spend__spend_1d": "30.60",
        "card_now__holder": "Ada",
        "card_now__limit_eur": "500.00",
        "at_payment__amount": 30.3,
        "at_payment__a_piece": 15.15,
        "at_payment__payments_1d": 4,
        "at_payment__mean_1d": 15.225,
        "at_payment__left": 469.7,
        "at_payment__night": False,
    }
    assert answer["features"] == features
    expected = models["score"]([30.3, 15.15, 4, 15.225, 469.7, 0])
    assert answer["score"] == pytest.approx(expected, abs=1e-6)
    assert (answer["decision"], answer["model"], answer["version"]) == ("review", "fraud", 1)
    assert answer["asked_for"] == "2018-04-01T10:00:00Z"


def test_a_card_nobody_knows_has_empty_windows_and_no_latest_values(
    lake: Any, models: Row, request_row: Row
) -> None:
    with lake.client() as client:
        answer = client.post(
            PATH,
            params={"explain": "1"},
            json=request_row | {"card_id": "c99"},
            headers=lake.bearer("application"),
        ).json()
    found = {k: v for k, v in answer["features"].items() if not k.startswith("at_payment")}
    assert found == {
        "card_spend__payments_1h": 0,
        "card_spend__payments_1d": 0,
        "card_spend__spend_1d": "0.00",
        "card_now__holder": None,
        "card_now__limit_eur": None,
    }
    assert answer["features"]["at_payment__left"] is None
    assert answer["score"] == pytest.approx(
        models["score"]([30.3, 15.15, 1, 30.3, None, 0]), abs=1e-6
    )
    assert answer["decision"] == "accept"


def test_rules_are_tried_in_order_and_see_score_request_and_stored_features(
    lake: Any, request_row: Row
) -> None:
    with lake.client() as client:
        decisions = [
            client.post(PATH, json=request_row | change, headers=lake.bearer("application")).json()[
                "decision"
            ]
            for change in (
                {"amount_eur": 600, "card_id": "c2"},  # score over 0.9
                {"amount_eur": 1001, "items": 1, "card_id": "c2"},
                {"amount_eur": 30, "card_id": "c2"},
                {"amount_eur": 30},  # two payments within the hour
            )
        ]
    assert decisions == ["block", "block", "accept", "review"]


def test_features_are_not_sent_unless_they_are_asked_for(lake: Any, request_row: Row) -> None:
    with lake.client() as client:
        answer = client.post(PATH, json=request_row, headers=lake.bearer("application")).json()
    assert set(answer) == {"decision_id", "score", "decision", "model", "version", "asked_for"}


def test_each_decision_lands_as_a_row_of_the_decision_contract(lake: Any, request_row: Row) -> None:
    with lake.client() as client:
        answers = [
            client.post(PATH, json=request_row, headers=lake.bearer("application")).json()
            for _ in range(3)
        ]
    rows = lake.landed("decisions/fraud")
    assert [r["decision_id"] for r in rows] == [a["decision_id"] for a in answers]
    assert len({r["decision_id"] for r in rows}) == 3
    row, answer = rows[0], answers[0]
    assert {k: row[k] for k in ("score", "decision", "model", "version", "asked_for")} == {
        k: answer[k] for k in ("score", "decision", "model", "version", "asked_for")
    }
    assert row["decided_at"] == "2026-01-02T03:04:05Z"
    assert json.loads(row["request"]) == request_row
    assert json.loads(row["features"])["card_spend__spend_1d"] == "30.60"


def test_decisions_are_delivered_while_the_service_runs(lake: Any, request_row: Row) -> None:
    with lake.client() as client:
        client.post(PATH, json=request_row, headers=lake.bearer("application"))
        threads_wait = datetime.now(UTC)
        while not lake.landed("decisions/fraud"):
            assert (datetime.now(UTC) - threads_wait).total_seconds() < 10
        assert len(lake.landed("decisions/fraud")) == 1


def test_a_decision_that_cannot_be_written_down_is_not_given(lake: Any, request_row: Row) -> None:
    landing = lake.home.landing("shop") / "decisions"
    landing.mkdir(parents=True)
    (landing / "fraud").write_text("a file where the folder should be")
    with lake.client() as client:
        answer = client.post(PATH, json=request_row, headers=lake.bearer("application"))
    assert answer.status_code == 503
    assert "cannot be recorded" in answer.json()["error"]["what"]


def test_a_request_that_breaks_the_contract_names_each_field(lake: Any, request_row: Row) -> None:
    with lake.client() as client:
        answer = client.post(
            PATH,
            json=request_row | {"amount_eur": -1, "country": "Atlantis", "items": None},
            headers=lake.bearer("application"),
        )
    error = answer.json()["error"]
    assert answer.status_code == 422
    assert error["fields"] == [
        {"field": "country", "reason": "must be one of DE, FR"},
        {"field": "amount_eur", "reason": "must be at least 0"},
        {"field": "items", "reason": "must not be null"},
    ]
    assert "Atlantis" not in answer.text
    assert lake.landed("decisions/fraud") == []


def test_a_division_by_zero_is_told_by_feature(lake: Any, request_row: Row) -> None:
    with lake.client() as client:
        answer = client.post(
            PATH, json=request_row | {"items": 0}, headers=lake.bearer("application")
        )
    assert answer.status_code == 422
    assert answer.json()["error"]["what"].startswith("at_payment.a_piece divides by zero")


def test_a_model_that_gives_no_number_gives_no_decision(
    lake: Any, models: Row, request_row: Row
) -> None:
    nan = models["logistic"]([0.0] * 6, 0.0, imputed=float("nan"))
    lake.release(2, onnx=nan)
    with lake.client() as client:
        answer = client.post(
            PATH, json=request_row | {"card_id": "c99"}, headers=lake.bearer("application")
        )
    assert (answer.status_code, lake.landed("decisions/fraud")) == (422, [])


def test_names_that_do_not_exist_are_answered_with_those_that_do(
    lake: Any, request_row: Row
) -> None:
    with lake.client() as client:
        answers = [
            client.post(path, json=request_row, headers=lake.bearer("application"))
            for path in ("/v1/predict/shop/frauds", "/v1/predict/shops/fraud")
        ]
    assert [a.status_code for a in answers] == [404, 404]
    whats = [a.json()["error"]["what"] for a in answers]
    assert "did you mean 'fraud'?" in whats[0]
    assert "did you mean 'shop'?" in whats[1]


def test_without_a_release_the_service_says_what_to_do(empty_lake: Any, request_row: Row) -> None:
    with empty_lake.client() as client:
        answer = client.post(PATH, json=request_row, headers=empty_lake.bearer("application"))
    assert answer.status_code == 503
    assert "lakehouse run shop" in answer.json()["error"]["next"]


def test_without_an_online_store_the_service_says_what_to_do(lake: Any, request_row: Row) -> None:
    for file in lake.home.online("shop").parent.iterdir():
        file.unlink()
    with lake.client() as client:
        answer = client.post(PATH, json=request_row, headers=lake.bearer("application"))
    assert answer.status_code == 503
    assert "lakehouse run shop" in answer.json()["error"]["next"]


def test_a_body_that_is_too_large_is_refused(lake: Any) -> None:
    with lake.client() as client:
        answer = client.post(
            PATH, content=b" " * (256 * 1024 + 1), headers=lake.bearer("application")
        )
    assert answer.status_code == 413


def test_nothing_personal_is_logged_even_when_the_service_fails(
    lake: Any, request_row: Row, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    with lake.client() as client:
        service = client.app.state.service

        def fail(*arguments: Any) -> None:
            raise RuntimeError(f"cannot work on {arguments}")

        monkeypatch.setattr(service.online, "values", fail)
        with caplog.at_level(logging.DEBUG):
            answer = client.post(
                PATH, json=request_row | {"card_id": "4000-1234"}, headers=lake.bearer("operator")
            )
    assert answer.status_code == 500
    assert "RuntimeError" in answer.json()["error"]["what"]
    assert "4000-1234" not in answer.text + caplog.text
    assert "RuntimeError in /v1/predict" in caplog.text
