"""Fitting: a training set and a `fit` function become a candidate in its served form."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from lakehouse.declare.training import Fit, Model
from lakehouse.training import metrics as measure
from lakehouse.training.onnx import Difference, OnnxScorer, difference, to_onnx
from lakehouse.training.training_set import Built

TOP_PER_DAY = 100


@dataclass(frozen=True)
class Candidate:
    """A fitted model as it would be served, with what it showed on the test rows.

    `onnx` is the model: `metrics` are of its scores in ONNX Runtime. `difference` says how far
    they depart from the fitted estimator's.
    """

    model: Model
    built: Built
    seed: int
    estimator: Any
    onnx: bytes
    metrics: Mapping[str, float]
    difference: Difference
    labels: Any
    scores: Any


def fit_candidate(model: Model, built: Built, seed: int) -> Candidate:
    """Fit a model on the train part and measure its served form on the test part."""
    estimator = fit(model.fit, built, seed)
    onnx = to_onnx(estimator, built.inputs)
    test = built.part("test")
    X, y = built.matrix(test)
    scorer = OnnxScorer(onnx)
    scores = scorer.score(X.to_numpy())
    return Candidate(
        model=model,
        built=built,
        seed=seed,
        estimator=estimator,
        onnx=onnx,
        metrics=measured(built, test, model.group, y.to_numpy(), scores),
        difference=difference(estimator, scorer, X.to_numpy()),
        labels=y.to_numpy(),
        scores=scores,
    )


def fit(function: Fit, built: Built, seed: int) -> Any:
    """Call `fit(X, y)` on the train part, with the global generators seeded."""
    X, y = built.matrix(built.part("train"))
    random.seed(seed)
    np.random.seed(seed)  # estimators without a random_state of their own draw from it
    return function(X, y)


def measured(
    built: Built, rows: pa.Table, group: str | None, labels: Any, scores: Any
) -> dict[str, float]:
    """The metrics of scores on some rows of a training set; `group` ranks per day by a column."""
    if not pa.types.is_boolean(rows[built.training_set.label.name].type):
        return measure.regression(labels, scores)
    found = measure.classification(labels, scores)
    if group is not None:
        found[f"precision_at_{TOP_PER_DAY}"] = measure.precision_at_k_per_day(
            labels,
            scores,
            day=days(rows, built),
            group=rows[group].to_numpy(zero_copy_only=False),
            k=TOP_PER_DAY,
        )
    return found


def days(rows: pa.Table, built: Built) -> Any:
    """The UTC day of each row's event time."""
    at = rows[str(built.training_set.table.event_time)]
    return at.cast(pa.int64()).to_numpy() // 86_400_000_000
