"""Evaluations: a published protocol run through the platform's own features."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from lakehouse.context import Context
from lakehouse.declare.training import Evaluation
from lakehouse.errors import LakehouseError
from lakehouse.records.models import HEADLINES
from lakehouse.training.fitting import fit
from lakehouse.training.onnx import OnnxScorer, difference, fitted_score, to_onnx
from lakehouse.training.tested import measured
from lakehouse.training.training_set import Bounds, Built, build


def evaluate(
    ctx: Context,
    evaluation: Evaluation,
    progress: Callable[[str, str], None] = lambda stage, target: None,
) -> dict[str, Any]:
    """Fit every estimator of an evaluation and measure it on the test rows it keeps.

    Returns {"evaluation", "facts", "estimators"}: facts count rows and positives of the label
    table, of train and of test; each estimator has its metrics (of the fitted estimator, as
    published ones are), the published ones as `<metric> published`, and `served departs`, the
    largest difference of the served ONNX model's scores.
    """
    progress("evaluation", "features")
    # In hindsight: every label taken in counts, while features obey the known time of each moment.
    hindsight = ctx.records.now()
    built = build(ctx, evaluation.training_set, hindsight, bounds=_bounds(evaluation))
    train = built.part("train")
    test = _selected(evaluation, built)
    label = evaluation.training_set.label.name
    everything = ctx.engine.query(
        f"SELECT count(*) AS n, count(CASE WHEN {label} THEN 1 END) AS positive FROM labelled",
        {"labelled": ctx.read(evaluation.training_set.table)},
    )
    (labelled,) = ctx.engine.to_arrow(everything).to_pylist()
    facts = {
        "rows": labelled["n"],
        "positive": labelled["positive"],
        "train": train.num_rows,
        "train positive": pc.sum(train[label].cast(pa.int64())).as_py(),
        "test": test.num_rows,
        "test positive": pc.sum(test[label].cast(pa.int64())).as_py(),
        "digest": built.digest,
    }
    rows = []
    for name, function in evaluation.estimators.items():
        progress("evaluation", name)
        rows.append({"estimator": name, **_measured(evaluation, built, test, name, function)})
    return {"evaluation": evaluation.name, "facts": facts, "estimators": rows}


def _measured(
    evaluation: Evaluation, built: Built, test: pa.Table, name: str, function: Any
) -> dict[str, Any]:
    estimator = fit(function, built, seed=0)
    X, y = built.matrix(test)
    labels = y.to_numpy()
    scores = fitted_score(estimator, built.inputs, X.to_numpy())
    found = measured(built, test, evaluation.group, labels, scores)
    published = evaluation.published.get(name, {})
    wanted = list(published) or [name for name in HEADLINES if name in found]
    answer: dict[str, Any] = {}
    for metric in wanted:
        answer[metric] = found[metric]
        answer[f"{metric} published"] = published.get(metric)
    scorer = OnnxScorer(to_onnx(estimator, built.inputs))
    answer["served departs"] = difference(estimator, scorer, X.to_numpy()).max_abs
    return answer


def _bounds(evaluation: Evaluation) -> Bounds:
    def day(text: str) -> datetime:
        return datetime.fromisoformat(text).replace(tzinfo=UTC)

    return Bounds(*map(day, (*evaluation.train, *evaluation.test)))


def _selected(evaluation: Evaluation, built: Built) -> pa.Table:
    test = built.part("test")
    if evaluation.select_test is None:
        return test
    mask = evaluation.select_test(built.frame.to_pandas())
    if len(mask) != test.num_rows:
        raise LakehouseError(
            f"Evaluation '{evaluation.name}': select_test gave {len(mask)} answers for "
            f"{test.num_rows} test rows; give one boolean for each, in order."
        )
    return test.filter(pa.array(mask.to_numpy(dtype=bool)))
