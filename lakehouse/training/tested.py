"""What models are worth on the test rows: their scores, and the metrics of these."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from lakehouse.engines.batches import matrix, targets
from lakehouse.training import metrics as measure
from lakehouse.training.onnx import OnnxScorer, fitted_score
from lakehouse.training.scorers import AddScores
from lakehouse.training.staging import Staged
from lakehouse.training.training_set import Built

if TYPE_CHECKING:
    import pandas as pd

TOP_PER_DAY = 100


@dataclass(frozen=True)
class Tested:
    """The test rows, sorted by time and key, with the scores that models gave them, by name.

    `rows` has at least the event time, the label and the group; `example` the inputs of two.
    """

    built: Built | Staged
    rows: pa.Table
    group: str | None
    labels: Any
    scores: Mapping[str, Any]
    example: pd.DataFrame

    def metrics(self, name: str) -> dict[str, float]:
        return measured(self.built, self.rows, self.group, self.labels, self.scores[name])


def score_test(
    built: Built | Staged,
    group: str | None,
    models: Mapping[str, bytes],
    fitted: Mapping[str, Any],
) -> Tested:
    """Score the test rows with served models and fitted estimators.

    Staged rows are scored where they are: time, key, label, group and scores come back alone.
    """
    label = built.training_set.label.name
    if isinstance(built, Staged):
        keep = list(dict.fromkeys([*built.order, label, *([group] if group else [])]))
        add = AddScores(keep, models, fitted, built.inputs)
        rows = built.part("test", list(dict.fromkeys([*keep, *built.inputs])))
        none = built.engine.query("SELECT * FROM test WHERE FALSE", {"test": rows})
        schema = add.schema(built.engine.to_arrow(none).schema)
        scored = built.engine.to_arrow(built.engine.map_arrow(rows, add, schema))
        scored = scored.sort_by([(name, "ascending") for name in built.order])
        scores = {name: scored[name].to_numpy() for name in (*models, *fitted)}
        return Tested(built, scored, group, targets(scored[label]), scores, _two(built))
    test = built.part("test")
    X, y = built.matrix(test)
    served = {name: OnnxScorer(onnx) for name, onnx in models.items()}
    scores = {name: s.score(X[list(s.inputs)].to_numpy()) for name, s in served.items()}
    scores |= {
        name: fitted_score(estimator, built.inputs, X.to_numpy())
        for name, estimator in fitted.items()
    }
    return Tested(built, test, group, y.to_numpy(), scores, X.head(2))


def _two(built: Staged) -> pd.DataFrame:
    import pandas as pd

    test = built.part("test", built.inputs)
    two = built.engine.to_arrow(built.engine.query("SELECT * FROM test LIMIT 2", {"test": test}))
    return pd.DataFrame(matrix(two, built.inputs), columns=list(built.inputs))


def measured(
    built: Built | Staged, rows: pa.Table, group: str | None, labels: Any, scores: Any
) -> dict[str, float]:
    """The metrics of scores on some rows of a training set; `group` ranks per day by a column."""
    if not pa.types.is_boolean(rows[built.training_set.label.name].type):
        return measure.regression(labels, scores)
    found = measure.classification(labels, scores)
    if group is not None:
        found[f"precision_at_{TOP_PER_DAY}"] = measure.precision_at_k_per_day(
            labels,
            scores,
            day=days(rows, built),
            group=rows[group].to_numpy(zero_copy_only=False),
            k=TOP_PER_DAY,
        )
    return found


def days(rows: pa.Table, built: Built | Staged) -> Any:
    """The UTC day of each row's event time."""
    at = rows[str(built.training_set.table.event_time)]
    return at.cast(pa.int64()).to_numpy() // 86_400_000_000
