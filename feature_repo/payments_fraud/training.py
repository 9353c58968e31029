"""The fraud model: what it learns from, when it may serve, and what is decided with it."""

from typing import Any

from feature_repo.payments_fraud.features import at_payment
from feature_repo.payments_fraud.handbook_models import ESTIMATORS, PUBLISHED
from feature_repo.payments_fraud.sources import OWNER, Payment, fraud_report_feed
from feature_repo.payments_fraud.tables import labelled_payments
from lakehouse.declare import (
    Evaluation,
    Gate,
    Model,
    Rule,
    TrainingSet,
    at_least,
    beats,
)

fraud_training = TrainingSet(
    "fraud_training",
    label=labelled_payments["is_fraud"],
    request=Payment,
    features=(at_payment,),
    label_matures="7d",
    train_last="28d",
    test_last="7d",
)


def fit(X: Any, y: Any) -> Any:
    """Gradient-boosted trees on standardised inputs."""
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from xgboost import XGBClassifier

    model = XGBClassifier(
        n_estimators=100,
        max_depth=4,
        learning_rate=0.15,
        tree_method="hist",
        n_jobs=2,
        random_state=0,
    )
    return make_pipeline(StandardScaler(), model).fit(X, y)


fraud = Model(
    "fraud",
    learns_from=fraud_training,
    fit=fit,
    gate=Gate(
        at_least("average_precision", 0.50),
        at_least("roc_auc", 0.80),
        beats("champion", "average_precision", by=0.005),
    ),
    rules=(
        Rule("block", when="score >= 0.80"),
        Rule("review", when="score >= 0.20 or amount_eur > 1000"),
    ),
    otherwise="accept",
    outcomes=fraud_report_feed,
    group="card_id",
    description="Probability that a payment is reported as fraud within seven days.",
    owner=OWNER,
)


def known_compromised(frame: Any) -> Any:
    """Keep the test rows whose card was not yet known to be compromised on that day.

    `frame` is a DataFrame of the labelled payments from the first day of training to the last
    of the test, with `_part`. A fraud is reported seven days later, so its card is known on the
    days that begin after that. Returns a boolean mask over the rows of part "test".
    """
    import pandas as pd

    first_fraud = frame[frame["is_fraud"]].groupby("card_id")["paid_at"].min().dt.floor("D")
    test = frame[frame["_part"] == "test"]
    known_from = test["card_id"].map(first_fraud) + pd.Timedelta(days=8)
    return ~(known_from <= test["paid_at"].dt.floor("D"))


handbook = Evaluation(
    "handbook",
    training_set=fraud_training,
    train=("2018-07-25", "2018-08-01"),
    test=("2018-08-08", "2018-08-15"),
    estimators=ESTIMATORS,
    published=PUBLISHED,
    select_test=known_compromised,
    group="card_id",
    description="The baseline of the Fraud Detection Handbook, by its own protocol.",
)
