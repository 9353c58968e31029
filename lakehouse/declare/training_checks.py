"""What training sets, models and evaluations may not say: refused where they are declared."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from datetime import date
from typing import TYPE_CHECKING, Any

from lakehouse.declare.arguments import no_repeats, one, several
from lakehouse.declare.contract import ContractSpec
from lakehouse.declare.features import (
    Feature,
    RequestView,
    StoredView,
    stored_and_requested,
)
from lakehouse.declare.tables import TableColumn, table_column
from lakehouse.declare.view import kinds_of, refuse_lists
from lakehouse.errors import DeclarationError, described, unknown
from lakehouse.language import expressions
from lakehouse.language.kinds import NUMBERS, Kind

if TYPE_CHECKING:
    from lakehouse.declare.training import Rule, TrainingSet


def label(here: str, label: TableColumn) -> None:
    table = label.table
    if table.event_time is None:
        raise DeclarationError(
            f"{here}: table '{table.name}' has no event_time() column, the moment to learn from; "
            "mark one in its contract."
        )
    if not table.keys:
        raise DeclarationError(
            f"{here}: table '{table.name}' has no key() column to tell rows apart by; mark one in "
            "its contract."
        )
    kind = table_column(table, label.name, here).kind
    if kind not in ("bool", "int", "float", "decimal"):
        raise DeclarationError(f"{here}: label '{label.name}' is {kind}; learn a bool or a number.")


def request(here: str, spec: ContractSpec, label: TableColumn) -> None:
    """What is known when the model is asked stands in the label's table, and is not the label."""
    table = label.table
    for c in spec.columns:
        found = table_column(table, c.name, f"{here}, request {spec.name}")
        if (found.kind, found.scale) != (c.kind, c.scale):
            shown = [
                k.kind if k.scale is None else f"{k.kind} of scale {k.scale}" for k in (c, found)
            ]
            raise DeclarationError(
                f"{here}: '{c.name}' is {shown[0]} in request {spec.name} and {shown[1]} in table "
                f"'{table.name}'; declare one type."
            )
        if c.name == label.name:
            raise DeclarationError(
                f"{here}: request {spec.name} holds the label '{label.name}', which is not known "
                "when the model is asked; leave it out of the request."
            )
    if spec.event_time not in (None, table.event_time):
        raise DeclarationError(
            f"{here}: request {spec.name} is asked at '{spec.event_time}' and table "
            f"'{table.name}' happens at '{table.event_time}'; mark the same column event_time()."
        )


def collected(
    here: str, spec: ContractSpec, views: tuple[Any, ...]
) -> tuple[tuple[StoredView, ...], tuple[RequestView, ...]]:
    """The stored views, used by request views too, and the request views, each once."""
    for view in views:
        if view.request not in (None, spec):
            raise DeclarationError(
                f"{here}: request view '{view.name}' is for requests of {view.request.name}, the "
                f"training set for {spec.name}; declare one contract for both."
            )
    return stored_and_requested(views, here)


def entity(here: str, spec: ContractSpec, view: StoredView) -> None:
    for k in view.by.keys:
        if k not in spec.by_name:
            raise DeclarationError(
                f"{here}: view '{view.name}' is by '{k}', which request {spec.name} does not "
                "hold; add it to the request."
            )
        kind = table_column(view.of, k).kind
        if spec.by_name[k].kind != kind:
            raise DeclarationError(
                f"{here}: view '{view.name}' is by '{k}', which is {kind} in table "
                f"'{view.of.name}' and {spec.by_name[k].kind} in request {spec.name}; declare one "
                "type."
            )


def inputs(
    here: str, views: tuple[Any, ...], only: Iterable[Feature] | None
) -> tuple[Feature, ...]:
    features = tuple(f for view in views for f in view.features)
    if only is None:
        chosen = features
    else:
        chosen = several(here, "only", only, (Feature,), "only=(card_spend['payments_1d'],)")
        for f in chosen:
            if f not in features:
                known = [k.dotted for k in features]
                raise DeclarationError(unknown("feature", f.dotted, known, here))
        no_repeats(here, "feature", (f.dotted for f in chosen))
    lists = [f.dotted for f in chosen if f.many is not None]
    if lists:
        raise DeclarationError(
            f"{here}: {', '.join(lists[:5])} {'are lists' if lists[1:] else 'is a list'}, which no "
            "model takes; declare Last, or name the other features in only=."
        )
    for f in chosen:
        if f.kind not in (*NUMBERS, "bool"):
            raise DeclarationError(
                f"{here}: {f.dotted} is {f.kind}, and a model takes numbers and conditions: "
                f"declare one of them, as in {_AS_NUMBER[f.kind].format(f.dotted)} in a "
                "RequestView, or name the other features in only=."
            )
    if not chosen:
        raise DeclarationError(f"{here} has no feature; name a view, as in features=(card_spend,).")
    return chosen


_AS_NUMBER: dict[Kind, str] = {
    "string": "is_de=\"{} = 'DE'\"",
    "timestamp": 'hour_then="hour({})"',
    "date": 'known="{} is not null"',
}


def fit(where: str, option: str, function: Any) -> None:
    if not _at_the_top(function):
        raise DeclarationError(
            f"{where}: {option} must be a function at the top of a module, as in def fit(X, y), "
            f"so that its code can be named and found again; this is {_shown(function)}."
        )


def _at_the_top(function: Any) -> bool:
    return callable(function) and "<" not in getattr(function, "__qualname__", "<")


def _shown(function: Any) -> str:
    """What stands where a function at the top of a module belongs."""
    if not inspect.isfunction(function):
        return described(function)
    if function.__name__ == "<lambda>":
        return "a lambda"
    return f"'{function.__name__}', which stands inside another function"


def estimator(function: Any) -> None:
    """What makes a distributed fit's estimator is named like a fit, and takes nothing."""
    if not _at_the_top(function):
        raise DeclarationError(
            "Distributed(…) takes a function at the top of a module that returns the unfitted "
            "XGBClassifier or XGBRegressor, as in def trees(), so that its code can be named and "
            f"found again; this is {_shown(function)}."
        )
    if isinstance(function, type):
        return  # its signature would load its library
    needed = [
        name
        for name, parameter in inspect.signature(function).parameters.items()
        if parameter.default is parameter.empty
        and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    ]
    if needed:
        raise DeclarationError(
            f"Distributed({function.__qualname__}): the function asks for {', '.join(needed)}; it "
            "gets no data: let it return the unfitted estimator, as in def trees()."
        )


def rules(where: str, learns_from: TrainingSet, rules: tuple[Rule, ...], otherwise: str) -> None:
    request = learns_from.request
    kinds: dict[str, Kind] = {c.name: c.kind for c in request.columns}
    views = (*learns_from.stored_views, *learns_from.request_views)
    kinds |= kinds_of(views)
    if rules and "score" in kinds:
        raise DeclarationError(
            f"{where}: rules call the model's score 'score', which request {request.name} has a "
            "column of; rename the column."
        )
    kinds["score"] = "float"
    for rule in rules:
        refuse_lists(rule.when, views, f"{where}, rule '{rule.decision}'")
        expressions.condition(rule.when, kinds, f"{where}, rule '{rule.decision}'")
    for decision in (*(rule.decision for rule in rules), otherwise):
        if not isinstance(decision, str) or not decision.strip():
            raise DeclarationError(
                f"{where}: a decision is {described(decision)}; give each a name, as in 'accept'."
            )


def group(where: str, learns_from: TrainingSet, group: str | None) -> None:
    names = learns_from.request.by_name
    if group is None:
        return
    one(where, "group", group, (str,), "group='card_id'")
    if group not in names:
        subject = f"{where}, group: request {learns_from.request.name}"
        raise DeclarationError(unknown("column", group, names, subject))


def dates(where: str, train: tuple[str, str], test: tuple[str, str]) -> None:
    days: list[date] = []
    for option, span in (("train", train), ("test", test)):
        try:
            begin, until = (date.fromisoformat(day) for day in span)
        except (TypeError, ValueError):
            raise DeclarationError(
                f"{where}: {option}={span!r} is not a pair of dates; write {option}="
                "('2018-07-25', '2018-08-01'), the second not included."
            ) from None
        days += [begin, until]
    if not days[0] < days[1] <= days[2] < days[3]:
        raise DeclarationError(
            f"{where}: train {train[0]} until {train[1]} and test {test[0]} until {test[1]} do not "
            "follow each other; test on later days than were trained on."
        )
