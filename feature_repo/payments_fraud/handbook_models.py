"""The five estimators of the handbook's baseline, and the figures it published for them.

Source: Le Borgne, Siblini, Lebichot, Bontempi: Reproducible Machine Learning for Credit Card
Fraud Detection, chapter Baseline fraud detection system: each on standardised inputs, with the
defaults of its library at the time and seed 0.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def fit_logistic(X: Any, y: Any) -> Any:
    """Logistic regression."""
    from sklearn.linear_model import LogisticRegression

    return _standardised(LogisticRegression(random_state=0), X, y)


def fit_shallow_tree(X: Any, y: Any) -> Any:
    """A decision tree of depth 2."""
    from sklearn.tree import DecisionTreeClassifier

    return _standardised(DecisionTreeClassifier(max_depth=2, random_state=0), X, y)


def fit_full_tree(X: Any, y: Any) -> Any:
    """A decision tree grown until its leaves are pure."""
    from sklearn.tree import DecisionTreeClassifier

    return _standardised(DecisionTreeClassifier(random_state=0), X, y)


def fit_forest(X: Any, y: Any) -> Any:
    """A random forest of 100 trees."""
    from sklearn.ensemble import RandomForestClassifier

    return _standardised(RandomForestClassifier(random_state=0, n_jobs=-1), X, y)


def fit_xgboost(X: Any, y: Any) -> Any:
    """Gradient boosting with the defaults XGBoost had when the handbook was written."""
    from xgboost import XGBClassifier

    # Since XGBoost 2 the defaults are histograms and a base score estimated from the labels.
    estimator = XGBClassifier(tree_method="exact", base_score=0.5, random_state=0)
    return _standardised(estimator, X, y)


def fit_xgboost_today(X: Any, y: Any) -> Any:
    """Gradient boosting with XGBoost's own defaults; not one of the published five."""
    from xgboost import XGBClassifier

    return _standardised(XGBClassifier(random_state=0), X, y)


def _standardised(estimator: Any, X: Any, y: Any) -> Any:
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), estimator).fit(X, y)


ESTIMATORS: dict[str, Callable[[Any, Any], Any]] = {
    "logistic regression": fit_logistic,
    "tree of depth 2": fit_shallow_tree,
    "tree, unlimited": fit_full_tree,
    "random forest": fit_forest,
    "XGBoost": fit_xgboost,
    "XGBoost, its defaults today": fit_xgboost_today,
}

PUBLISHED: dict[str, dict[str, float]] = {
    name: dict(zip(("roc_auc", "average_precision", "precision_at_100"), figures, strict=True))
    for name, figures in {
        "logistic regression": (0.871, 0.606, 0.291),
        "tree of depth 2": (0.763, 0.496, 0.241),
        "tree, unlimited": (0.788, 0.309, 0.243),
        "random forest": (0.867, 0.658, 0.287),
        "XGBoost": (0.862, 0.639, 0.273),
    }.items()
}
"""Of the fitted estimators, on 58,264 payments from 2018-08-08 to 2018-08-14."""
