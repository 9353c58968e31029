"""Converters for trees and XGBoost, mended where the libraries' own give other predictions.

Three things come out wrong in skl2onnx 1.20 and onnxmltools 1.16, two of them silently:

- scikit-learn's trees and forests send a missing value left or right at each node; skl2onnx
  always sends it right. Half of the predictions change once a null mean is among the inputs.
- Histogram gradient boosting compares with thresholds in double precision; rounding them to
  float32 to nearest flips rows that lie on the threshold. Its booleans among integers are
  refused by onnx 1.23.
- XGBoost fitted on named columns is refused, because its dump then speaks of names.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import cache
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt

from lakehouse.errors import LakehouseError

Converter = Callable[[Any, Any, Any], None]

_MISSING = "nodes_missing_value_tracks_true"


@cache
def register_trees() -> None:
    """Replace skl2onnx's converters of trees, forests and histogram gradient boosting."""
    from skl2onnx.common._registration import get_converter, register_converter

    for task in ("Classifier", "Regressor"):
        for family in ("DecisionTree", "ExtraTree", "RandomForest", "ExtraTrees"):
            alias = f"Sklearn{family}{task}"
            theirs = get_converter(alias)
            options = theirs._options
            register_converter(alias, _routing_missing(theirs), overwrite=True, options=options)
        alias = f"SklearnHistGradientBoosting{task}"
        theirs = get_converter(alias)
        options = theirs._options
        register_converter(alias, _with_plain_nodes(theirs), overwrite=True, options=options)


@cache
def register_xgboost() -> None:
    """Teach skl2onnx to convert XGBClassifier and XGBRegressor through onnxmltools."""
    import xgboost
    from onnxmltools.convert.xgboost.operator_converters.XGBoost import convert_xgboost
    from skl2onnx import update_registered_converter
    from skl2onnx.common.shape_calculator import (
        calculate_linear_classifier_output_shapes,
        calculate_linear_regressor_output_shapes,
    )

    update_registered_converter(
        xgboost.XGBClassifier,
        "XGBoostXGBClassifier",
        calculate_linear_classifier_output_shapes,
        _without_names(convert_xgboost),
        options={"nocl": [True, False], "zipmap": [True, False, "columns"]},
    )
    update_registered_converter(
        xgboost.XGBRegressor,
        "XGBoostXGBRegressor",
        calculate_linear_regressor_output_shapes,
        _without_names(convert_xgboost),
    )


def round_down(thresholds: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    """Return the largest float32 not above each threshold, so that x ≤ t keeps its meaning.

    For every float32 x, `x <= t` holds exactly when `x <= round_down(t)`.

    >>> nearest, down = float(np.float32(0.1)), float(round_down(np.array([0.1]))[0])
    >>> nearest <= 0.1, down <= 0.1
    (False, True)
    """
    nearest = thresholds.astype(np.float32)
    below = np.nextafter(nearest, np.float32(-np.inf))
    return np.where(nearest.astype(np.float64) > thresholds, below, nearest).astype(np.float32)


def _routing_missing(theirs: Converter) -> Converter:
    def convert(scope: Any, operator: Any, container: Any) -> None:
        first = len(container.nodes)
        theirs(scope, operator, container)
        estimator = operator.raw_operator
        members = [estimator] if hasattr(estimator, "tree_") else estimator.estimators_
        for node in container.nodes[first:]:
            if node.op_type.startswith("TreeEnsemble"):
                _route_missing(node, [member.tree_ for member in members])

    return convert


def _route_missing(node: Any, trees: list[Any]) -> None:
    """Set where each node of a tree ensemble sends a missing value, as the fitted trees do."""
    attributes = {a.name: a for a in node.attribute}
    left = [
        np.where(tree.children_left < 0, 0, tree.missing_go_to_left).astype(int) for tree in trees
    ]
    where = zip(attributes["nodes_treeids"].ints, attributes["nodes_nodeids"].ints, strict=True)
    flags = [int(left[tree][index]) for tree, index in where]
    del attributes[_MISSING].ints[:]
    attributes[_MISSING].ints.extend(flags)


def _with_plain_nodes(theirs: Converter) -> Converter:
    def convert(scope: Any, operator: Any, container: Any) -> None:
        fitted = operator.raw_operator
        if fitted.is_categorical_ is not None and fitted.is_categorical_.any():
            raise LakehouseError(
                f"{type(fitted).__name__} with categorical features cannot be converted to "
                "ONNX; encode them before the estimator, or use trees on plain numbers."
            )
        plain = copy.copy(fitted)
        plain._predictors = [
            [SimpleNamespace(nodes=_plain_nodes(tree.nodes)) for tree in iteration]
            for iteration in fitted._predictors
        ]
        add_node = container.add_node

        def add_plain_node(*args: Any, **attributes: Any) -> None:
            if _MISSING in attributes:
                attributes[_MISSING] = [int(flag) for flag in attributes[_MISSING]]
            add_node(*args, **attributes)

        operator.raw_operator, container.add_node = plain, add_plain_node
        try:
            theirs(scope, operator, container)
        finally:
            operator.raw_operator, container.add_node = fitted, add_node

    return convert


def _plain_nodes(nodes: npt.NDArray[Any]) -> list[dict[str, Any]]:
    thresholds = round_down(nodes["num_threshold"])
    return [
        {
            "is_leaf": bool(node["is_leaf"]),
            "feature_idx": int(node["feature_idx"]),
            "threshold": float(threshold),
            "left": int(node["left"]),
            "right": int(node["right"]),
            "missing_go_to_left": int(node["missing_go_to_left"]),
            "value": node["value"],
        }
        for node, threshold in zip(nodes, thresholds, strict=True)
    ]


def _without_names(theirs: Converter) -> Converter:
    def convert(scope: Any, operator: Any, container: Any) -> None:
        fitted = operator.raw_operator
        nameless = copy.copy(fitted)
        nameless._Booster = fitted.get_booster().copy()
        nameless._Booster.feature_names = None
        operator.raw_operator = nameless
        try:
            theirs(scope, operator, container)
        finally:
            operator.raw_operator = fitted

    return convert
