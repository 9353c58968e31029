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
from lakehouse.declare.feature import kinds_of
from lakehouse.declare.features import RequestView
from lakehouse.language.expressions import names, parse
from lakehouse.language.expressions import python as expressions_python

Row = Mapping[str, Any]


def columns_asked(view: RequestView) -> list[Column]:
    """What a caller sends: the request's columns that the expressions use, and its event time."""
    used = {name for _, text in view.expressions for name in names(parse(text))}
    return [c for c in view.request_columns if c.name in used or c.event_time]


@dataclass(frozen=True)
class Evaluator:
    """A request view made ready: what it asks for, and the functions of its features."""

    view: RequestView
    columns: tuple[Column, ...]
    functions: tuple[tuple[str, expressions_python.Evaluate, bool], ...]

    @staticmethod
    def of(view: RequestView) -> Evaluator:
        kinds = {c.name: c.kind for c in view.request_columns}
        kinds |= kinds_of(view.uses)
        functions = []
        for f in view.features:
            where = f"Request view '{view.name}'.{f.name}"
            compiled = expressions_python.compile(parse(str(f.expression)), kinds, where)
            functions.append((f.name, compiled, f.kind == "float"))
        return Evaluator(view, tuple(columns_asked(view)), tuple(functions))

    def request(self, given: Row) -> dict[str, Any]:
        """The request's columns of one row, typed as its contract declares them."""
        where = f"View '{self.view.name}', column"
        return {
            c.name: parsed(c.kind, c.scale, given[c.name], f"{where} '{c.name}'")
            for c in self.columns
        }

    def features(self, values: Row) -> dict[str, Any]:
        """The features, from typed columns and from stored features as `view.name`."""
        found = {}
        for name, function, as_float in self.functions:
            value = function(values)
            found[name] = float(value) if as_float and value is not None else value
        return found


@cache
def evaluator(domain: str, name: str) -> Evaluator:
    """A request view of an installed domain, made ready once."""
    view = declarations.installed()[domain].view(name)
    assert isinstance(view, RequestView)
    return Evaluator.of(view)


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
        asked = {c.name: inputs[c.name] for c in ready.columns}
        stored = {
            f.dotted: (f, inputs[f.full_name])
            for used in view.uses
            for f in used.features
            if f.many is None  # no expression takes a list
        }
        rows = len(next(iter(inputs.values()), ()))
        features: list[dict[str, Any]] = []
        for n in range(rows):
            row = ready.request({name: values[n] for name, values in asked.items()})
            row |= {
                name: parsed(f.kind, f.scale, values[n], f"Feature {name}")
                for name, (f, values) in stored.items()
            }
            features.append(ready.features(row))
        columns = {f.name: [row[f.name] for row in features] for f in view.features}
        # Feast looks for either name, by whether it was asked for full ones.
        return columns | {f.full_name: columns[f.name] for f in view.features}


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
