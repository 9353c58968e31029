"""Training sets, models, gates, rules and evaluations."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from lakehouse.declare import expressions
from lakehouse.declare.contract import Contract, ContractSpec, Kind
from lakehouse.declare.durations import Duration
from lakehouse.declare.features import Feature, RequestView, StoredView
from lakehouse.declare.tables import Source, Table, TableColumn, check_name, table_column
from lakehouse.errors import DeclarationError

Fit = Callable[[Any, Any], Any]
"""`fit(X, y)`: X a DataFrame of float features in declared order, y a Series of labels."""


@dataclass(frozen=True, init=False)
class TrainingSet:
    """Labelled moments and the features known at each of them.

    `label` is a boolean or numeric column of a table with an event time; each of its rows is a
    moment. A row takes part once its event time + `label_matures` is not after the moment the
    set is built for; a boolean label that is null then means "no", rows without a numeric
    label are left out. `request` is the contract of what is known when the model is asked: its
    columns must be columns of the label's table. `features` are views or single features; the
    stored views that request-time features use are found by themselves.

    The split is in time, counted back from the last mature moment: `test_last`, before it a gap
    of `gap` (default: `label_matures`, for at that distance labels could be known), before it
    `train_last`.
    `where` selects rows by an expression over the label table's columns.
    """

    name: str
    label: TableColumn
    request: ContractSpec
    features: tuple[Feature, ...]
    stored_views: tuple[StoredView, ...]
    request_views: tuple[RequestView, ...]
    label_matures: Duration
    train_last: Duration
    test_last: Duration
    gap: Duration
    where: str | None

    def __init__(
        self,
        name: str,
        *,
        label: TableColumn,
        request: type[Contract] | ContractSpec,
        features: Iterable[StoredView | RequestView],
        label_matures: str | Duration = "0d",
        train_last: str | Duration,
        test_last: str | Duration,
        gap: str | Duration | None = None,
        where: str | None = None,
        only: Iterable[Feature] | None = None,
    ) -> None:
        check_name("Training set", name)
        here = f"Training set '{name}'"
        table = label.table
        if table.event_time is None:
            raise DeclarationError(f"{here}: table '{table.name}' has no event_time() column.")
        if not table.keys:
            raise DeclarationError(f"{here}: table '{table.name}' has no key() column.")
        kind = table_column(table, label.name, here).kind
        if kind not in ("bool", "int", "float", "decimal"):
            raise DeclarationError(f"{here}: label '{label.name}' is {kind}, not bool or a number.")
        spec = request if isinstance(request, ContractSpec) else request.spec
        for c in spec.columns:
            found = table_column(table, c.name, f"{here}, request {spec.name}")
            if found.kind != c.kind:
                raise DeclarationError(
                    f"{here}: '{c.name}' is {c.kind} in request {spec.name} and "
                    f"{found.kind} in table '{table.name}'; declare one type."
                )
            if c.name == label.name:
                raise DeclarationError(
                    f"{here}: request {spec.name} holds the label '{label.name}', which is not "
                    "known when the model is asked; leave it out of the request."
                )
        views = tuple(features)
        stored: dict[str, StoredView] = {}
        requested: dict[str, RequestView] = {}
        for view in views:
            if isinstance(view, RequestView):
                if view.request != spec:
                    raise DeclarationError(
                        f"{here}: request view '{view.name}' is for {view.request.name}, the "
                        f"training set for {spec.name}."
                    )
                requested[view.name] = view
                stored |= {used.name: used for used in view.uses}
            else:
                stored[view.name] = view
        for stored_view in stored.values():
            for k in stored_view.by.keys:
                if k not in spec.by_name:
                    raise DeclarationError(
                        f"{here}: view '{stored_view.name}' is by '{k}', which request "
                        f"{spec.name} does not hold; add it to the request."
                    )
        inputs = (
            tuple(only) if only is not None else tuple(f for view in views for f in view.features)
        )
        if where is not None:
            kinds: dict[str, Kind] = {c.name: c.kind for c in table.columns}
            expressions.kind_of(expressions.parse(where), kinds, f"{here}.where")
        matures = parse_zero(label_matures)
        for attribute, value in (
            ("name", name),
            ("label", label),
            ("request", spec),
            ("features", inputs),
            ("stored_views", tuple(stored.values())),
            ("request_views", tuple(requested.values())),
            ("label_matures", matures),
            ("train_last", Duration.parse(train_last)),
            ("test_last", Duration.parse(test_last)),
            ("gap", parse_zero(gap) if gap is not None else matures),
            ("where", where),
        ):
            object.__setattr__(self, attribute, value)

    @property
    def table(self) -> Table:
        return self.label.table


def parse_zero(text: str | Duration) -> Duration:
    """Read a duration that may be nothing at all: '0d'."""
    return Duration(0, "0d") if text == "0d" else Duration.parse(text)


@dataclass(frozen=True)
class Claim:
    """One condition of a gate on a metric of the served model.

    "at_least" and "at_most" compare with `value`; "beats" asks for `value` more than the
    champion has on the same test rows (passed while there is no champion).
    """

    kind: Literal["at_least", "at_most", "beats"]
    metric: str
    value: float


def at_least(metric: str, value: float) -> Claim:
    """Claim that a metric reaches a value."""
    return Claim("at_least", metric, value)


def at_most(metric: str, value: float) -> Claim:
    """Claim that a metric stays at or below a value."""
    return Claim("at_most", metric, value)


def beats(champion: Literal["champion"], metric: str, by: float = 0.0) -> Claim:
    """Claim that a metric exceeds the champion's, on the same test rows, by at least `by`."""
    if champion != "champion":
        raise DeclarationError(f"beats('{champion}', …): only the 'champion' can be beaten.")
    return Claim("beats", metric, by)


@dataclass(frozen=True, init=False)
class Gate:
    """What a candidate must show to become champion; every claim must hold.

    `max_difference` bounds how far the served ONNX model may depart from the fitted estimator,
    as the share of test rows whose scores differ by more than 0.001.
    """

    claims: tuple[Claim, ...]
    max_difference: float

    def __init__(self, *claims: Claim, max_difference: float = 0.001) -> None:
        object.__setattr__(self, "claims", claims)
        object.__setattr__(self, "max_difference", max_difference)


@dataclass(frozen=True)
class Rule:
    """A business rule: the decision given when an expression holds.

    `when` is over `score`, the request's columns and `view.feature` of the model's features.
    """

    decision: str
    when: str


@dataclass(frozen=True, init=False)
class Model:
    """What is learnt, how it is fitted, when it may serve, and what is decided with it.

    `fit` is a plain function `fit(X, y)` at the top of a module, which imports its library inside
    itself. `rules` are tried in order, the first that holds decides, else `otherwise`.
    `outcomes` is the source that feedback is written to. `group` names the request column for
    precision@100 a day, as in card precision.
    """

    name: str
    learns_from: TrainingSet
    fit: Fit
    gate: Gate
    rules: tuple[Rule, ...]
    otherwise: str
    outcomes: Source | None
    task: Literal["classification", "regression"]
    group: str | None
    description: str
    owner: str

    def __init__(
        self,
        name: str,
        *,
        learns_from: TrainingSet,
        fit: Fit,
        gate: Gate,
        rules: Iterable[Rule] = (),
        otherwise: str = "accept",
        outcomes: Source | None = None,
        group: str | None = None,
        description: str = "",
        owner: str = "",
    ) -> None:
        check_name("Model", name)
        where = f"Model '{name}'"
        if not callable(fit) or "<" in getattr(fit, "__qualname__", "<"):
            raise DeclarationError(
                f"{where}: fit must be a function at the top of a module, fit(X, y), so that "
                "its code can be named and found again."
            )
        rules = tuple(rules)
        kinds: dict[str, Kind] = {c.name: c.kind for c in learns_from.request.columns}
        views = (*learns_from.stored_views, *learns_from.request_views)
        kinds |= {f.dotted: f.kind for view in views for f in view.features}
        kinds["score"] = "float"
        for rule in rules:
            got = expressions.kind_of(
                expressions.parse(rule.when), kinds, f"{where}, rule '{rule.decision}'"
            )
            if got not in ("bool", None):
                raise DeclarationError(
                    f"{where}, rule '{rule.decision}': \"{rule.when}\" must be a condition, "
                    f"it gives {got}."
                )
        if group is not None:
            learns_from.request.column(group)
        label = table_column(learns_from.table, learns_from.label.name)
        for attribute, value in (
            ("name", name),
            ("learns_from", learns_from),
            ("fit", fit),
            ("gate", gate),
            ("rules", rules),
            ("otherwise", otherwise),
            ("outcomes", outcomes),
            ("task", "classification" if label.kind == "bool" else "regression"),
            ("group", group),
            ("description", description),
            ("owner", owner),
        ):
            object.__setattr__(self, attribute, value)


@dataclass(frozen=True)
class Evaluation:
    """A published protocol, run through the platform's own features and compared.

    `train` and `test` are [from, until) dates such as ("2018-07-25", "2018-08-01"). `select_test`
    names, as a function (frame of the label table's rows in train, test and between) → boolean
    mask over the test rows, the rows that the protocol keeps. `published` holds, for each
    estimator, the metrics to print beside.
    """

    name: str
    training_set: TrainingSet
    train: tuple[str, str]
    test: tuple[str, str]
    estimators: Mapping[str, Fit]
    published: Mapping[str, Mapping[str, float]]
    select_test: Callable[[Any], Any] | None = None
    group: str | None = None
    description: str = ""
