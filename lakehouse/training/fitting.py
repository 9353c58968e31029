"""Fitting: a training set and a declared fit become a candidate in its served form."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from lakehouse.declare.compiled import FunctionReference
from lakehouse.declare.training import Distributed, Fit, Model
from lakehouse.errors import LakehouseError
from lakehouse.training.onnx import Difference, departure, to_onnx
from lakehouse.training.openmp import wait_passively
from lakehouse.training.staging import Staged
from lakehouse.training.tested import score_test
from lakehouse.training.training_set import Built

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Candidate:
    """A fitted model as it would be served, with what it showed on the test rows.

    `onnx` is the model: `metrics` are of its scores in ONNX Runtime. `difference` says how far
    they depart from the fitted estimator's. `example` holds the inputs of two test rows. `workers`
    are those of a distributed fit, else None.
    """

    model: Model
    built: Built | Staged
    seed: int
    estimator: Any
    onnx: bytes
    metrics: Mapping[str, float]
    difference: Difference
    labels: Any
    scores: Any
    example: pd.DataFrame
    workers: int | None = None


def fit_candidate(
    model: Model, built: Built | Staged, seed: int, workers: int | None = None
) -> Candidate:
    """Fit a model on the train part and measure its served form on the test part.

    `workers` repeats a distributed fit on as many as it once had; without, all take part.
    """
    if isinstance(built, Staged):
        estimator, workers = _distributed(model, built, seed, workers)
    else:
        assert not isinstance(model.fit, Distributed)  # its sets are staged
        estimator, workers = fit(model.fit, built, seed), None
    onnx = to_onnx(estimator, built.inputs)
    tested = score_test(built, model.group, {"served": onnx}, {"fitted": estimator})
    served = tested.scores["served"]
    return Candidate(
        model=model,
        built=built,
        seed=seed,
        estimator=estimator,
        onnx=onnx,
        metrics=tested.metrics("served"),
        difference=departure(tested.scores["fitted"], served),
        labels=tested.labels,
        scores=served,
        example=tested.example,
        workers=workers,
    )


def _distributed(model: Model, built: Staged, seed: int, workers: int | None) -> tuple[Any, int]:
    """Fit a declared estimator where the rows are; it takes the seed if it has none."""
    assert isinstance(model.fit, Distributed)  # only its sets are staged
    _seeded(seed)
    estimator = checked_estimator(model, model.fit.estimator())
    if estimator.get_params().get("random_state") is None:
        estimator.set_params(random_state=seed)
    label = built.training_set.label.name
    rows = built.part("train", [*dict.fromkeys([*built.order, label, *built.inputs])])
    fitted = built.engine.fit(estimator, rows, built.inputs, label, built.order, workers)
    return fitted.estimator, fitted.workers


def checked_estimator(model: Model, estimator: Any) -> Any:
    """Return a distributed fit's estimator; raise LakehouseError where none is."""
    from sklearn.base import is_classifier
    from xgboost import XGBClassifier, XGBRegressor

    wanted = XGBClassifier if model.task == "classification" else XGBRegressor
    function = FunctionReference.of(model.fitted_by).qualname
    where = f"Model '{model.name}': {function}()"
    if type(estimator) is not wanted:
        raise LakehouseError(
            f"{where} returned a {type(estimator).__name__}; a distributed fit of a "
            f"{model.task} needs an xgboost.{wanted.__name__}. Use fit= for anything else."
        )
    if estimator.__sklearn_is_fitted__():
        raise LakehouseError(f"{where} returned a fitted estimator; return it unfitted.")
    if estimator.early_stopping_rounds is not None or estimator.callbacks:
        raise LakehouseError(
            f"{where} stops early or has callbacks, which a distributed fit has no rows for; set "
            "n_estimators."
        )
    if is_classifier(estimator) and estimator.objective not in (None, "binary:logistic"):
        raise LakehouseError(
            f"{where} has the objective {estimator.objective}; XGBoost on Spark knows "
            "binary:logistic for a yes or no."
        )
    return estimator


def fit(function: Fit, built: Built, seed: int) -> Any:
    """Call `fit(X, y)` on the train part, with the global generators seeded."""
    X, y = built.matrix(built.part("train"))
    wait_passively()
    _seeded(seed)
    return function(X, y)


def _seeded(seed: int) -> None:
    random.seed(seed)
    np.random.seed(seed)  # estimators without a random_state of their own draw from it
