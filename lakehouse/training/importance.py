"""Which inputs an estimator leans on, as it says itself: no permutation, no data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Importances:
    """The weight of each feature, largest first, and `unit`, what a weight measures."""

    weights: dict[str, float]
    unit: str


def importances(estimator: Any, inputs: Sequence[str]) -> Importances | None:
    """Return the importances of a fitted estimator's features, None where it has none to give.

    Trees and boosting give `feature_importances_`: XGBoost the mean gain of the splits on a
    feature, scikit-learn the impurity they removed, both as shares of the total. Linear models
    give the absolute coefficients: per standard deviation of the input behind a StandardScaler,
    and per unit of the input, not comparable with one another, without one. In a Pipeline they
    are those of the last step, by the names of what reaches it.

    >>> from sklearn.linear_model import LinearRegression
    >>> importances(LinearRegression().fit([[0, 1], [1, 0], [1, 1]], [0, 3, 3]), ["a", "b"]).unit
    'change in the prediction per unit of the input, absolute'
    """
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import StandardScaler

    final, before = estimator, None
    if isinstance(estimator, Pipeline):
        final = estimator.steps[-1][1]
        before = estimator[:-1] if len(estimator.steps) > 1 else None
    if hasattr(final, "feature_importances_"):
        weights = np.asarray(final.feature_importances_, dtype=float)
        xgboost = type(final).__module__.startswith("xgboost")
        what = "mean gain of the splits" if xgboost else "impurity removed by the splits"
        unit = f"{what}, share of the total"
    elif hasattr(final, "coef_") and np.asarray(final.coef_).size == final.n_features_in_:
        weights = np.abs(np.asarray(final.coef_, dtype=float)).reshape(-1)
        scaled = before is not None and isinstance(before.steps[-1][1], StandardScaler)
        of = "log-odds" if hasattr(final, "predict_proba") else "prediction"
        per = "standard deviation" if scaled else "unit"
        unit = f"change in the {of} per {per} of the input, absolute"
    else:
        return None
    names = list(inputs)
    if before is not None:
        try:
            names = [str(name) for name in before.get_feature_names_out(names)]
        except AttributeError:  # a step that does not name what it gives
            names = [f"feature {i}" for i in range(len(weights))]
    order = np.argsort(-weights, kind="stable")
    return Importances({names[i]: float(weights[i]) for i in order}, unit)
