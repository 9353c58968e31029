"""The shape every served graph has: one float32 tensor in, one score a row out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np


def selects_by_name(estimator: Any) -> bool:
    """Tell whether a ColumnTransformer in the estimator picks its columns by name."""
    from sklearn.compose import ColumnTransformer
    from sklearn.pipeline import Pipeline

    if isinstance(estimator, Pipeline):
        return any(selects_by_name(step) for _, step in estimator.steps)
    return isinstance(estimator, ColumnTransformer) and hasattr(estimator, "feature_names_in_")


def split_inputs(model: Any) -> None:
    """Replace the graph's inputs, [n, 1] each, by one tensor "inputs" [n, k] that is split."""
    from onnx import TensorProto, helper, numpy_helper

    graph = model.graph
    columns = [column.name for column in graph.input]
    widths = numpy_helper.from_array(np.ones(len(columns), dtype=np.int64), "column_widths")
    whole = helper.make_tensor_value_info("inputs", TensorProto.FLOAT, [None, len(columns)])
    graph.initializer.append(widths)
    graph.node.insert(0, helper.make_node("Split", ["inputs", "column_widths"], columns, axis=1))
    del graph.input[:]
    graph.input.append(whole)


def keep_score(model: Any, classifier: bool) -> None:
    """End the graph in one output "score" [n]: the second class's probability, or the value."""
    from onnx import TensorProto, helper, numpy_helper

    graph = model.graph
    last = graph.output[1].name if classifier else graph.output[0].name
    if classifier:
        graph.initializer.append(numpy_helper.from_array(np.array(1, np.int64), "second_class"))
        graph.node.append(helper.make_node("Gather", [last, "second_class"], ["score"], axis=1))
    else:
        graph.initializer.append(numpy_helper.from_array(np.array([-1], np.int64), "flat"))
        graph.node.append(helper.make_node("Reshape", [last, "flat"], ["score"]))
    del graph.output[:]
    graph.output.append(helper.make_tensor_value_info("score", TensorProto.FLOAT, [None]))


def serialise(model: Any, inputs: Sequence[str]) -> bytes:
    """Check the graph and return its bytes, with the names of the inputs as metadata."""
    import onnx

    entry = model.metadata_props.add()
    entry.key, entry.value = "inputs", json.dumps(list(inputs), ensure_ascii=False)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString(deterministic=True))
