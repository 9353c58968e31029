"""Outcomes sent back: checked by their contract, landed as a delivery."""

from __future__ import annotations

import errno
import os
from typing import Any

import pytest

PATH = "/v1/feedback/shop/fraud"


def send(lake: Any, body: Any, **changes: Any) -> Any:
    with lake.client(**changes) as client:
        return client.post(PATH, json=body, headers=lake.bearer("application"))


def test_an_outcome_is_on_disk_when_it_is_answered(lake: Any) -> None:
    with lake.client(deliver_after_s=60.0) as client:
        answer = client.post(
            PATH,
            json={"payment_id": "p1", "loss_eur": 12.30, "reported_at": "2018-04-08T00:00:00Z"},
            headers=lake.bearer("application"),
        )
        spooled = list((lake.home.landing("shop") / "fraud_reports").glob(".*.part"))
        content = spooled[0].read_bytes()
    assert (answer.status_code, answer.json()) == (202, {"accepted": 1, "source": "fraud_reports"})
    assert content == (
        b'{"payment_id":"p1","loss_eur":"12.30","reported_at":"2018-04-08T00:00:00Z"}\n'
    )


def test_outcomes_without_a_known_time_are_known_by_the_lakes_clock(lake: Any) -> None:
    assert send(lake, [{"payment_id": "p1"}, {"payment_id": "p2"}]).status_code == 202
    assert lake.landed("fraud_reports") == [
        {"payment_id": p, "loss_eur": None, "reported_at": "2026-01-02T03:04:05Z"}
        for p in ("p1", "p2")
    ]


def test_one_bad_row_refuses_all_of_them(lake: Any) -> None:
    answer = send(lake, [{"payment_id": "p1"}, {"payment_id": "p2", "loss_eur": -1}, {}])
    assert answer.status_code == 422
    assert answer.json()["error"]["fields"] == [
        {"field": "loss_eur", "reason": "must be at least 0", "row": 1},
        {"field": "payment_id", "reason": "is missing", "row": 2},
    ]
    assert not (lake.home.landing("shop") / "fraud_reports").exists()


def test_files_have_names_that_the_source_takes_and_nobody_else_uses(lake: Any) -> None:
    for n in range(3):
        send(lake, {"payment_id": f"p{n}"})
    names = sorted(p.name for p in (lake.home.landing("shop") / "fraud_reports").iterdir())
    assert len(names) == 3
    assert all(n.startswith("feedback-20260102T030405.") and n.endswith(".jsonl") for n in names)


def test_what_the_disk_does_not_confirm_is_not_accepted(
    lake: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(descriptor: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with lake.client() as client:
        monkeypatch.setattr(os, "fdatasync", broken)
        answer = client.post(PATH, json={"payment_id": "p1"}, headers=lake.bearer("application"))
        monkeypatch.undo()
        again = client.post(PATH, json={"payment_id": "p1"}, headers=lake.bearer("application"))
    assert (answer.status_code, again.status_code) == (503, 202)


def test_what_a_killed_service_left_is_delivered_at_the_next_start(lake: Any) -> None:
    folder = lake.home.landing("shop") / "fraud_reports"
    folder.mkdir(parents=True)
    (folder / ".feedback-20180401T000000.000000Z-1-1.jsonl.part").write_bytes(
        b'{"payment_id":"p1"}\n{"payment_id":"p'
    )
    with lake.client():
        pass
    assert lake.landed("fraud_reports") == [{"payment_id": "p1"}]


def test_a_model_without_outcomes_says_how_to_take_them(lake: Any, models: Any) -> None:
    from dataclasses import fields

    from lakehouse.declare.training import Model

    bare = object.__new__(Model)
    for f in fields(Model):
        object.__setattr__(bare, f.name, getattr(models["fraud"], f.name))
    object.__setattr__(bare, "outcomes", None)
    lake.release(2, model=bare)
    answer = send(lake, {"payment_id": "p1"})
    assert answer.status_code == 409
    assert "outcomes=" in answer.json()["error"]["next"]
