from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from lakehouse.declare import (
    Cleaned,
    Contract,
    Count,
    Entity,
    Evaluation,
    FeatureView,
    Gate,
    Model,
    Raw,
    RequestView,
    Rule,
    Source,
    TrainingSet,
    at_least,
    at_most,
    beats,
    column,
    event_time,
    key,
    last,
)
from lakehouse.declare.gates import metrics_of


class Payment(Contract):
    payment_id: str = key()
    card_id: str
    amount_eur: Decimal = column(scale=2)
    paid_at: datetime = event_time(known=True)


class Outcome(Payment):
    is_fraud: bool
    loss_eur: Decimal | None = column(scale=2)


outcomes = Cleaned("outcomes", Raw("outcomes_raw", Source("outcome_feed", Outcome, "outcomes/*")))
spend = FeatureView(
    "spend", of=outcomes, by=Entity("card", "card_id"), n=Count(over=last("1d", "7d"))
)
at_payment = RequestView(
    "at_payment", request=Payment, uses=(spend,), many="spend.n_1d > 3", amount="amount_eur"
)


def training(**changes: Any) -> TrainingSet:
    said: dict[str, Any] = {
        "label": outcomes["is_fraud"],
        "request": Payment,
        "features": (at_payment,),
        "train_last": "28d",
        "test_last": "7d",
    }
    return TrainingSet("fraud_training", **{**said, **changes})


def fit(X: Any, y: Any) -> Any:
    raise AssertionError("declaring a model fits nothing")


def model(**changes: Any) -> Model:
    said: dict[str, Any] = {"learns_from": training(), "fit": fit, "gate": Gate()}
    return Model("fraud", **{**said, **changes})


def test_views_that_request_features_use_are_found_by_themselves() -> None:
    made = training()
    assert ((spend,), (at_payment,)) == (made.stored_views, made.request_views)


def test_only_the_views_that_are_named_give_inputs() -> None:
    assert ["at_payment.many", "at_payment.amount"] == [f.dotted for f in training().features]


def test_views_named_beside_those_that_use_them_stand_once() -> None:
    made = training(features=(spend, at_payment))
    assert (spend,) == made.stored_views
    assert ["spend.n_1d", "spend.n_7d", "at_payment.many", "at_payment.amount"] == [
        f.dotted for f in made.features
    ]


def test_single_features_can_be_picked_in_their_own_order() -> None:
    picked = (at_payment["amount"], at_payment["many"])
    made = training(only=picked)
    assert picked == made.features
    assert (spend,) == made.stored_views


def test_the_gap_is_as_long_as_labels_take_unless_it_is_said() -> None:
    assert ["0d", "7d", "1d", "0d"] == [
        training(**said).gap.text
        for said in (
            {},
            {"label_matures": "7d"},
            {"label_matures": "7d", "gap": "1d"},
            {"label_matures": "7d", "gap": "0d"},
        )
    ]


def test_rows_are_selected_by_any_column_of_the_labels_table() -> None:
    assert "loss_eur is null" == training(where="loss_eur is null").where


def test_a_bool_is_classified_and_a_number_regressed() -> None:
    amount = model(learns_from=training(label=outcomes["loss_eur"]))
    assert ("classification", "regression") == (model().task, amount.task)


def test_rules_see_the_score_the_request_and_every_view() -> None:
    rules = (
        Rule("block", when="score >= 0.8 and spend.n_7d > 3"),
        Rule("review", when="at_payment.many or amount_eur > 1000"),
    )
    assert rules == model(rules=rules).rules


def test_a_gate_holds_its_claims_in_order() -> None:
    gate = Gate(at_least("roc_auc", 0.8), at_most("brier", 0.1), beats("champion", "roc_auc"))
    assert ["at_least", "at_most", "beats"] == [claim.kind for claim in gate.claims]
    assert gate == model(gate=gate).gate


@pytest.mark.parametrize(
    ("label", "group", "metric"),
    [
        ("is_fraud", "card_id", "precision_at_100"),
        ("is_fraud", None, "average_precision"),
        ("is_fraud", None, "positives"),
        ("loss_eur", None, "mean_absolute_error"),
        ("loss_eur", None, "r2"),
    ],
)
def test_a_gate_may_claim_whatever_is_measured(label: str, group: str | None, metric: str) -> None:
    gate = Gate(at_least(metric, 0.1))
    made = model(learns_from=training(label=outcomes[label]), gate=gate, group=group)
    assert gate == made.gate


def test_the_metrics_of_a_gate_are_those_that_training_measures() -> None:
    from lakehouse.training import metrics

    classified = metrics.classification([0, 1], [0.1, 0.9])
    regressed = metrics.regression([0.0, 1.0], [0.1, 0.9])
    assert set(classified) == set(metrics_of("classification", group=False))
    assert {*classified, "precision_at_100"} == set(metrics_of("classification", group=True))
    assert set(regressed) == set(metrics_of("regression", group=False))


def test_an_evaluation_may_test_from_the_day_that_training_ends() -> None:
    made = Evaluation(
        "by_day",
        training_set=training(),
        train=("2018-07-25", "2018-08-01"),
        test=("2018-08-01", "2018-08-02"),
        estimators={"trees": fit},
        published={},
        select_test=model,
    )
    assert ("2018-08-01", "2018-08-02") == made.test
