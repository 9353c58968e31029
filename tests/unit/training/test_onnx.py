"""The served ONNX model scores as the fitted estimator does, on awkward inputs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import onnx
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from threadpoolctl import threadpool_limits
from xgboost import XGBClassifier, XGBRegressor

from lakehouse.errors import LakehouseError
from lakehouse.training.onnx import (
    Difference,
    OnnxScorer,
    UnservableModel,
    difference,
    fitted_score,
    to_onnx,
)
from lakehouse.training.onnx_converters import round_down

INPUTS = ("amount", "spend.mean_7d", "spend.count_7d", "night")
Make = Callable[[], Any]


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Spare the fits of a few hundred rows the waiting of threads for one another."""
    with threadpool_limits(1):
        yield


def frame(rows: int, seed: int, missing: float = 0.0) -> pd.DataFrame:
    """Amounts on a grid of cents, so that many rows lie on or beside a threshold."""
    rng = np.random.default_rng(seed)
    columns = pd.DataFrame(
        {
            "amount": rng.integers(1, 400, rows) / 100,
            "spend.mean_7d": rng.integers(1, 3000, rows) / rng.integers(1, 30, rows),
            "spend.count_7d": rng.integers(0, 30, rows),
            "night": rng.integers(0, 2, rows),
        }
    ).astype("float32")
    return columns.mask(rng.random(columns.shape) < missing)


def labels(X: pd.DataFrame, seed: int = 1) -> pd.Series:
    noise = np.random.default_rng(seed).random(len(X))
    return (X["amount"].fillna(2) * X["spend.count_7d"].fillna(5) + 20 * noise) > 45


def assert_served_as_fitted(estimator: Any, X: pd.DataFrame, atol: float = 2e-6) -> None:
    scorer = OnnxScorer(to_onnx(estimator, INPUTS))
    apart = difference(estimator, scorer, X.to_numpy())
    assert apart.rows == len(X)
    assert apart.max_abs <= atol
    assert len(np.unique(scorer.score(X.to_numpy()))) > 1


CLASSIFIERS: dict[str, Make] = {
    "linear": lambda: LogisticRegression(max_iter=5000),
    "tree": lambda: DecisionTreeClassifier(random_state=0),
    "forest": lambda: RandomForestClassifier(10, random_state=0),
    "extra trees": lambda: ExtraTreesClassifier(10, random_state=0),
    "boosting": lambda: GradientBoostingClassifier(n_estimators=10),
    "histogram boosting": lambda: HistGradientBoostingClassifier(max_iter=8),
    "xgboost": lambda: XGBClassifier(n_estimators=20, n_jobs=1),
    "calibrated": lambda: CalibratedClassifierCV(
        DecisionTreeClassifier(max_depth=4, random_state=0), cv=2
    ),
}
TAKE_MISSING = ["tree", "forest", "extra trees", "histogram boosting", "xgboost", "calibrated"]


@pytest.mark.parametrize("name", CLASSIFIERS)
@pytest.mark.parametrize("scaled", [False, True], ids=["bare", "scaled"])
def test_served_classifier_scores_as_the_fitted_one(name: str, scaled: bool) -> None:
    estimator = CLASSIFIERS[name]()
    if scaled:
        estimator = make_pipeline(StandardScaler(), estimator)
    X = frame(1500, seed=0)
    estimator.fit(X, labels(X))
    assert_served_as_fitted(estimator, frame(3000, seed=5))


@pytest.mark.parametrize("name", TAKE_MISSING)
def test_missing_value_takes_the_branch_the_fitted_tree_gives_it(name: str) -> None:
    X = frame(1500, seed=0, missing=0.3)
    estimator = make_pipeline(StandardScaler(), CLASSIFIERS[name]()).fit(X, labels(X))
    assert_served_as_fitted(estimator, frame(3000, seed=5, missing=0.3))


@pytest.mark.parametrize(
    "make",
    [
        lambda: Ridge(),
        lambda: DecisionTreeRegressor(random_state=0),
        lambda: RandomForestRegressor(5, random_state=0),
        lambda: HistGradientBoostingRegressor(max_iter=5),
        lambda: XGBRegressor(n_estimators=10, n_jobs=1),
    ],
    ids=["ridge", "tree", "forest", "histogram boosting", "xgboost"],
)
def test_served_regressor_gives_the_fitted_value(make: Make) -> None:
    X = frame(500, seed=0)
    estimator = make().fit(X, X["amount"] * X["spend.count_7d"])
    assert_served_as_fitted(estimator, frame(1000, seed=5), atol=1e-4)


def test_columns_picked_by_name_come_from_the_one_input() -> None:
    imputed = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    columns = ColumnTransformer([("a", imputed, ["spend.count_7d", "spend.total"])])
    X = frame(500, seed=0, missing=0.2)
    y = labels(X)
    # ONNX names have no dots, so two of these names become one there
    names = ("spend_total", "spend.total", "spend.count_7d", "night")
    X.columns = pd.Index(names)
    estimator = make_pipeline(columns, LogisticRegression()).fit(X, y)
    scorer = OnnxScorer(to_onnx(estimator, names))
    assert difference(estimator, scorer, X.to_numpy()).max_abs <= 2e-6


def test_estimator_fitted_on_a_bare_matrix_is_served() -> None:
    X = frame(500, seed=0)
    estimator = XGBClassifier(n_estimators=5, n_jobs=1).fit(X.to_numpy(), labels(X).to_numpy())
    assert_served_as_fitted(estimator, X)


@pytest.mark.parametrize("name", ["tree", "forest", "boosting", "histogram boosting", "xgboost"])
def test_neighbouring_float32_values_fall_on_their_own_sides_of_a_threshold(name: str) -> None:
    lower = np.float32(1) + np.finfo(np.float32).eps
    upper = np.nextafter(lower, np.float32(2))
    assert np.float32((float(lower) + float(upper)) / 2) == upper  # the midpoint rounds up
    X = frame(200, seed=0)
    X["amount"] = np.where(np.arange(200) % 2, upper, lower)
    estimator = CLASSIFIERS[name]().fit(X, X["amount"] == upper)
    assert_served_as_fitted(estimator, X)


def test_integer_labels_are_served_as_boolean_ones() -> None:
    X = frame(500, seed=0)
    yes_no = DecisionTreeClassifier(max_depth=3, random_state=0).fit(X, labels(X))
    one_zero = DecisionTreeClassifier(max_depth=3, random_state=0).fit(X, labels(X).astype(int))
    scores = [OnnxScorer(to_onnx(e, INPUTS)).score(X.to_numpy()) for e in (yes_no, one_zero)]
    assert scores[0].tolist() == scores[1].tolist()


@pytest.mark.parametrize("name", ["linear", "forest", "histogram boosting", "xgboost"])
def test_row_scores_the_same_alone_and_among_others(name: str) -> None:
    X = frame(1000, seed=0)
    estimator = make_pipeline(StandardScaler(), CLASSIFIERS[name]()).fit(X, labels(X))
    scorer = OnnxScorer(to_onnx(estimator, INPUTS))
    matrix = X.to_numpy()
    together = scorer.score(matrix)
    alone = np.concatenate([scorer.score(matrix[i : i + 1]) for i in range(300)])
    sevens = np.concatenate([scorer.score(matrix[i : i + 7]) for i in range(0, 1000, 7)])
    assert alone.tolist() == together[:300].tolist()
    assert sevens.tolist() == together.tolist()


def test_same_estimator_gives_the_same_bytes() -> None:
    X = frame(200, seed=0)
    first, second = (
        to_onnx(
            make_pipeline(StandardScaler(), XGBClassifier(n_estimators=5, n_jobs=1)).fit(
                X, labels(X)
            ),
            INPUTS,
        )
        for _ in range(2)
    )
    assert first == second


def test_served_graph_takes_one_float32_tensor_and_gives_one_score_a_row() -> None:
    X = frame(200, seed=0)
    model = onnx.load_from_string(to_onnx(LogisticRegression().fit(X, labels(X)), INPUTS))
    taken, given = model.graph.input[0], model.graph.output[0]
    assert [i.name for i in model.graph.input] == ["inputs"]
    assert [o.name for o in model.graph.output] == ["score"]
    assert taken.type.tensor_type.elem_type == onnx.TensorProto.FLOAT
    assert taken.type.tensor_type.shape.dim[1].dim_value == len(INPUTS)
    assert len(given.type.tensor_type.shape.dim) == 1


def test_scorer_knows_its_inputs_and_scores_no_rows() -> None:
    X = frame(200, seed=0)
    scorer = OnnxScorer(to_onnx(LogisticRegression().fit(X, labels(X)), INPUTS))
    assert scorer.inputs == INPUTS
    assert scorer.score(np.empty((0, 4), dtype=np.float32)).tolist() == []


def test_difference_counts_rows_beyond_the_bound_and_takes_lone_nan_as_infinite() -> None:
    X = frame(300, seed=0)
    one = DecisionTreeClassifier(max_depth=2, random_state=0).fit(X, labels(X))
    other = OnnxScorer(to_onnx(DecisionTreeClassifier(random_state=0).fit(X, labels(X)), INPUTS))
    matrix = X.to_numpy()
    apart = np.abs(fitted_score(one, INPUTS, matrix) - other.score(matrix))
    expected = Difference(300, float(apart.max()), int((apart > 1e-3).sum()), 1e-3)
    assert difference(one, other, matrix) == expected
    assert 0 < expected.share_over <= 1

    linear = make_pipeline(SimpleImputer(), LogisticRegression()).fit(X, labels(X))
    no_missing = OnnxScorer(to_onnx(LogisticRegression().fit(X, labels(X)), INPUTS))
    matrix[0, 0] = np.nan
    assert difference(linear, no_missing, matrix[:1]).max_abs == np.inf


def test_difference_of_large_values_is_measured_against_their_size() -> None:
    X = frame(300, seed=0)
    estimator = Ridge().fit(X, X["amount"] * 1e7 + 1e7)
    apart = difference(estimator, OnnxScorer(to_onnx(estimator, INPUTS)), X.to_numpy())
    assert apart.max_abs > 1e-3
    assert apart.rows_over == 0


def test_thresholds_round_down_so_that_every_float32_keeps_its_side() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(size=2000).astype(np.float32)
    neighbours = np.nextafter(values, np.float32(np.inf))
    thresholds = (values.astype(np.float64) + neighbours.astype(np.float64)) / 2
    for x in (values, neighbours):
        kept = x <= round_down(thresholds)
        assert kept.tolist() == (x.astype(np.float64) <= thresholds).tolist()


class Doubled(TransformerMixin, BaseEstimator):
    """A transformer of the user's own."""

    def fit(self, X: Any, y: Any = None) -> Doubled:
        self.fitted_ = True
        return self

    def transform(self, X: Any) -> Any:
        return np.asarray(X) * 2


def three_classes(X: pd.DataFrame) -> Any:
    return LogisticRegression(max_iter=5000).fit(X, np.arange(len(X)) % 3)


def swapped(X: pd.DataFrame) -> Any:
    other = X[["spend.mean_7d", "amount", "spend.count_7d", "night"]]
    return DecisionTreeClassifier(max_depth=2).fit(other, labels(X))


@pytest.mark.parametrize(
    ("estimator", "says"),
    [
        (lambda X: make_pipeline(Doubled(), LogisticRegression()).fit(X, labels(X)), "Doubled"),
        (lambda X: LinearSVC().fit(X, labels(X)), "CalibratedClassifierCV"),
        (lambda X: LogisticRegression(), "not fitted; return estimator.fit"),
        (three_classes, "3 classes \\(0, 1, 2\\)"),
        (lambda X: DecisionTreeClassifier().fit(X, [0] * len(X)), "1 classes \\(0\\)"),
        (lambda X: DecisionTreeClassifier().fit(X[["amount"]], labels(X)), "on 1 columns"),
        (swapped, "spend.mean_7d for amount"),
        (lambda X: StandardScaler().fit(X), "neither a classifier nor a regressor"),
        (lambda X: "champion", "fit returned a str"),
    ],
)
def test_what_cannot_be_served_is_refused_with_what_to_do(estimator: Any, says: str) -> None:
    fitted = estimator(frame(100, seed=0))
    with pytest.raises(UnservableModel, match=says):
        to_onnx(fitted, INPUTS)


def test_categorical_histogram_boosting_is_refused_rather_than_served_wrong() -> None:
    X = frame(100, seed=0)
    fitted = HistGradientBoostingClassifier(max_iter=2, categorical_features=[3]).fit(X, labels(X))
    with pytest.raises(LakehouseError, match="categorical features"):
        to_onnx(fitted, INPUTS)


def test_scorer_refuses_a_matrix_of_other_width_and_bytes_that_are_no_model() -> None:
    X = frame(100, seed=0)
    scorer = OnnxScorer(to_onnx(DecisionTreeClassifier().fit(X, labels(X)), INPUTS))
    with pytest.raises(LakehouseError, match=r"4 columns \(amount, spend\.mean_7d"):
        scorer.score(np.zeros((2, 3), dtype=np.float32))
    with pytest.raises(LakehouseError, match="not a model ONNX Runtime can load"):
        OnnxScorer(b"not a model")
