"""An outcome sent to the service is a label once it is ripe."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from lakehouse.cli.demo import server
from lakehouse.client import Client
from lakehouse.records.keys import make_key
from lakehouse.sdk import stages
from lakehouse.training.training_set import Built, build


def test_outcome_sent_to_the_service_is_in_the_training_set_once_ripe(
    copy: Path, open_context: Callable[[Path], Any]
) -> None:
    ctx = open_context(copy)
    training_set = ctx.domain.training_set("fraud_training")
    labelled = ctx.engine.to_arrow(ctx.read(training_set.table)).to_pylist()
    latest = max(row["paid_at"] for row in labelled)
    # A payment of the last week that nobody has reported, whose label is not ripe yet.
    payment = next(
        row
        for row in labelled
        if not row["is_fraud"] and row["paid_at"] > latest - timedelta(days=5)
    )
    reported_at = payment["paid_at"] + timedelta(days=6)
    key = make_key(ctx.records, "application", "test")
    with server(copy) as url, Client(url, key) as client:
        receipt = client.feedback(
            "payments_fraud",
            "fraud",
            {"payment_id": payment["payment_id"], "reported_at": reported_at},
        )
    assert receipt.accepted == 1
    stages.run(ctx, ("raw", "cleaned", "curated"))

    unripe = build(ctx, training_set, payment["paid_at"] + timedelta(days=6, hours=23))
    assert _label(unripe, payment) is None
    ripe = build(ctx, training_set, payment["paid_at"] + timedelta(days=7, seconds=1))
    assert _label(ripe, payment) is True


def _label(built: Built, payment: dict[str, Any]) -> bool | None:
    rows = built.frame.select(["payment_id", "is_fraud"]).to_pylist()
    return next((r["is_fraud"] for r in rows if r["payment_id"] == payment["payment_id"]), None)
