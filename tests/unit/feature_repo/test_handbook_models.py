"""The handbook's estimators: five published ones and today's XGBoost, all standardised."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from sklearn.preprocessing import StandardScaler

from feature_repo.payments_fraud.handbook_models import ESTIMATORS, PUBLISHED
from lakehouse.training.onnx import OnnxScorer, difference, to_onnx


def test_every_published_figure_belongs_to_an_estimator_and_names_three_metrics() -> None:
    assert set(ESTIMATORS) - set(PUBLISHED) == {"XGBoost, its defaults today"}
    assert set(PUBLISHED) <= set(ESTIMATORS)
    for figures in PUBLISHED.values():
        assert list(figures) == ["roc_auc", "average_precision", "precision_at_100"]


@pytest.mark.parametrize("name", ESTIMATORS)
def test_estimator_is_standardised_repeatable_and_served_as_fitted(name: str) -> None:
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(300, 3)), columns=["a", "b", "c"]).astype("float32")
    y = ((X["a"] + X["b"] * rng.random(300)) > 0.5).astype("int8")
    fitted = ESTIMATORS[name](X, y)
    assert isinstance(fitted.steps[0][1], StandardScaler)
    model = to_onnx(fitted, list(X))
    assert model == to_onnx(ESTIMATORS[name](X, y), list(X))
    assert difference(fitted, OnnxScorer(model), X.to_numpy()).max_abs < 2e-6


def test_importing_the_estimators_loads_no_library() -> None:
    code = (
        "import sys, feature_repo.payments_fraud.handbook_models as module\n"
        "print([m for m in ('sklearn', 'xgboost', 'numpy', 'pandas') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
