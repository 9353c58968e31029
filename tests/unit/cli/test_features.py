from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from lakehouse.cli.app import app
from lakehouse.declare import (
    Count,
    Domain,
    FeatureView,
    LatestView,
    RequestView,
    last,
)
from lakehouse.sdk import composition
from lakehouse.testing.conformance.world import card, customers, movements

OWNED = FeatureView(
    "owned",
    of=movements,
    by=card,
    owner="cards@bank.example",
    fresh_within="5min",
    description="How often a card is used.",
    n=Count(over=last("1d")),
)
PLAIN = LatestView("plain", of=customers, by=card, columns=("segment",))
DERIVED = RequestView("derived", uses=(OWNED,), often="owned.n_1d > 3")
CARDS = Domain("cards", description="", owner="bank@bank.example", views=(OWNED, PLAIN, DERIVED))


def test_views_are_listed_with_their_owner_and_how_fresh_they_should_be(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(composition, "load_domain", lambda _: CARDS)
    done = CliRunner().invoke(app, ["--json", "features", "list", "cards"], catch_exceptions=False)
    listed = json.loads(done.stdout)
    assert [("owned", "5min"), ("plain", None), ("derived", None)] == [
        (view["view"], view["fresh_within"]) for view in listed
    ]
    assert ["cards@bank.example", "bank@bank.example", "bank@bank.example"] == [
        view["owner"] for view in listed
    ]
    assert [["n_1d"], ["segment"], ["often"]] == [view["features"] for view in listed]
    people = CliRunner().invoke(app, ["features", "list", "cards"], catch_exceptions=False)
    assert "How often a card is used." in " ".join(people.stdout.split())
