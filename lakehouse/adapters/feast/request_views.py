"""Request-time features as Feast's on-demand views, computed by the declared expressions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from feast import Field
from feast.transformation.python_transformation import PythonTransformation

from lakehouse.adapters.feast import declarations
from lakehouse.adapters.feast.values import parsed
from lakehouse.declare.contract import Column
from lakehouse.declare.features import Feature, RequestView
from lakehouse.features.online.answering.answers import Answers

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Evaluator:
    """A request view made ready: what it asks for as Feast gives it, and what it answers."""

    view: RequestView
    columns: tuple[Column, ...]
    answers: Answers

    @staticmethod
    def of(view: RequestView) -> Evaluator:
        return Evaluator(view, view.asked_columns, Answers.of_view(view))

    def request(self, row: Row) -> dict[str, Any]:
        """The request's columns of one row, typed as its contract declares them."""
        where = f"View '{self.view.name}', column"
        return {
            c.name: parsed(c.kind, c.scale, row[c.name], f"{where} '{c.name}'")
            for c in self.columns
        }


@cache
def evaluator(domain: str, name: str) -> Evaluator:
    """A request view of an installed domain, made ready once."""
    named = {view.name: view for view in declarations.installed()[domain].request_views}
    return Evaluator.of(named[name])


class RequestTime:
    """The function of an on-demand view: columns of inputs in, columns of features out.

    It names its declaration instead of holding it, so that a registry stays small and the
    features are computed by the code that is installed.
    """

    def __init__(self, domain: str, view: str) -> None:
        self.domain, self.view = domain, view
        self.__name__ = view

    def __call__(self, inputs: Mapping[str, Sequence[Any]]) -> dict[str, list[Any]]:
        ready = evaluator(self.domain, self.view)
        view = ready.view
        request = {c.name: inputs[c.name] for c in ready.columns}
        stored = [f for used in view.uses for f in used.features]
        rows = len(next(iter(inputs.values()), ()))
        features: list[dict[str, Any]] = []
        for n in range(rows):
            row = ready.request({name: values[n] for name, values in request.items()})
            found = {f.full_name: _stored(f, inputs, n) for f in stored}
            features.append(ready.answers.features(row, found)[1])
        columns = {f.name: [row[f.full_name] for row in features] for f in view.features}
        # Feast looks for either name, by whether it was asked for full ones.
        return columns | {f.full_name: columns[f.name] for f in view.features}


def _stored(feature: Feature, inputs: Mapping[str, Sequence[Any]], row: int) -> Any:
    """A stored feature as declared; no expression takes a list, so none is looked at."""
    if feature.many is not None:
        return None
    value = inputs[feature.full_name][row]
    return parsed(feature.kind, feature.scale, value, f"Feature {feature.dotted}")


class RequestTransformation(PythonTransformation):
    """Feast's transformation over `RequestTime`; its features are declared, never guessed."""

    declared: list[Field]

    @staticmethod
    def of(domain: str, view: RequestView, fields: list[Field]) -> RequestTransformation:
        function: Any = RequestTime(domain, view.name)
        # Feast shows this text, compares it, and where it defines nothing takes the function.
        text = "\n".join(f"# {f.name} = {f.expression}" for f in view.features)
        made = RequestTransformation(udf=function, udf_string=text)
        made.declared = fields
        return made

    def infer_features(
        self,
        random_input: dict[str, Any],  # noqa: ARG002
        singleton: bool | None = False,  # noqa: ARG002
    ) -> list[Field]:
        """The declared fields; Feast would otherwise ask the function with made-up values."""
        return self.declared
