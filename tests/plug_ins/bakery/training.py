"""What is learnt of the orders, and when it may serve."""

from __future__ import annotations

from typing import Any

from lakehouse import declare as use

from .features import at_order, habits
from .tables import Order, sales


def fit(X: Any, y: Any) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression().fit(X, y)


fetched = use.Model(
    "fetched",
    learns_from=use.TrainingSet(
        "fetched_training",
        label=sales["fetched"],
        request=Order,
        features=(habits, at_order),
        train_last="20d",
        test_last="10d",
    ),
    fit=fit,
    gate=use.Gate(use.at_least("roc_auc", 0.75)),
    rules=(use.Rule("bake", when="score >= 0.5"),),
    otherwise="wait",
)
