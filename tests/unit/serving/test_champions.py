"""Releases: verified, swapped whole, and never replaced by a broken one."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from typing import Any

import pytest
from starlette.testclient import TestClient

from lakehouse.records.home import Home

PATH = "/v1/predict/shop/fraud"
FIVE = ("amount", "a_piece", "payments_1d", "mean_1d", "left")


def wait_until(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.01)


def health(client: TestClient) -> dict[str, Any]:
    told: dict[str, Any] = client.get("/health").json()
    return told


def serving(client: TestClient) -> tuple[str, int | None]:
    (model,) = health(client)["models"]
    return model["state"], model["version"]


def test_a_new_champion_serves_without_a_restart(
    lake: Any, models: Any, request_row: dict[str, Any]
) -> None:
    with lake.client() as client:
        assert serving(client) == ("serving", 1)
        lake.release(2, onnx=models["logistic"]([0.0] * 6, 0.0))
        wait_until(lambda: serving(client) == ("serving", 2))
        answer = client.post(PATH, json=request_row, headers=lake.bearer("application")).json()
        lake.point(1)
        wait_until(lambda: serving(client) == ("serving", 1))
    assert (answer["version"], answer["score"]) == (2, 0.5)


def test_the_first_release_of_a_lake_is_found_while_the_service_runs(empty_lake: Any) -> None:
    with empty_lake.client() as client:
        assert health(client) == {"status": "ok", "models": []}
        empty_lake.release(1)
        wait_until(lambda: health(client)["models"] != [])
        wait_until(lambda: serving(client) == ("serving", 1))  # released, and then pointed at


def break_bytes(lake: Any) -> None:
    (lake.release(2, point=False) / "model.onnx").write_bytes(b"altered")
    lake.point(2)


def break_digest(lake: Any) -> None:
    lake.release(2, digests={})


def break_model(lake: Any) -> None:
    lake.release(2, onnx=b"no model at all")


def break_inputs(lake: Any) -> None:
    lake.release(2, inputs=("at_payment__amount", "card_spend__never_declared"))


def break_kind(lake: Any) -> None:
    lake.release(2, inputs=("card_now__holder", *(f"at_payment__{f}" for f in FIVE)))


def break_width(lake: Any) -> None:
    lake.release(2, inputs=("at_payment__amount",))


def break_description(lake: Any) -> None:
    (lake.release(2, point=False) / "release.json").write_text("{")
    lake.point(2)


def break_declaration(lake: Any) -> None:
    lake.release(2, declaration={"nodes": [], "root": 0})


def break_format(lake: Any) -> None:
    lake.release(2, format=99)


def break_identity(lake: Any) -> None:
    lake.release(2, domain="bank")


def break_pointer(lake: Any) -> None:
    (lake.home.releases("shop", "fraud") / "champion.json").write_text("")


def break_version(lake: Any) -> None:
    (lake.home.releases("shop", "fraud") / "champion.json").write_text('{"version": "../../x"}')


def break_folder(lake: Any) -> None:
    lake.point(7)


BREAKS = [
    break_bytes,
    break_digest,
    break_model,
    break_inputs,
    break_kind,
    break_width,
    break_description,
    break_declaration,
    break_format,
    break_identity,
    break_pointer,
    break_version,
    break_folder,
]


@pytest.mark.parametrize("damage", BREAKS, ids=lambda f: f.__name__)
def test_a_broken_release_leaves_the_old_one_serving_and_shows_why(
    lake: Any, request_row: dict[str, Any], damage: Callable[[Any], None]
) -> None:
    with lake.client() as client:
        damage(lake)
        wait_until(lambda: serving(client)[0] != "serving")
        told = health(client)
        answer = client.post(PATH, json=request_row, headers=lake.bearer("application"))
        assert serving(client) == ("serving_older", 1)
    assert (told["status"], answer.json()["version"]) == ("degraded", 1)
    assert told["models"][0]["problem"]
    assert str(lake.home.path) not in json.dumps(told)


def test_a_broken_release_with_none_before_it_serves_nothing_until_it_is_mended(
    empty_lake: Any, request_row: dict[str, Any]
) -> None:
    folder = empty_lake.release(1)
    good = (folder / "model.onnx").read_bytes()
    (folder / "model.onnx").write_bytes(b"altered")
    with empty_lake.client() as client:
        answer = client.post(PATH, json=request_row, headers=empty_lake.bearer("application"))
        assert serving(client) == ("broken", None)
        (folder / "model.onnx").write_bytes(good)
        wait_until(lambda: serving(client) == ("serving", 1))
    assert answer.status_code == 503
    assert "is not the file that was released" in answer.json()["error"]["what"]


def test_a_pointer_taken_away_ends_serving(lake: Any, request_row: dict[str, Any]) -> None:
    with lake.client() as client:
        (lake.home.releases("shop", "fraud") / "champion.json").unlink()
        wait_until(lambda: serving(client) == ("no_release", None))
        answer = client.post(PATH, json=request_row, headers=lake.bearer("application"))
    assert answer.status_code == 503


def test_only_the_domains_named_are_served(lake: Any) -> None:
    other = lake.home.path / "releases" / "bank"
    shutil.copytree(lake.home.path / "releases" / "shop", other)
    with lake.client(domains=("shop",)) as client:
        names = {m["domain"] for m in health(client)["models"]}
    assert names == {"shop"}


def test_a_lake_that_is_reset_is_no_longer_served(lake: Any, request_row: dict[str, Any]) -> None:
    with lake.client() as client:
        for name in ("releases", "online"):
            shutil.rmtree(lake.home.path / name)
        wait_until(lambda: health(client)["models"] == [])
        answer = client.post(PATH, json=request_row, headers=lake.bearer("application"))
    assert answer.status_code == 404


def test_models_tell_the_facts_of_the_release(lake: Any) -> None:
    with lake.client() as client:
        listed = client.get("/v1/models", headers=lake.bearer("scientist")).json()
        facts = client.get("/v1/models/shop/fraud", headers=lake.bearer("scientist")).json()
    (row,) = listed["models"]
    assert (row["domain"], row["model"], row["version"], row["state"]) == (
        "shop",
        "fraud",
        1,
        "serving",
    )
    assert facts["inputs"][0] == "at_payment__amount"
    assert facts["metrics"] == {"roc_auc": 0.9}
    assert facts["decisions"] == ["block", "review", "accept"]
    assert facts["digest"] == row["digest"]
    assert "declaration" not in facts


def test_a_lake_with_data_time_asks_and_stamps_by_its_data(
    lake: Any, request_row: dict[str, Any]
) -> None:
    marker = lake.home.path / "lake.json"
    marker.write_text(marker.read_text().replace("wall", "data"))
    assert Home.open(lake.home.path).clock == "data"
    features = {"features": ["card_spend.payments_1h"], "entities": [{"card_id": "c1"}]}
    with lake.client() as client:
        early = client.post("/v1/features/shop", json=features, headers=lake.bearer("scientist"))
        lake.records.tick("shop", 1522576800000000)  # 2018-04-01T10:00:00Z
        time.sleep(0.05)
        later = client.post("/v1/features/shop", json=features, headers=lake.bearer("scientist"))
        client.post(PATH, json=request_row, headers=lake.bearer("application"))
        client.post(
            "/v1/feedback/shop/fraud", json={"payment_id": "p"}, headers=lake.bearer("application")
        )
    assert (early.status_code, "lakehouse run shop" in early.text) == (503, True)
    assert later.json() == {
        "at": "2018-04-01T10:00:00Z",
        "values": [{"card_spend.payments_1h": 2}],
    }
    assert lake.landed("decisions/fraud")[0]["decided_at"] == "2018-04-01T10:00:00Z"
    assert lake.landed("fraud_reports")[0]["reported_at"] == "2018-04-01T10:00:00Z"
