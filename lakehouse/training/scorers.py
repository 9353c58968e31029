"""A model's scores as a function of record batches, for `Engine.map_arrow`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from lakehouse.engines.batches import matrix
from lakehouse.training.onnx import OnnxScorer, fitted_score


@dataclass(frozen=True)
class AddScores:
    """Keeps some columns of each row and adds a model's score for each of `models`.

    `models` are served models by the name of the column their score goes to; `fitted` are fitted
    estimators likewise, which take `inputs`. A score that is no number is null. It can be sent to
    a worker, where the models are loaded once for each part of the rows.
    """

    keep: Sequence[str]
    models: Mapping[str, bytes]
    fitted: Mapping[str, Any] = field(default_factory=dict)
    inputs: Sequence[str] = ()

    def schema(self, kept: pa.Schema) -> pa.Schema:
        """The schema of the answer, where `kept` holds the types of the columns kept."""
        fields = [kept.field(name) for name in self.keep]
        scores = [pa.field(name, pa.float64()) for name in (*self.models, *self.fitted)]
        return pa.schema([*fields, *scores])

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        scorers = {name: OnnxScorer(model) for name, model in self.models.items()}
        names = [*self.keep, *self.models, *self.fitted]
        for batch in batches:
            kept = [batch.column(name) for name in self.keep]
            served = [s.score(matrix(batch, s.inputs)) for s in scorers.values()]
            fitted = [
                fitted_score(estimator, self.inputs, matrix(batch, self.inputs))
                for estimator in self.fitted.values()
            ]
            scores = [_numbers(found) for found in (*served, *fitted)]
            yield pa.RecordBatch.from_arrays([*kept, *scores], names)


def _numbers(scores: Any) -> Any:
    return pa.array(scores, pa.float64(), mask=~np.isfinite(scores))
