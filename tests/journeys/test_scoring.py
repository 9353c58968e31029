"""A table scored in a batch: the same on both engines, and what the service would have said."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from lakehouse import Lake
from lakehouse.cli.demo import server
from lakehouse.client import Client
from lakehouse.engines.protocol import Engine
from lakehouse.records.keys import make_key
from lakehouse.registry.scoring import score
from tests.journeys.conftest import environment, lakehouse, versions

TABLE = "curated/payments_fraud/fraud_scores_of_labelled_payments"


def test_both_engines_give_the_same_scores_to_the_bit(
    copy: Path, open_context: Callable[[Path], Any], spark: Engine
) -> None:
    ctx = open_context(copy)
    (model,) = ctx.domain.models
    done = score(replace(ctx, engine=spark), model)
    assert (done.changed, done.version) == (True, 0)
    assert not score(ctx, model).changed  # what one engine wrote is the other's too
    lake = Lake(copy)
    on_spark = lake.table(TABLE).drop_columns("scored_at").sort_by("payment_id")
    embedded = lake.scores("payments_fraud", "fraud").drop_columns("scored_at")
    assert on_spark.equals(embedded.sort_by("payment_id"))
    assert done.rows == on_spark.num_rows == lake.table("payments_fraud.payments").num_rows
    assert set(on_spark["decision"].to_pylist()) == {"accept", "review", "block"}


def test_the_service_would_have_decided_so(copy: Path) -> None:
    lake = Lake(copy)
    scores = lake.scores("payments_fraud", "fraud").sort_by("payment_id")
    payments = lake.table("payments_fraud.payments", columns=_request(lake)).sort_by("payment_id")
    step = scores.num_rows // 60
    expected = _every(scores, step).select(["payment_id", "score", "decision"]).to_pylist()
    answered = []
    key = make_key(lake.records, "application", "comparison")
    with server(copy) as url, Client(url, key) as client:
        for row in _every(payments, step).to_pylist():
            told = client.predict("payments_fraud", "fraud", row)
            answered.append(
                {
                    "payment_id": row["payment_id"],
                    "score": told.score,
                    "decision": told.decision,
                }
            )
    assert answered == expected
    assert len({row["decision"] for row in answered}) == 3


def _request(lake: Lake) -> list[str]:
    model = lake.domain("payments_fraud").model("fraud")
    return [column.name for column in model.learns_from.request.columns]


def _every(rows: pa.Table, step: int) -> pa.Table:
    return rows.take(list(range(0, rows.num_rows, step)))


def test_the_command_and_the_job_do_only_what_is_new(copy: Path) -> None:
    told = json.loads(lakehouse(copy, "--json", "score", "payments_fraud"))
    assert (told["rows"], told["changed"]) == (10_434, True)
    before = versions(copy)
    assert "Nothing new" in lakehouse(copy, "score", "payments_fraud", "--since", "2018-05-20")
    script = (
        "import sys; from jobs.score import main; main(sys.argv[1:]); "
        "print([m for m in ('mlflow', 'pyspark', 'xgboost') if m in sys.modules])"
    )
    job = [sys.executable, "-c", script, "payments_fraud", "--home", str(copy)]
    done = subprocess.run(job, env=environment(), capture_output=True, text=True, check=True)
    line, loaded = done.stdout.splitlines()
    assert json.loads(line) == told | {"changed": False}
    assert loaded == "[]"
    assert versions(copy) == before
