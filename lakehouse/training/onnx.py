"""The served form of a fitted model: one float32 matrix in, one score a row out.

A model is served as ONNX, so law 8 makes the ONNX model *the* model: its scores are evaluated,
gated and reproduced. It computes in float32, as scikit-learn does when it is given float32.
Fit on float32 inputs and both see the same numbers: over the handbook's 58,264 test payments
a forest of 100 trees behind a StandardScaler then differs by 4e-7 at most, and an unlimited
tree nowhere. Scored on float64 inputs, the same forest differs by up to 0.03 on some 330 rows
and the tree is flipped on one to three, since a value a float32 step from a threshold falls on
its other side.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lakehouse.errors import LakehouseError

OPSETS = {"": 18, "ai.onnx.ml": 3}
"""The ONNX operator sets written; read by ONNX Runtime 1.14 and later."""

Scores = npt.NDArray[np.float64]


class UnservableModel(LakehouseError):
    """A fitted estimator cannot be served, because it has no form in ONNX or no single score."""


def to_onnx(estimator: Any, inputs: Sequence[str]) -> bytes:
    """Convert a fitted estimator to ONNX: input "inputs" float32 [n, k], output "score" [n].

    The score is the probability of the second class (True, 1) of a classifier, the predicted
    value of a regressor. `inputs` names the k columns in the order they were fitted in and is
    kept in the model's metadata. The estimator is any of scikit-learn's that skl2onnx converts,
    XGBClassifier or XGBRegressor, or a Pipeline of those; the same estimator gives the same
    bytes. Raises UnservableModel for what has no converter, no probabilities, or other than two
    classes.
    """
    from skl2onnx.common.data_types import FloatTensorType

    from lakehouse.training import onnx_graph

    classifier = _check(estimator, inputs)
    if onnx_graph.selects_by_name(estimator):
        columns = [(name, FloatTensorType([None, 1])) for name in inputs]
        model = _convert(estimator, columns)
        onnx_graph.split_inputs(model)
    else:
        model = _convert(estimator, [("inputs", FloatTensorType([None, len(inputs)]))])
    onnx_graph.keep_score(model, classifier)
    return onnx_graph.serialise(model, inputs)


class OnnxScorer:
    """Score float32 matrices with a served model in ONNX Runtime.

    `inputs` are the names of the columns in order. With one thread a row gets the same score,
    to the bit, alone and among others, so a replay repeats a decision; more threads add up the
    trees of small batches in another order. Safe to share between threads of the caller.
    """

    inputs: tuple[str, ...]

    def __init__(self, model: bytes, threads: int = 1) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        try:
            self._session = onnxruntime.InferenceSession(
                model, sess_options=options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # ONNX Runtime's errors share no base of their own
            raise LakehouseError(
                f"These {len(model)} bytes are not a model ONNX Runtime can load "
                f"({str(error).splitlines()[0]}); write it again with to_onnx."
            ) from error
        metadata = self._session.get_modelmeta().custom_metadata_map
        if "inputs" not in metadata:
            raise LakehouseError(
                "The ONNX model does not name its inputs, so it is none of to_onnx's; "
                "convert the fitted estimator with to_onnx."
            )
        self.inputs = tuple(json.loads(metadata["inputs"]))

    def score(self, matrix: npt.ArrayLike) -> Scores:
        """Return one score for each row of a matrix [n, k], taken as float32.

        Scores are computed in float32 and widened. A missing value is NaN; an estimator that
        knows no missing values gives NaN for its row.
        """
        rows = np.ascontiguousarray(matrix, dtype=np.float32)
        if rows.ndim != 2 or rows.shape[1] != len(self.inputs):
            raise LakehouseError(
                f"The model takes a matrix of {len(self.inputs)} columns "
                f"({', '.join(self.inputs[:5])}{', …' if len(self.inputs) > 5 else ''}), "
                f"not one of shape {rows.shape}."
            )
        if not len(rows):
            return np.empty(0)
        # ONNX Runtime multiplies a lone row by another kernel, which rounds otherwise: beside a
        # copy of itself it is scored as in a batch.
        fed = np.repeat(rows, 2, axis=0) if len(rows) == 1 else rows
        (scores,) = self._session.run(["score"], {"inputs": fed})
        return np.asarray(scores[: len(rows)], dtype=np.float64)


@dataclass(frozen=True)
class Difference:
    """How far a served model departs from the fitted estimator, over `rows` rows.

    `max_abs` is the largest difference of two scores, `rows_over` the number of rows where it
    exceeds `bound`, or `bound` times the fitted value where that is larger than 1. Where one of
    the two is NaN and the other is not, the difference is infinite.
    """

    rows: int
    max_abs: float
    rows_over: int
    bound: float

    @property
    def share_over(self) -> float:
        """The share of rows that differ by more than `bound`; 0 of no rows."""
        return self.rows_over / self.rows if self.rows else 0.0


def difference(
    estimator: Any, scorer: OnnxScorer, matrix: npt.ArrayLike, bound: float = 1e-3
) -> Difference:
    """Compare a served model with the estimator it was made of, over the rows of a matrix."""
    return departure(fitted_score(estimator, scorer.inputs, matrix), scorer.score(matrix), bound)


def departure(fitted: Scores, served: Scores, bound: float = 1e-3) -> Difference:
    """Compare the scores of a fitted estimator with those of the model made of it, row by row."""
    with np.errstate(invalid="ignore"):
        apart = np.abs(fitted - served)
    apart[np.isnan(fitted) & np.isnan(served)] = 0.0
    apart[np.isnan(apart)] = np.inf
    largest = float(apart.max()) if len(apart) else 0.0
    over = apart > bound * np.fmax(1.0, np.abs(fitted))
    return Difference(len(apart), largest, int(over.sum()), bound)


def fitted_score(estimator: Any, inputs: Sequence[str], matrix: npt.ArrayLike) -> Scores:
    """Return the fitted estimator's own score for each row, from the same float32 inputs."""
    from sklearn.base import is_classifier

    rows: Any = np.ascontiguousarray(matrix, dtype=np.float32)
    if hasattr(estimator, "feature_names_in_"):
        import pandas as pd

        rows = pd.DataFrame(rows, columns=list(inputs))
    if is_classifier(estimator):
        return np.asarray(estimator.predict_proba(rows)[:, 1], dtype=np.float64)
    return np.asarray(estimator.predict(rows), dtype=np.float64).reshape(-1)


def _check(estimator: Any, inputs: Sequence[str]) -> bool:
    """Return whether the estimator is a classifier; raise if it cannot give one score."""
    from sklearn.base import is_classifier, is_regressor
    from sklearn.exceptions import NotFittedError
    from sklearn.utils.validation import check_is_fitted

    name = type(estimator).__name__
    if not (hasattr(estimator, "fit") and (is_classifier(estimator) or is_regressor(estimator))):
        raise UnservableModel(
            f"fit returned a {name}, which is neither a classifier nor a regressor; return the "
            "fitted scikit-learn or XGBoost estimator, or a Pipeline that ends in one."
        )
    try:
        check_is_fitted(estimator)
    except NotFittedError as error:
        raise UnservableModel(f"The {name} is not fitted; return estimator.fit(X, y).") from error
    if (fitted_on := getattr(estimator, "n_features_in_", len(inputs))) != len(inputs):
        raise UnservableModel(
            f"The {name} was fitted on {fitted_on} columns, the model has {len(inputs)} inputs; "
            "fit on every column of X."
        )
    names = getattr(estimator, "feature_names_in_", inputs)
    if list(names) != list(inputs):
        moved = [f"{a} for {b}" for a, b in zip(names, inputs, strict=True) if a != b]
        raise UnservableModel(
            f"The {name} was fitted on columns in another order than the model's inputs "
            f"({', '.join(moved[:5])}); keep the order of X."
        )
    if not is_classifier(estimator):
        return False
    if not hasattr(estimator, "predict_proba"):
        raise UnservableModel(
            f"The {name} gives no probabilities; wrap it in "
            "sklearn.calibration.CalibratedClassifierCV."
        )
    if len(estimator.classes_) != 2:
        shown = ", ".join(map(str, estimator.classes_[:5]))
        raise UnservableModel(
            f"The {name} was fitted on {len(estimator.classes_)} classes ({shown}), a score "
            "needs two; look at the labels of the training set."
        )
    return True


def _convert(estimator: Any, types: list[tuple[str, Any]]) -> Any:
    import sys

    from skl2onnx import convert_sklearn
    from sklearn.base import is_classifier
    from sklearn.preprocessing import RobustScaler, StandardScaler

    from lakehouse.training import onnx_converters

    onnx_converters.register_trees()
    if "xgboost" in sys.modules:  # an XGBoost estimator is in hand only if it is loaded
        onnx_converters.register_xgboost()
    # "div": subtract, then divide, as scikit-learn does; multiplying by 1/scale rounds otherwise.
    options: dict[Any, Any] = {StandardScaler: {"div": "div"}, RobustScaler: {"div": "div"}}
    if is_classifier(estimator):
        options[id(estimator)] = {"zipmap": False}
    try:
        return convert_sklearn(
            estimator, name="model", initial_types=types, options=options, target_opset=OPSETS
        )
    except LakehouseError:
        raise
    except Exception as error:  # converters raise whatever they run into
        raise UnservableModel(_no_converter(estimator, error)) from error


def _no_converter(estimator: Any, error: Exception) -> str:
    steps = " → ".join(type(step).__name__ for _, step in getattr(estimator, "steps", []))
    what = f"Pipeline {steps}" if steps else type(estimator).__name__
    reason = str(error).strip().partition("\n")[0][:200].rstrip(".")
    return (
        f"{what} cannot be converted to ONNX, the form models are served in: {reason}. What can: "
        "XGBClassifier, XGBRegressor, and scikit-learn's linear models, trees, forests, boosting, "
        "neighbours, support vectors, scalers, imputers and encoders, alone or in a Pipeline. "
        "What a step of your own computes belongs among the features."
    )
