"""A shop of a few payments whose logs are written by hand, and a release that answered."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from lakehouse import declare as use
from lakehouse.context import Context
from lakehouse.declare.logs import decision_log, served_log
from lakehouse.engines.protocol import Transaction
from lakehouse.monitoring.check import Findings, Period
from lakehouse.monitoring.consistency.check import Comparison, compare_served
from lakehouse.records import releases
from lakehouse.records.releases import Release
from lakehouse.records.store import Run
from lakehouse.testing.conformance.world import table_of
from lakehouse.times import microseconds

T = datetime(2024, 3, 1, 12, tzinfo=UTC)
"""The moment that everything is asked for."""
SERVED_AT = T + timedelta(minutes=1)


class Payment(use.Contract):
    payment_id: str = use.key()
    card_id: str = use.column(personal=True)
    shop: str
    amount_eur: Decimal = use.column(scale=2)
    weight: float | None
    paid_at: datetime = use.event_time(known=True)


class Labelled(Payment):
    is_fraud: bool


class Card(use.Contract):
    card_id: str = use.key(personal=True)
    holder: str = use.column(personal=True)
    limit_eur: Decimal | None = use.column(scale=2)
    score: float | None
    changed_at: datetime = use.event_time(known=True)


def cleaned(name: str, contract: type[use.Contract]) -> use.Cleaned:
    return use.Cleaned(name, use.Raw(f"{name}_raw", use.Source(name, contract, f"{name}/*")))


payments, cards = cleaned("payments", Labelled), cleaned("cards", Card)
card, shop = use.Entity("card", key="card_id"), use.Entity("shop", key="shop")
card_spend = use.FeatureView(
    "card_spend",
    of=payments,
    by=card,
    payments=use.Count(over=use.last("1d")),
    spend=use.Sum("amount_eur", over=use.last("1d")),
    weight=use.Sum("weight", over=use.last("1d")),
    mean=use.Mean("weight", over=use.last("1d")),
)
card_habits = use.FeatureView(
    "card_habits",
    of=payments,
    by=card,
    last_shops=use.LastK("shop", k=2, over=use.last("1d")),
    amounts=use.LastK("amount_eur", k=9, over=use.last("1d")),
    shops=use.Distinct("shop", over=use.last("1d")),
    spread=use.Std("weight", over=use.last("1d")),
    dear=use.Share(where="amount_eur > 15", over=use.last("1d")),
    first_card=use.First("card_id", over=use.last("1h"), default="none"),
)
card_now = use.LatestView(
    "card_now", of=cards, by=card, columns=["holder", "limit_eur", "score", "changed_at"]
)
shop_sales = use.FeatureView(
    "shop_sales", of=payments, by=shop, payments=use.Count(over=use.last("1d"))
)
at_payment = use.RequestView(
    "at_payment",
    request=Payment,
    uses=(card_spend, card_now),
    mean="(card_spend.spend_1d + amount_eur) / (card_spend.payments_1d + 1)",
    left="card_now.limit_eur - amount_eur",
    known="card_now.holder = 'Ada'",
)


def fit(X: Any, y: Any) -> Any:
    raise AssertionError("nothing is fitted here")


def model(*views: Any) -> use.Model:
    """A model of these views."""
    return use.Model(
        "fraud",
        learns_from=use.TrainingSet(
            "fraud_training",
            label=payments["is_fraud"],
            request=Payment,
            features=views,
            train_last="28d",
            test_last="7d",
            only=[views[0].features[0]],
        ),
        fit=fit,
        gate=use.Gate(),
    )


FRAUD = model(card_spend, card_now, shop_sales, card_habits, at_payment)
DOMAIN = use.Domain("payments", description="Payments.", models=(FRAUD,))
PAID = [
    # payment, card, shop, amount, weight, minutes before T
    ("p1", "c1", "s1", "10.10", 0.1, 30),
    ("p2", "c1", "s1", "20.20", 0.2, 60),
    ("p3", "c1", "s2", "0.30", None, 1439),
    ("p4", "c1", "s1", "99.00", 9.0, 0),  # exactly at T: not before it
    ("p5", "c2", "s1", "77.00", 7.0, 5),
]
SPEND = {"payments_1d": 3, "spend_1d": "30.60", "weight_1d": 0.1 + 0.2, "mean_1d": 0.15}
HABITS = {
    "last_shops_1d": ["s1", "s1"],
    "amounts_1d": ["10.10", "20.20", "0.30"],
    "shops_1d": 2,
    "spread_1d": 0.1 / 2**0.5,
    "dear_1d": 1 / 3,
    "first_card_1h": "c1",
}
NOW = {
    "holder": "Ada",
    "limit_eur": "500.00",
    "score": "nan",
    "changed_at": "2024-02-29T12:00:00Z",
}
"""What was right to answer about card c1."""


def payment(
    payment_id: str, card_id: str, at_shop: str, amount: str, weight: float | None, minutes: int
) -> dict[str, Any]:
    at = microseconds(T - timedelta(minutes=minutes))
    return {
        "payment_id": payment_id,
        "card_id": card_id,
        "shop": at_shop,
        "amount_eur": Decimal(amount),
        "weight": weight,
        "paid_at": at,
        "is_fraud": False,
        "_known_at": at,
    }


class Shop:
    """A lake of these payments, to which answers are added that somebody may have got."""

    def __init__(self, ctx: Context) -> None:
        self.ctx = ctx
        self._commits = 0
        self.answers = 0
        self.write(payments, [payment(*row) for row in PAID])
        at = microseconds(T - timedelta(days=1))
        held = {"card_id": "c1", "holder": "Ada", "limit_eur": Decimal("500.00")}
        held |= {"score": float("nan"), "changed_at": at, "_known_at": at}
        self.write(cards, [held])
        self.release(1)

    def write(self, table: use.Cleaned, rows: list[dict[str, Any]]) -> int:
        """Append rows to a cleaned table; its version."""
        self._commits += 1
        path = self.ctx.table("cleaned", table.name)
        transaction = Transaction("test", self._commits)
        return self.ctx.engine.write(path, table_of(table, rows), "append", transaction)

    def release(self, version: int, declared: use.Model = FRAUD) -> None:
        made = Release("payments", "fraud", version, declared, (), b"no model")
        releases.write(self.ctx.home, made)

    def serve(
        self,
        values: dict[str, Any],
        view: str = "card_spend",
        entity: dict[str, Any] | str | None = None,
        at: datetime = SERVED_AT,
        **changes: Any,
    ) -> None:
        """Log an answer of POST /v1/features: these features of an entity, card c1 by default."""
        self.answers += 1
        named = {f"{view}__{name}": value for name, value in values.items()}
        row = {
            "served_id": f"a-{self.answers}",
            "served_at": microseconds(at),
            "asked_for": microseconds(T),
            "view": view,
            "model": "fraud",
            "version": 1,
            "table_version": 0,
            "entity": json.dumps({"card_id": "c1"} if entity is None else entity),
            "features": json.dumps(named),
            "_known_at": microseconds(at),
        }
        self.write(served_log(), [row | changes])

    def decide(self, features: dict[str, Any], request: dict[str, Any], **changes: Any) -> None:
        """Log a decision."""
        self.answers += 1
        held = {"card_spend": 0, "card_now": 0, "shop_sales": 0, "card_habits": 0}
        row = {
            "decision_id": f"d-{self.answers}",
            "decided_at": microseconds(SERVED_AT),
            "asked_for": microseconds(T),
            "model": "fraud",
            "version": 1,
            "request": json.dumps(request),
            "features": json.dumps(features),
            "score": 0.5,
            "decision": "accept",
            "table_versions": json.dumps(held),
            "_known_at": microseconds(SERVED_AT),
        }
        self.write(decision_log(FRAUD), [row | changes])

    def compared(
        self,
        domain: use.Domain | None = None,
        begin: datetime | None = None,
        end: datetime | None = None,
    ) -> Comparison:
        """What was served in a period, compared with history."""
        ctx = replace(self.ctx, domain=domain or self.ctx.domain).pinned()
        return compare_served(ctx, Period(begin, end), Run("", "payments", "check", "consistency"))

    def findings(self) -> Findings:
        """The same as a check's results."""
        return self.compared().findings()

    def counts(self, feature: str, **bounds: Any) -> dict[str, int]:
        """What was found of a feature, without what was not."""
        (one,) = (c for c in self.compared(**bounds).features if c.feature == feature)
        return {name: count for name, count in one.counts.items() if count}


@pytest.fixture
def a_shop(make_context: Callable[..., Context]) -> Shop:
    return Shop(make_context(DOMAIN, "wall"))
