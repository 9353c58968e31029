"""The service reads the online store of a Redis server, and lives through its absence."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lakehouse.context import Context
from lakehouse.engines.protocol import Engine
from lakehouse.features.online.stores.opening import open_store
from lakehouse.features.online.write.materialise import materialise
from lakehouse.records.online import OnlineSettings
from lakehouse.records.store import CodeVersion
from serving import online
from tests.redis_server import free_port, redis_server
from tests.unit.serving.conftest import card_now, card_spend, shop

PATH = "/v1/features/shop"
BODY = {"views": ["card_spend"], "entities": [{"card_id": "c1"}], "at": "2018-04-01T10:00:00Z"}


def materialised(lake: Any, engine: Engine, url: str) -> None:
    ctx = Context(lake.home, lake.records, engine, shop, CodeVersion("test"), online=settings(url))
    for view in (card_spend, card_now):
        materialise(ctx, view, full=True)


def settings(url: str) -> OnlineSettings:
    return OnlineSettings(url, keep_us=None)


def test_what_a_server_holds_is_served_and_nothing_else(
    lake: Any, engine: Engine, redis_url: str, request_row: dict[str, Any]
) -> None:
    asked = ("/v1/predict/shop/fraud", request_row, lake.bearer("application"))
    with lake.client() as client:
        of_the_file = client.post(asked[0], json=asked[1], headers=asked[2]).json()
    lake.home.online("shop").unlink()
    with lake.client(online=settings(redis_url)) as client:
        answer = client.post(PATH, json=BODY, headers=lake.bearer("scientist"))
        assert answer.status_code == 503
        assert "There is no online store" in answer.json()["error"]["what"]
        materialised(lake, engine, redis_url)
        answer = client.post(PATH, json=BODY, headers=lake.bearer("scientist"))
        assert answer.json()["values"][0]["card_spend.payments_1d"] == 3
        same = client.post(asked[0], json=asked[1], headers=asked[2]).json()
    assert not lake.home.online("shop").exists()
    for answer in (same, of_the_file):
        del answer["decision_id"]
    assert same == of_the_file


def test_versions_are_those_that_the_server_holds(
    lake: Any, engine: Engine, redis_url: str
) -> None:
    materialised(lake, engine, redis_url)
    store = open_store(lake.home, "shop", settings(redis_url))
    held = store.stored("card_spend")
    assert held is not None
    with lake.client(online=settings(redis_url)) as client:
        client.post(PATH, json=BODY, headers=lake.bearer("scientist"))
        store.advance(replace(held, version=7))
        until = time.monotonic() + 10
        while client.app.state.service.online.held("shop")["card_spend"] == 0:
            assert time.monotonic() < until
            time.sleep(0.01)
    store.close()


def test_a_server_that_is_away_is_said_so_and_asked_again_later(
    lake: Any, engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(online, "AWAY_S", 0.05)
    port = free_port()
    (tmp_path / "redis").mkdir()
    user = ("--user", "me", "on", ">secret", "~*", "&*", "+@all")

    def ask() -> Any:
        return client.post(PATH, json=BODY, headers=lake.bearer("scientist"))

    with lake.client(online=settings(f"redis://me:secret@127.0.0.1:{port}/0")) as client:
        for _ in range(2):  # the second is not even tried
            answer = ask()
            assert answer.status_code == 503
            assert "cannot be reached (connection refused)" in answer.json()["error"]["what"]
            assert answer.json()["error"]["next"] == "Ask again once its server answers."
            assert "secret" not in answer.text
        for _ in range(2):
            with redis_server(tmp_path / "redis", *user, port=port) as url:
                materialised(lake, engine, url)
                until = time.monotonic() + 10
                while ask().status_code != 200:
                    assert time.monotonic() < until
                    time.sleep(0.02)
            assert ask().status_code == 503
            assert client.get("/health").status_code == 200
