"""Training sets, models, rules and evaluations."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from lakehouse.declare import training_checks as checks
from lakehouse.declare.arguments import one, several
from lakehouse.declare.calls import declares
from lakehouse.declare.contract import Contract, ContractSpec, contract_spec
from lakehouse.declare.durations import Duration
from lakehouse.declare.features import Feature, RequestView, StoredView, View
from lakehouse.declare.fields import set_fields
from lakehouse.declare.gates import Claim, Gate, Task, at_least, at_most, beats, check_gate
from lakehouse.declare.tables import Source, Table, TableColumn, check_name, table_column
from lakehouse.errors import DeclarationError, unknown
from lakehouse.language import expressions
from lakehouse.language.kinds import Kind

__all__ = [
    "Claim",
    "Distributed",
    "Evaluation",
    "Fit",
    "Gate",
    "Model",
    "Rule",
    "Task",
    "TrainingSet",
    "at_least",
    "at_most",
    "beats",
]
Fit = Callable[[Any, Any], Any]
"""`fit(X, y)`: X a DataFrame of float features in declared order, y a Series of labels."""


@declares(
    "TrainingSet('fraud_training', label=labelled['is_fraud'], request=Payment, "
    "features=(card_spend,), train_last='28d', test_last='7d')"
)
@dataclass(frozen=True, init=False)
class TrainingSet:
    """Labelled moments and the features known at each of them.

    `label` is a boolean or numeric column of a table with an event time; each of its rows is a
    moment. A row takes part once its event time + `label_matures` lies before the moment the
    set is built for; a boolean label that is not known by then means "no". Without
    `label_matures` a row takes part once it is known; rows without a label, and rows without a
    numeric label in any case, are left out. `request` is the contract of what is known when the
    model is asked: its columns must be columns of the label's table. `features` are views, `only`
    picks single features of them; the stored views that request-time features use are found by
    themselves.

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
        features: Iterable[View],
        label_matures: str | Duration = "0d",
        train_last: str | Duration,
        test_last: str | Duration,
        gap: str | Duration | None = None,
        where: str | None = None,
        only: Iterable[Feature] | None = None,
    ) -> None:
        check_name("Training set", name)
        here = f"Training set '{name}'"
        one(here, "label", label, (TableColumn,), "label=payments['is_fraud']")
        table = label.table
        spec = contract_spec(request, here)
        checks.label(here, label)
        checks.request(here, spec, label)
        views = several(
            here,
            "features",
            features,
            (View,),
            "features=(card_spend,)",
        )
        stored, requested = checks.collected(here, spec, views)
        for view in stored:
            checks.entity(here, spec, view)
        inputs = checks.inputs(here, views, only)
        if where is not None:
            kinds: dict[str, Kind] = {c.name: c.kind for c in table.columns}
            expressions.condition(where, kinds, f"{here}.where")
        matures = Duration.parse_or_zero(label_matures)
        set_fields(
            self,
            name=name,
            label=label,
            request=spec,
            features=inputs,
            stored_views=stored,
            request_views=requested,
            label_matures=matures,
            train_last=Duration.parse(train_last),
            test_last=Duration.parse(test_last),
            gap=Duration.parse_or_zero(gap) if gap is not None else matures,
            where=where,
        )

    @property
    def table(self) -> Table:
        return self.label.table


@declares("Distributed(trees)")
@dataclass(frozen=True)
class Distributed:
    """A fit where the rows are, by all workers of the engine: `fit=Distributed(trees)`.

    `estimator` is a plain function without arguments, at the top of a module, that returns the
    unfitted `xgboost.XGBClassifier` or `XGBRegressor`. On Spark its trees are grown by XGBoost's
    own Spark estimator, and no training set has to fit in one process; the embedded engine fits
    the same estimator in its process.
    """

    estimator: Callable[[], Any]

    def __post_init__(self) -> None:
        checks.estimator(self.estimator)


@declares("Rule('block', when='score > 0.8')")
@dataclass(frozen=True)
class Rule:
    """A business rule: the decision given when an expression holds.

    `when` is over `score`, the request's columns and `view.feature` of the model's features.
    """

    decision: str
    when: str


@declares(
    "Model('fraud', learns_from=fraud_training, fit=fit, gate=Gate(at_least('roc_auc', 0.8)))"
)
@dataclass(frozen=True, init=False)
class Model:
    """What is learnt, how it is fitted, when it may serve, and what is decided with it.

    `fit` is a plain function `fit(X, y)` at the top of a module, which imports its library inside
    itself, or `Distributed(…)` for more rows than one process holds. `rules` are tried in order,
    the first that holds decides, else `otherwise`. `outcomes` is the source that feedback is
    written to. `group` names the request column for precision@100 a day, as in card precision.
    """

    name: str
    learns_from: TrainingSet
    fit: Fit | Distributed
    gate: Gate
    rules: tuple[Rule, ...]
    otherwise: str
    outcomes: Source | None
    task: Task
    group: str | None
    description: str
    owner: str

    def __init__(
        self,
        name: str,
        *,
        learns_from: TrainingSet,
        fit: Fit | Distributed,
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
        one(where, "learns_from", learns_from, (TrainingSet,), "learns_from= a TrainingSet")
        one(where, "gate", gate, (Gate,), "gate=Gate(at_least('roc_auc', 0.8))")
        if outcomes is not None:
            one(where, "outcomes", outcomes, (Source,), "outcomes= the Source that feedback is")
        if not isinstance(fit, Distributed):
            checks.fit(where, "fit", fit)
        rules = several(
            where, "rules", rules, (Rule,), "rules=(Rule('block', when='score > 0.8'),)"
        )
        checks.rules(where, learns_from, rules, otherwise)
        label = table_column(learns_from.table, learns_from.label.name)
        task: Task = "classification" if label.kind == "bool" else "regression"
        checks.group(where, learns_from, group)
        check_gate(gate, task, group is not None, where)
        set_fields(
            self,
            name=name,
            learns_from=learns_from,
            fit=fit,
            gate=gate,
            rules=rules,
            otherwise=otherwise,
            outcomes=outcomes,
            task=task,
            group=group,
            description=description,
            owner=owner,
        )

    @property
    def fitted_by(self) -> Callable[..., Any]:
        """The function whose code decides the fit: `fit`, or the one that makes the estimator."""
        return self.fit.estimator if isinstance(self.fit, Distributed) else self.fit


@declares(
    "Evaluation('handbook', training_set=fraud_training, train=('2018-07-25', '2018-08-01'), "
    "test=('2018-08-08', '2018-08-15'), estimators={'mine': fit}, published={})"
)
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

    def __post_init__(self) -> None:
        check_name("Evaluation", self.name)
        where = f"Evaluation '{self.name}'"
        one(where, "training_set", self.training_set, (TrainingSet,), "training_set= a TrainingSet")
        checks.dates(where, self.train, self.test)
        one(where, "estimators", self.estimators, (Mapping,), "estimators={'mine': fit}")
        one(where, "published", self.published, (Mapping,), "published={'mine': {'roc_auc': 0.8}}")
        if not self.estimators:
            raise DeclarationError(f"{where} has no estimator; write estimators={{'mine': fit}}.")
        for estimator, fit in self.estimators.items():
            checks.fit(where, f"estimator '{estimator}'", fit)
        for estimator in self.published:
            if estimator not in self.estimators:
                raise DeclarationError(unknown("estimator", estimator, self.estimators, where))
        if self.select_test is not None:
            checks.fit(where, "select_test", self.select_test)
        checks.group(where, self.training_set, self.group)
