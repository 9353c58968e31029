"""The service as a process: asked by the thin client, stopped, and its log taken in again."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from feature_repo.payments_fraud import domain
from lakehouse.client import ApiError, Client
from lakehouse.context import Context
from lakehouse.records import releases
from lakehouse.records.keys import make_key
from lakehouse.records.releases import Release
from lakehouse.sdk.stages import run

PAYMENTS = """payment_id,card_id,terminal_id,amount_eur,paid_at
p1,c1,t1,10.10,2018-04-01T08:00:00Z
p2,c1,t2,20.20,2018-04-01T09:00:00Z
p3,c2,t1,99.00,2018-04-01T09:30:00Z
"""
REPORTS = "payment_id,reported_at\np3,2018-04-08T09:30:00Z\n"
AT = datetime(2018, 4, 1, 10, tzinfo=UTC)
REQUEST: dict[str, Any] = {
    "payment_id": "p4",
    "card_id": "c1",
    "terminal_id": "t1",
    "amount_eur": Decimal("30.30"),
    "paid_at": AT,
}


def release(ctx: Context) -> None:
    """A release whose score is 0.001 of the sum of its inputs, as the registry writes one."""
    (model,) = ctx.domain.models
    inputs = [f.full_name for f in model.learns_from.features]
    weights = numpy_helper.from_array(np.full((len(inputs), 1), 0.001, np.float32), "weights")
    flat = numpy_helper.from_array(np.array([-1], np.int64), "flat")
    graph = helper.make_graph(
        [
            helper.make_node("MatMul", ["inputs", "weights"], ["product"]),
            helper.make_node("Reshape", ["product", "flat"], ["score"]),
        ],
        "sum",
        [helper.make_tensor_value_info("inputs", TensorProto.FLOAT, [None, len(inputs)])],
        [helper.make_tensor_value_info("score", TensorProto.FLOAT, [None])],
        [weights, flat],
    )
    onnx = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9
    ).SerializeToString()
    released = Release(ctx.domain.name, model.name, 1, model, tuple(inputs), onnx)
    releases.write(ctx.home, released)
    releases.point(ctx.home, ctx.domain.name, model.name, 1)


@pytest.fixture
def ctx(make_context: Callable[..., Context]) -> Context:
    """A lake with three payments, a report, an online store and a release."""
    ctx = make_context(domain, "data")
    for folder, text in (("payments", PAYMENTS), ("fraud_reports", REPORTS)):
        place = ctx.home.landing(domain.name) / folder
        place.mkdir(parents=True)
        (place / "2018-04-01.csv").write_text(text)
    run(ctx, ("raw", "cleaned", "curated", "features"))
    release(ctx)
    return ctx


@contextmanager
def service(home: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """The service on a free loopback port; stopped at the end by its process id."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "serving.server", "--home", str(home), "--port", str(port)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        said = process.stdout.readline().decode()
        assert f"http://127.0.0.1:{port}" in said, process.communicate()[1].decode()
        yield f"http://127.0.0.1:{port}", process
    finally:
        if process.poll() is None:
            os.kill(process.pid, signal.SIGTERM)
        process.communicate(timeout=30)


def rows(ctx: Context, table: str) -> list[dict[str, Any]]:
    found = ctx.engine.to_arrow(ctx.read(ctx.domain.table(table))).to_pylist()
    return sorted(found, key=lambda row: str(row))


def test_a_decision_and_an_outcome_go_round_the_circle(ctx: Context) -> None:
    key = make_key(ctx.records, "application", "shop")
    with service(ctx.home.path) as (url, process), Client(url, key, timeout_s=30) as client:
        assert client.health().status == "ok"
        answer = client.predict(domain.name, "fraud", REQUEST, explain=True)
        receipt = client.feedback(domain.name, "fraud", [{"payment_id": "p1"}])
        with pytest.raises(ApiError, match="amount_eur must be at least 0") as caught:
            client.predict(domain.name, "fraud", REQUEST | {"amount_eur": Decimal("-1")})
        late = make_key(ctx.records, "scientist", "notebook")
        time.sleep(1.0)
        with Client(url, late) as notebook:
            seen = notebook.features(domain.name, [{"card_id": "c1"}], views=["card_spend"], at=AT)
            with pytest.raises(ApiError, match="role 'scientist'") as barred:
                notebook.predict(domain.name, "fraud", REQUEST)
    assert process.returncode in (0, -signal.SIGTERM)
    assert (caught.value.status, barred.value.status, receipt.accepted) == (422, 403, 1)
    assert answer.features is not None
    assert answer.features["card_spend__spend_1d"] == "30.30"
    assert answer.asked_for == AT
    assert seen.values[0]["card_spend.payments_1d"] == 2

    run(ctx, ("raw", "cleaned"))
    (decision,) = rows(ctx, "fraud_decisions")
    assert (decision["decision_id"], decision["score"], decision["version"]) == (
        answer.decision_id,
        answer.score,
        1,
    )
    assert json.loads(decision["request"])["amount_eur"] == "30.30"
    assert json.loads(decision["features"]) == dict(answer.features)
    reported = {row["payment_id"]: row["reported_at"] for row in rows(ctx, "fraud_reports")}
    assert reported["p1"] == datetime(2018, 4, 1, 9, 30, tzinfo=UTC)  # the data's clock


def test_what_was_acknowledged_survives_a_kill(ctx: Context) -> None:
    key = make_key(ctx.records, "application", "shop")
    accepted: list[str] = []
    with service(ctx.home.path) as (url, process), Client(url, key, timeout_s=30) as client:
        for n in range(40):
            client.feedback(domain.name, "fraud", {"payment_id": f"k{n}"})
            accepted.append(client.predict(domain.name, "fraud", REQUEST).decision_id)
        os.kill(process.pid, signal.SIGKILL)
        process.wait(timeout=30)
    with service(ctx.home.path) as (url, _), Client(url, key, timeout_s=30) as client:
        client.health()
    run(ctx, ("raw", "cleaned"))
    assert sorted(r["decision_id"] for r in rows(ctx, "fraud_decisions")) == sorted(accepted)
    reported = {row["payment_id"] for row in rows(ctx, "fraud_reports")}
    assert reported == {"p3"} | {f"k{n}" for n in range(40)}


def test_a_port_that_is_taken_is_told_with_what_to_do(ctx: Context) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        said = subprocess.run(
            [sys.executable, "-m", "serving.server", "--home", str(ctx.home.path), "--port", port],
            capture_output=True,
            check=False,
            text=True,
        )
    assert said.returncode != 0
    assert "name another with --port" in said.stderr
