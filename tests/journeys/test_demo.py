"""The circle turns: one command from deliveries to a served decision and back."""

from __future__ import annotations

import json
from pathlib import Path

from tests.journeys.conftest import SMALL, lakehouse, versions


def test_demo_goes_once_around_the_circle(demo: tuple[Path, str]) -> None:
    home, printed = demo
    tables = versions(home)
    assert {
        "raw/payments_fraud/payments_raw",
        "cleaned/payments_fraud/payments",
        "curated/payments_fraud/labelled_payments",
        "training/payments_fraud/fraud_training",
        "cleaned/payments_fraud/fraud_decisions",
    } <= set(tables)
    assert json.loads((home / "releases/payments_fraud/fraud/champion.json").read_text()) == {
        "version": 1
    }
    for word in ("decision", "average_precision", "A request over HTTP", "operator"):
        assert word in printed


def test_served_decision_is_a_cleaned_row(demo: tuple[Path, str]) -> None:
    from lakehouse import Lake

    decisions = Lake(demo[0]).table("payments_fraud.fraud_decisions").to_pylist()
    assert {(d["model"], d["version"]) for d in decisions} == {("fraud", 1)}
    assert all("at_payment__amount" in json.loads(d["features"]) for d in decisions)


def test_second_demo_commits_only_what_is_new_and_says_so(copy: Path) -> None:
    before = versions(copy)
    printed = lakehouse(copy, "demo", "--options", json.dumps(SMALL))
    after = versions(copy)
    moved = {table for table in after if after[table] != before.get(table)}
    assert moved == {
        "raw/payments_fraud/fraud_decisions_raw",
        "cleaned/payments_fraud/fraud_decisions",
    }
    assert "Nothing new: no commit was needed." in printed
    assert "unchanged" in printed


def test_run_with_nothing_new_commits_nothing(copy: Path) -> None:
    before = versions(copy)
    steps = json.loads(lakehouse(copy, "--json", "run", "payments_fraud"))
    assert versions(copy) == before
    assert [step["target"] for step in steps if step["changed"]] == []
