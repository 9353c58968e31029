"""Pictures are legible PNGs of the numbers they were given; importances name their inputs."""

from __future__ import annotations

import io
from typing import Any

import matplotlib
import numpy as np
import pytest
from matplotlib import image, pyplot
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import SVC
from xgboost import XGBClassifier

from lakehouse.training.importance import Importances, importances
from lakehouse.training.pictures import (
    MOST,
    _wilson,
    calibration,
    importance_bars,
    pictures,
    precision_recall,
    predicted,
    roc,
)

RNG = np.random.default_rng(0)
X = RNG.normal(size=(300, 3)) * [1, 10, 100]
Y = X[:, 0] + X[:, 1] / 50 > 0
SCORE = 1 / (1 + np.exp(-X[:, 0]))
NAMES = ("near", "far", "noise")


def pixels(png: bytes) -> Any:
    assert png.startswith(b"\x89PNG\r\n")
    return image.imread(io.BytesIO(png))


@pytest.mark.parametrize("draw", [roc, precision_recall, calibration, predicted])
def test_picture_is_a_png_that_its_numbers_decide(draw: Any) -> None:
    drawn = pixels(draw(Y, SCORE))
    height, width = drawn.shape[:2]
    assert (width, height) >= (890, 670)
    assert draw(Y, SCORE) == draw(Y, SCORE)
    assert draw(Y, SCORE) != draw(Y, 1 - SCORE)


def test_rare_label_and_few_bands_are_drawn_without_a_warning() -> None:
    y = np.zeros(200)
    y[3] = 1
    for draw in (roc, precision_recall, calibration):
        pixels(draw(y, np.full(200, 0.001)))


def test_interval_of_a_share_stays_inside_zero_and_one() -> None:
    low, high = _wilson(np.array([0.0, 0.5, 1.0]), np.array([1, 10, 1000]))
    assert low.round(4).tolist() == [0.0, 0.2366, 0.9962]
    assert high.round(4).tolist() == [0.7935, 0.7634, 1.0]


def test_classifier_and_regressor_have_the_pictures_that_suit_them() -> None:
    curves = ["roc", "precision_recall", "calibration"]
    linear = LogisticRegression().fit(X, Y)
    assert list(pictures(linear, NAMES, Y, SCORE)) == [*curves, "importances"]
    assert list(pictures(KNeighborsClassifier().fit(X, Y), NAMES, Y, SCORE)) == curves
    assert list(pictures(linear, NAMES, Y[Y], SCORE[Y])) == ["importances"]
    line = LinearRegression().fit(X, X[:, 0])
    assert list(pictures(line, NAMES, X[:, 0], X[:, 0])) == ["predicted", "importances"]


def test_importances_of_a_linear_model_are_absolute_and_say_whether_inputs_were_scaled() -> None:
    target = 3 * X[:, 0] - 0.5 * X[:, 1]
    bare = importances(LinearRegression().fit(X, target), NAMES)
    assert bare is not None
    assert list(bare.weights) == ["near", "far", "noise"]
    assert list(bare.weights.values()) == pytest.approx([3, 0.5, 0], abs=1e-9)
    assert bare.unit == "change in the prediction per unit of the input, absolute"
    fitted = make_pipeline(StandardScaler(), LinearRegression()).fit(X, target)
    scaled = importances(fitted, NAMES)
    assert scaled is not None
    assert list(scaled.weights) == ["far", "near", "noise"]
    expected = [0.5 * X[:, 1].std(), 3 * X[:, 0].std(), 0]
    assert list(scaled.weights.values()) == pytest.approx(expected, abs=1e-9)
    assert "per standard deviation" in scaled.unit


def test_importances_of_trees_are_shares_of_the_total() -> None:
    estimators = {
        "mean gain": XGBClassifier(n_estimators=5),
        "impurity": RandomForestClassifier(10, random_state=0),
    }
    for what, estimator in estimators.items():
        found = importances(make_pipeline(StandardScaler(), estimator).fit(X, Y), NAMES)
        assert found is not None
        assert next(iter(found.weights)) == "near"
        assert sum(found.weights.values()) == pytest.approx(1)
        assert found.unit.startswith(what)


def test_importances_are_named_by_what_reaches_the_last_step() -> None:
    empty = X.copy()
    empty[:, 1] = np.nan
    dropping = make_pipeline(SimpleImputer(), LogisticRegression())
    with pytest.warns(UserWarning, match="without any observed values"):
        dropping.fit(empty, Y)
    found = importances(dropping, NAMES)
    assert found is not None
    assert set(found.weights) == {"near", "noise"}
    codes = (X > 0).astype(int)
    encoded = importances(make_pipeline(OneHotEncoder(), LogisticRegression()).fit(codes, Y), NAMES)
    assert encoded is not None
    assert set(encoded.weights) == {f"{name}_{code}" for name in NAMES for code in (0, 1)}


@pytest.mark.parametrize(
    "estimator", [HistGradientBoostingClassifier(max_iter=2), KNeighborsClassifier(), SVC()]
)
def test_estimator_without_importances_has_none(estimator: Any) -> None:
    assert importances(estimator.fit(X, Y), NAMES) is None


def test_many_inputs_leave_the_small_ones_out_of_the_picture_and_no_bar_is_squeezed() -> None:
    few = importance_bars(Importances({f"input {i}": 1.0 for i in range(3)}, "share"))
    many = importance_bars(Importances({f"input {i}": 1.0 for i in range(90)}, "share"))
    most = importance_bars(Importances({f"input {i}": 1.0 for i in range(MOST)}, "share"))
    assert pixels(many).shape == pixels(most).shape
    assert pixels(few).shape[0] < pixels(many).shape[0]


def test_pictures_leave_no_open_figure_and_no_changed_setting() -> None:
    before = dict(matplotlib.rcParams)
    roc(Y, SCORE)
    assert dict(matplotlib.rcParams) == before
    assert pyplot.get_fignums() == []
