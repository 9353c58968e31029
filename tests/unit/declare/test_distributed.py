"""A distributed fit in a compiled declaration: named by its function, and absent elsewhere."""

from __future__ import annotations

from typing import Any

from feature_repo.payments_fraud.training import fraud, fraud_training
from lakehouse.declare import Distributed, Gate, Model
from lakehouse.declare.compiled import FunctionReference, digest, from_data, to_data


def trees() -> Any:
    raise AssertionError("declaring a model makes no estimator")


def other_trees(depth: int = 3) -> Any:
    raise AssertionError("declaring a model makes no estimator")


def fit(X: Any, y: Any) -> Any:
    raise AssertionError("declaring a model fits nothing")


def model(how: Any) -> Model:
    return Model("fraud", learns_from=fraud_training, fit=how, gate=Gate())


def test_the_function_that_makes_the_estimator_decides_the_fit() -> None:
    assert model(Distributed(trees)).fitted_by is trees
    assert model(fit).fitted_by is fit


def test_a_rebuilt_declaration_knows_the_function_by_name() -> None:
    declared = model(Distributed(trees))
    rebuilt = from_data(to_data(declared))
    assert isinstance(rebuilt.fit, Distributed)
    assert rebuilt.fitted_by == FunctionReference.of(trees)
    assert digest(rebuilt) == digest(declared)


def test_how_a_model_is_fitted_is_part_of_its_digest() -> None:
    ways = [Distributed(trees), Distributed(other_trees), fit]
    assert len({digest(model(how)) for how in ways}) == 3


def test_a_model_that_is_not_distributed_compiles_as_before() -> None:
    (node,) = (n for n in to_data(fraud)["nodes"] if n["type"] == "Model")
    names = "name learns_from fit gate rules otherwise outcomes task group description owner"
    assert list(node["fields"]) == names.split()
    assert "Distributed" not in {n["type"] for n in to_data(fraud)["nodes"]}
