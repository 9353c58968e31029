"""The online store by command, job and SDK: brought up to date, pushed to, put right."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from jobs import materialise as job
from lakehouse import Lake
from lakehouse.errors import LakehouseError, NotFound
from tests.journeys.conftest import environment, lakehouse

ROW = {
    "payment_id": "NEW",
    "card_id": "C00017",
    "terminal_id": "T00001",
    "amount_eur": "12.50",
    "paid_at": "2018-05-30T12:00:00Z",
}
AT = "2018-05-30T13:00:00Z"


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environment().items():
        monkeypatch.setenv(name, value)


def payments(home: Path) -> Any:
    key = json.dumps({"card_id": ROW["card_id"]})
    asked = ("features", "get", "payments_fraud", "card_spend", key, "--at", AT, "--online")
    return json.loads(lakehouse(home, "--json", *asked))["payments_1d"]


def test_a_pushed_payment_counts_at_once_and_once(copy: Path) -> None:
    before = payments(copy)
    for _ in range(2):
        said = lakehouse(
            copy, "--json", "features", "push", "payments_fraud", "payments", json.dumps([ROW])
        )
        assert json.loads(said) == {"rows": 1, "views": ["card_spend", "terminal_activity"]}
    assert payments(copy) == before + 1
    lakehouse(copy, "features", "materialise", "payments_fraud", "--full")
    assert payments(copy) == before + 1
    assert Lake(copy).push("payments_fraud", "payments", [ROW]) == [
        "card_spend",
        "terminal_activity",
    ]
    assert payments(copy) == before + 1


def test_wrong_rows_push_nothing(copy: Path) -> None:
    lake, before = Lake(copy), payments(copy)
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"payment_id": "X"}, "has no 'card_id', which is never null; add it"),
        (ROW | {"amount": 1}, "no column 'amount'; did you mean 'amount_eur'"),
        (ROW | {"amount_eur": "12.505"}, "'amount_eur'"),
    ]
    for row, said in wrong:
        with pytest.raises(LakehouseError, match=said):
            lake.push("payments_fraud", "payments", [ROW, row])
    with pytest.raises(NotFound, match="no table 'payment'; did you mean 'payments'"):
        lake.push("payments_fraud", "payment", [ROW])
    assert payments(copy) == before


def test_an_interval_is_read_again(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lake = Lake(copy)
    before = payments(copy)
    done = lake.materialise("payments_fraud", "card_spend")
    assert done["card_spend"].changed is False
    wanted = ["payments_fraud", "--home", str(copy), "--view", "card_spend"]
    assert job.main([*wanted, "--from", "2018-05-29", "--until", "2018-05-30"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["view"], told["changed"]) == ("card_spend", True)
    assert payments(copy) == before
    with pytest.raises(LakehouseError, match="An interval has a beginning and an end"):
        lake.materialise("payments_fraud", since=lake._context("payments_fraud").clock())
    with pytest.raises(LakehouseError, match="computed from the request when it is asked for"):
        lake.materialise("payments_fraud", "at_payment")
