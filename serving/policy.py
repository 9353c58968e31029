"""From a request and its stored features to a decision: expressions, ONNX, rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np
import onnxruntime

from lakehouse.declare.training import Model
from lakehouse.errors import LakehouseError
from lakehouse.features.online.answering.answers import Answers, Uncomputable, evaluated
from lakehouse.language.expressions import parse
from lakehouse.language.expressions import python as expressions_python
from lakehouse.language.kinds import Kind

_NUMBERS: tuple[Kind, ...] = ("int", "float", "decimal", "bool")
INPUT, OUTPUT = "inputs", "score"
"""What a released ONNX model calls its matrix, float32 [n, k], and its scores, [n]."""


@dataclass(frozen=True)
class Decided:
    """A score, the decision the rules make of it, and every feature by its full name."""

    score: float
    decision: str
    features: dict[str, Any]


class Policy:
    """What a model answers from, its ONNX session and its rules, ready to be asked.

    `inputs` are the full names of the session's columns, in order. `answers` makes the features.
    """

    def __init__(self, model: Model, inputs: Sequence[str], onnx: bytes) -> None:
        training_set = model.learns_from
        views = (training_set.stored_views, training_set.request_views)
        self.answers = Answers(training_set.request, *views)
        kinds: dict[str, Kind] = {**self.answers.kinds, "score": "float"}
        self._rules = [
            (rule.decision, expressions_python.compile(parse(rule.when), kinds, rule.decision))
            for rule in model.rules
        ]
        self._otherwise = model.otherwise
        self._session = _session(onnx)
        self._inputs = tuple(inputs)
        features = [f for of in views for v in of for f in v.features if f.many is None]
        numbers = {f.full_name for f in features if f.kind in _NUMBERS}
        if strange := [name for name in inputs if name not in numbers]:
            raise LakehouseError(
                f"input '{strange[0]}' is none of the declared features that are numbers; register "
                "the model again"
            )
        self._try()

    @property
    def decisions(self) -> tuple[str, ...]:
        """Every decision the rules can make."""
        return (*dict.fromkeys(decision for decision, _ in self._rules), self._otherwise)

    def decide(self, row: Mapping[str, Any], stored: Mapping[str, Any]) -> Decided:
        """Decide about one request; `stored` holds stored features by full name.

        Raises Uncomputable: an expression fails on the request, or the model gives no number.
        """
        names, features = self.answers.features(row, stored)
        score = self._score([_number(features[name]) for name in self._inputs])
        if not isfinite(score):
            raise Uncomputable("The model gives no number for this request.")
        names["score"] = score
        for decision, holds in self._rules:
            if evaluated(holds, names, f"rule '{decision}'") is True:
                return Decided(score, decision, features)
        return Decided(score, self._otherwise, features)

    def _try(self) -> None:
        """Score once, so that a model that cannot fails when it is loaded and not when asked."""
        try:
            self._score([0.0] * len(self._inputs))
        except Exception as error:  # ONNX Runtime's errors share no base of their own
            raise LakehouseError(
                f"the model does not score a row of its {len(self._inputs)} inputs "
                f"({str(error).splitlines()[0]}); register it again"
            ) from error

    def _score(self, inputs: list[float]) -> float:
        # Beside a copy of itself a row is scored to the bit as in a batch: ONNX Runtime multiplies
        # a lone one by another kernel, which rounds otherwise.
        matrix = np.array([inputs, inputs], dtype=np.float32)
        (scores,) = self._session.run([OUTPUT], {INPUT: matrix})
        return float(scores[0])


def _number(value: Any) -> float:
    """A feature as the model takes it: null is NaN, a boolean 0 or 1, a decimal a float."""
    return float("nan") if value is None else float(value)


def _session(onnx: bytes) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return onnxruntime.InferenceSession(
            onnx, sess_options=options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # ONNX Runtime's errors share no base of their own
        raise LakehouseError(
            f"ONNX Runtime cannot load the model ({str(error).splitlines()[0]}); register it again"
        ) from error
