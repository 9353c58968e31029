"""A small lake with a release and an online store, made by hand, and clients of its service."""

from __future__ import annotations

import json
import shutil
import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from deltalake import write_deltalake
from fastapi import FastAPI
from onnx import TensorProto, helper, numpy_helper

from lakehouse import declare as use
from lakehouse.context import Context
from lakehouse.engines.arrow_types import arrow_type
from lakehouse.engines.protocol import Engine
from lakehouse.features.online.write.materialise import materialise
from lakehouse.records import releases
from lakehouse.records.home import Home
from lakehouse.records.keys import ROLES, make_key
from lakehouse.records.releases import Release
from lakehouse.records.store import CodeVersion, Records
from serving.app import create_app
from serving.settings import Settings

with warnings.catch_warnings():  # it would rather have httpx2, and works the same with httpx
    warnings.simplefilter("ignore", UserWarning)
    from starlette.testclient import TestClient

T = datetime(2018, 4, 1, 10, tzinfo=UTC)
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


class Payment(use.Contract):
    """One card payment."""

    payment_id: str = use.key()
    card_id: str = use.column(personal=True, description="the customer's card")
    country: str | None = use.column(isin=["DE", "FR"])
    amount_eur: Decimal = use.column(ge=0, le=50_000, scale=2)
    items: int
    paid_at: datetime = use.event_time(known=True, zone="Europe/Berlin")


class Labelled(Payment):
    is_fraud: bool


class Card(use.Contract):
    card_id: str = use.key(personal=True)
    holder: str = use.column(personal=True)
    limit_eur: Decimal | None = use.column(scale=2)
    changed_at: datetime = use.event_time(known=True)


class FraudReport(use.Contract):
    """A payment that its card holder reported as fraud."""

    payment_id: str = use.key()
    loss_eur: Decimal | None = use.column(ge=0, scale=2)
    reported_at: datetime = use.known_at()


payments = use.Cleaned("payments", use.Raw("raws", use.Source("payments", Labelled, "payments/*")))
cards = use.Cleaned("cards", use.Raw("cards_raw", use.Source("cards", Card, "cards/*")))
reports = use.Source("fraud_reports", FraudReport, path="fraud_reports/*")
fraud_reports = use.Cleaned("fraud_reports", use.Raw("fraud_reports_raw", reports))
card = use.Entity("card", key="card_id")
card_spend = use.FeatureView(
    "card_spend",
    of=payments,
    by=card,
    payments=use.Count(over=use.last("1h", "1d")),
    spend=use.Sum("amount_eur", over=use.last("1d")),
)
card_now = use.LatestView("card_now", of=cards, by=card, columns=["holder", "limit_eur"])
at_payment = use.RequestView(
    "at_payment",
    request=Payment,
    uses=(card_spend, card_now),
    amount="float(amount_eur)",
    a_piece="amount_eur / items",
    payments_1d="card_spend.payments_1d + 1",
    mean_1d="(card_spend.spend_1d + amount_eur) / (card_spend.payments_1d + 1)",
    left="card_now.limit_eur - amount_eur",
    night="hour(paid_at) <= 6",
)


def fit(X: Any, y: Any) -> Any:
    """The service never fits."""


fraud = use.Model(
    "fraud",
    learns_from=use.TrainingSet(
        "fraud_training",
        label=payments["is_fraud"],
        request=Payment,
        features=(at_payment,),
        train_last="28d",
        test_last="7d",
    ),
    fit=fit,
    gate=use.Gate(),
    rules=(
        use.Rule("block", when="score >= 0.9"),
        use.Rule("review", when="card_spend.payments_1h >= 2 or amount_eur > 1000"),
    ),
    otherwise="accept",
    outcomes=reports,
    description="Probability of fraud.",
)
shop = use.Domain("shop", description="Payments.", tables=(fraud_reports,), models=(fraud,))
INPUTS = tuple(f.full_name for f in fraud.learns_from.features)


def logistic(weights: list[float], bias: float, imputed: float = 0.0) -> bytes:
    """A logistic model as it is released: inputs [n, k] to score [n]; NaN counts as `imputed`."""
    k = len(weights)
    nodes = [
        helper.make_node("IsNaN", ["inputs"], ["missing"]),
        helper.make_node("Where", ["missing", "imputed", "inputs"], ["filled"]),
        helper.make_node("MatMul", ["filled", "weights"], ["product"]),
        helper.make_node("Add", ["product", "bias"], ["sum"]),
        helper.make_node("Sigmoid", ["sum"], ["probability"]),
        helper.make_node("Reshape", ["probability", "flat"], ["score"]),
    ]
    constants: dict[str, Any] = {
        "imputed": np.array(imputed, np.float32),
        "weights": np.array(weights, np.float32).reshape(k, 1),
        "bias": np.array([bias], np.float32),
        "flat": np.array([-1], np.int64),
    }
    graph = helper.make_graph(
        nodes,
        "logistic",
        [helper.make_tensor_value_info("inputs", TensorProto.FLOAT, [None, k])],
        [helper.make_tensor_value_info("score", TensorProto.FLOAT, [None])],
        [numpy_helper.from_array(v, name) for name, v in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    return bytes(model.SerializeToString())


WEIGHTS = [0.01, 0.0, 0.5, 0.002, -0.001, 1.0]
ONNX = logistic(WEIGHTS, -3.0)


Keys = dict[str, str]


@dataclass(frozen=True)
class Lake:
    """A lake, its keys by role, and ways to change and to ask it."""

    home: Home
    records: Records
    settings: Settings
    keys: Keys

    def bearer(self, role: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.keys[role]}"}

    def app(self, chance: Callable[[], float] = lambda: 0.0, **changes: Any) -> FastAPI:
        return create_app(replace(self.settings, **changes), now=lambda: NOW, chance=chance)

    def client(self, **changes: Any) -> AbstractContextManager[TestClient]:
        return TestClient(self.app(**changes))

    def release(
        self,
        version: int,
        model: use.Model = fraud,
        onnx: bytes = ONNX,
        inputs: tuple[str, ...] = INPUTS,
        point: bool = True,
        **changes: Any,
    ) -> Path:
        """Write a release as the registry does, and move the pointer to it.

        `changes` are made to its description afterwards, as no registry makes them.
        """
        facts = {
            "created_at": "2018-04-02T00:00:00.000000Z",
            "training_set_digest": "ab" * 32,
            "pins": {"cleaned/shop/payments": 0},
            "metrics": {"roc_auc": 0.9},
        }
        releases.write(self.home, Release("shop", model.name, version, model, inputs, onnx, facts))
        folder = self.home.releases("shop", model.name) / str(version)
        if changes:
            document = json.loads((folder / "release.json").read_text()) | changes
            (folder / "release.json").write_text(json.dumps(document))
        if point:
            self.point(version, model.name)
        return folder

    def point(self, version: int, model: str = "fraud") -> None:
        releases.point(self.home, "shop", model, version)

    def landed(self, folder: str) -> list[dict[str, Any]]:
        """The rows of the files delivered to a landing folder."""
        files = sorted((self.home.landing("shop") / folder).glob("[!.]*"))
        return [json.loads(line) for file in files for line in file.read_text().splitlines()]


def payment_row(n: int, minutes: float, amount: str, card_id: str = "c1") -> dict[str, Any]:
    """A payment some minutes before T."""
    us = int(T.timestamp() * 1e6) - int(minutes * 60_000_000)
    return {
        "payment_id": f"p{n}",
        "card_id": card_id,
        "country": None,
        "amount_eur": Decimal(amount),
        "items": 1,
        "paid_at": us,
        "is_fraud": False,
        "_known_at": us,
    }


PAST = [
    payment_row(1, 30, "10.10"),
    payment_row(2, 59, "20.20"),
    payment_row(3, 600, "0.30"),
    payment_row(4, 0, "99.00"),  # exactly at T: not before it
    payment_row(5, 5, "77.00", "c2"),
]


def write(ctx: Context, table: use.Cleaned, rows: list[dict[str, Any]]) -> None:
    """Write a cleaned table as its stage would."""
    types = {c.name: arrow_type(c.kind, c.scale) for c in table.columns}
    schema = pa.schema({**types, "_known_at": arrow_type("timestamp", None)})
    write_deltalake(ctx.table("cleaned", table.name).address, pa.Table.from_pylist(rows, schema))


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory, engine: Engine) -> tuple[Path, Keys]:
    """A lake with a few payments and one card in its online store, made once; and its keys."""
    home = Home.create(tmp_path_factory.mktemp("prepared") / "lake", "wall")
    records = Records(home.records, lambda: NOW)
    ctx = Context(home, records, engine, shop, CodeVersion("test"))
    at = PAST[2]["paid_at"]
    ada = {"card_id": "c1", "holder": "Ada", "limit_eur": Decimal("500.00")}
    write(ctx, payments, PAST)
    write(ctx, cards, [ada | {"changed_at": at, "_known_at": at}])
    for view in (card_spend, card_now):
        materialise(ctx, view)
    return home.path, {role: make_key(records, role, "test") for role in ROLES}


@pytest.fixture
def empty_lake(prepared: tuple[Path, Keys], tmp_path: Path) -> Lake:
    """A copy of the prepared lake, without a release."""
    original, keys = prepared
    home = Home.open(shutil.copytree(original, tmp_path / "lake"))
    settings = Settings(home.path, look_every_s=0.02, deliver_after_s=0.05)
    return Lake(home, Records(home.records, lambda: NOW), settings, keys)


@pytest.fixture
def lake(empty_lake: Lake) -> Lake:
    """The lake with version 1 of model 'fraud' as champion."""
    empty_lake.release(1)
    return empty_lake


@pytest.fixture
def request_row() -> dict[str, Any]:
    """A request at T."""
    named = {"payment_id": "p9", "card_id": "c1", "country": "DE"}
    return named | {"amount_eur": "30.30", "items": 2, "paid_at": "2018-04-01T10:00:00Z"}


@pytest.fixture
def models() -> dict[str, Any]:
    """The declared model, its score by hand, and ONNX makers, for tests that change releases."""

    def score(values: list[float | None], bias: float = -3.0) -> float:
        total = bias + sum(w * (v or 0.0) for w, v in zip(WEIGHTS, values, strict=True))
        return float(1 / (1 + np.exp(-total)))

    return {"fraud": fraud, "score": score, "logistic": logistic, "inputs": INPUTS}
