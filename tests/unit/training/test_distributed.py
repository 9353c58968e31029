"""What a distributed fit's function may return, and what is refused before anything is fitted."""

from __future__ import annotations

from typing import Any

import pytest
from sklearn.linear_model import LogisticRegression
from xgboost import XGBClassifier, XGBRegressor

from feature_repo.payments_fraud.training import fraud_training
from lakehouse.declare import Distributed, Gate, Model
from lakehouse.errors import LakehouseError
from lakehouse.training.fitting import checked_estimator


def trees() -> Any:
    return XGBClassifier(n_estimators=2)


MODEL = Model("fraud", learns_from=fraud_training, fit=Distributed(trees), gate=Gate())


def test_an_unfitted_classifier_is_taken_for_a_yes_or_no() -> None:
    estimator = trees()
    assert checked_estimator(MODEL, estimator) is estimator


@pytest.mark.parametrize(
    ("estimator", "why"),
    [
        (LogisticRegression(), "returned a LogisticRegression; a distributed fit of a classific"),
        (XGBRegressor(), "returned a XGBRegressor; a distributed fit of a classification"),
        (XGBClassifier(early_stopping_rounds=3), "stops early or has callbacks"),
        (XGBClassifier(objective="multi:softprob"), "has the objective multi:softprob"),
        (XGBClassifier(n_estimators=1).fit([[0.0], [1.0]], [0, 1]), "returned a fitted estimator"),
    ],
)
def test_what_cannot_be_distributed_is_refused(estimator: Any, why: str) -> None:
    with pytest.raises(LakehouseError) as refused:
        checked_estimator(MODEL, estimator)
    assert str(refused.value).startswith("Model 'fraud': trees() ")
    assert why in str(refused.value)
