"""A domain of a thousand orders with a model: the least that goes through every stage."""

from __future__ import annotations

import csv
import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from lakehouse import declare as use

ROWS = 1_000
BEGIN = datetime(2024, 1, 1, tzinfo=UTC)
DAYS = 40


class Order(use.Contract):
    order_id: str = use.key()
    customer: str
    amount_eur: Decimal = use.column(scale=2)
    ordered_at: datetime = use.event_time(known=True)


class Returned(Order):
    returned: bool


order_feed = use.Source("order_feed", Returned, path="orders/*.csv")
orders = use.Cleaned("orders", use.Raw("orders_raw", order_feed))
customer = use.Entity("customer", key="customer")
spending = use.FeatureView(
    "spending",
    of=orders,
    by=customer,
    orders=use.Count(over=use.last("7d")),
    spent=use.Sum("amount_eur", over=use.last("7d")),
)
at_order = use.RequestView("at_order", request=Order, amount="float(amount_eur)")


def fit(X: Any, y: Any) -> Any:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)


returns = use.Model(
    "returns",
    learns_from=use.TrainingSet(
        "returns_training",
        label=orders["returned"],
        request=Order,
        features=(at_order, spending),
        train_last="30d",
        test_last="7d",
    ),
    fit=fit,
    gate=use.Gate(use.at_least("roc_auc", 0.6)),
    rules=(use.Rule("call", when="score >= 0.5"),),
    otherwise="ship",
)
domain = use.Domain("small_shop", description="Orders and returns.", models=(returns,))


def deliver(landing: Path) -> None:
    """Write the orders of 40 days as one file; dear ones come back more often."""
    draw = random.Random(0)
    folder = landing / "orders"
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "orders.csv", "w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["order_id", "customer", "amount_eur", "ordered_at", "returned"])
        for number in range(ROWS):
            at = BEGIN + timedelta(days=DAYS) * (number / ROWS)
            amount = draw.randrange(100, 20_000) / 100
            back = draw.random() < amount / 300
            rows.writerow(
                [f"o{number}", f"c{draw.randrange(50)}", amount, at.isoformat(), str(back).lower()]
            )
