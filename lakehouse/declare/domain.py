"""A domain: one use case, and everything it declares, collected from what it names."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

from lakehouse.declare.arguments import no_repeats, one, several
from lakehouse.declare.calls import declares
from lakehouse.declare.features import Entity, RequestView, StoredView, View
from lakehouse.declare.fields import set_fields
from lakehouse.declare.logs import decision_log, served_log
from lakehouse.declare.tables import Cleaned, Curated, Raw, Source, Table, check_name
from lakehouse.declare.training import Evaluation, Model, TrainingSet
from lakehouse.errors import DeclarationError, NotFound, unknown

T = TypeVar("T")


@declares("Domain('payments_fraud', description='Which payments to stop.', models=(fraud,))")
@dataclass(frozen=True, init=False)
class Domain:
    """One use case. Tables, views and training sets are found from the models, evaluations,
    views and tables given; each model brings the table of its own decisions, and models of
    stored views the table of the features served.

    `deliver` names a function "module:function" that writes the domain's demonstration data
    into a landing folder: `deliver(landing, **options)`.
    """

    name: str
    description: str
    owner: str
    tables: tuple[Table, ...]
    views: tuple[View, ...]
    training_sets: tuple[TrainingSet, ...]
    models: tuple[Model, ...]
    evaluations: tuple[Evaluation, ...]
    deliver: str | None

    def __init__(
        self,
        name: str,
        *,
        description: str,
        owner: str = "",
        tables: Iterable[Table] = (),
        views: Iterable[View] = (),
        models: Iterable[Model] = (),
        evaluations: Iterable[Evaluation] = (),
        deliver: str | None = None,
    ) -> None:
        check_name("Domain", name)
        where = f"Domain '{name}'"
        tables = several(where, "tables", tables, (Cleaned, Curated), "tables=(payments,)")
        views = several(where, "views", views, (View,), "views=(card_spend,)")
        models = several(where, "models", models, (Model,), "models=(fraud,)")
        evaluations = several(
            where, "evaluations", evaluations, (Evaluation,), "evaluations=(handbook,)"
        )
        no_repeats(where, "model", (m.name for m in models))
        no_repeats(where, "evaluation", (e.name for e in evaluations))
        if deliver is not None:
            one(where, "deliver", deliver, (str,), "deliver='package.module:function'")
            if not re.fullmatch(r"[\w.]+:\w+", deliver):
                raise DeclarationError(
                    f"{where}: deliver='{deliver}' names no function; write "
                    "'package.module:function'."
                )
        found = _Collected(where)
        for table in tables:
            found.table(table)
        for view in views:
            found.view(view)
        for training_set in [m.learns_from for m in models] + [e.training_set for e in evaluations]:
            found.training_set(training_set)
        for model in models:
            if model.outcomes not in (None, *found.sources.values()):
                raise DeclarationError(
                    f"{where}, model '{model.name}': outcomes go to source "
                    f"'{model.outcomes.name}', which no table reads; declare "
                    "Cleaned(…, Raw(…, source)) and use it, or name it in tables=."
                )
            found.table(decision_log(model))
        if any(model.learns_from.stored_views for model in models):
            found.table(served_log())
        set_fields(
            self,
            name=name,
            description=description,
            owner=owner,
            tables=tuple(found.tables.values()),
            views=tuple(found.views.values()),
            training_sets=tuple(found.training_sets.values()),
            models=models,
            evaluations=evaluations,
            deliver=deliver,
        )

    @property
    def cleaned(self) -> tuple[Cleaned, ...]:
        return tuple(t for t in self.tables if isinstance(t, Cleaned))

    @property
    def curated(self) -> tuple[Curated, ...]:
        """Curated tables, each after the tables it reads."""
        return tuple(t for t in self.tables if isinstance(t, Curated))

    @property
    def stored_views(self) -> tuple[StoredView, ...]:
        return tuple(v for v in self.views if isinstance(v, StoredView))

    @property
    def request_views(self) -> tuple[RequestView, ...]:
        return tuple(v for v in self.views if isinstance(v, RequestView))

    def owner_of(self, view: View) -> str:
        """Who answers for a view: its own owner, else that of the contract it is of, else ours."""
        contract = view.contract
        return view.owner or (contract.owner if contract is not None else "") or self.owner

    def table(self, name: str) -> Table:
        """Return a table by name; raises NotFound naming what exists."""
        return self._named("table", name, {t.name: t for t in self.tables})

    def view(self, name: str) -> View:
        """Return a view by name; raises NotFound naming what exists."""
        return self._named("view", name, {v.name: v for v in self.views})

    def stored_view(self, name: str) -> StoredView:
        """Return a stored view by name; raises NotFound naming what exists."""
        view = self.view(name)
        if not isinstance(view, StoredView):
            uses = ", ".join(used.name for used in view.stored)
            raise NotFound(
                f"View '{name}' is computed from the request when it is asked for and not stored; "
                f"name one of the views that it uses ({uses}), or ask historical_features with the "
                "request's columns."
            )
        return view

    def model(self, name: str) -> Model:
        """Return a model by name; raises NotFound naming what exists."""
        return self._named("model", name, {m.name: m for m in self.models})

    def training_set(self, name: str) -> TrainingSet:
        """Return a training set by name; raises NotFound naming what exists."""
        return self._named("training set", name, {t.name: t for t in self.training_sets})

    def _named(self, kind: str, name: str, existing: dict[str, T]) -> T:
        if name not in existing:
            raise NotFound(unknown(kind, name, existing, f"Domain '{self.name}'"))
        return existing[name]


class _Collected:
    """Everything reachable, by name, inputs before what reads them."""

    def __init__(self, where: str) -> None:
        self.where = where
        self.sources: dict[str, Source] = {}
        self.raws: dict[str, Raw] = {}
        self.tables: dict[str, Table] = {}
        self.entities: dict[str, Entity] = {}
        self.views: dict[str, View] = {}
        self.training_sets: dict[str, TrainingSet] = {}

    def _add(self, kind: str, into: dict[str, T], name: str, item: T) -> None:
        if name in into and into[name] != item:
            plural = "entities" if kind == "entity" else f"{kind}s"
            raise DeclarationError(
                f"{self.where}: two different {plural} are called '{name}'; rename one."
            )
        into.setdefault(name, item)

    def table(self, table: Table) -> None:
        if isinstance(table, Curated):
            for read in table.inputs:
                self.table(read)
        else:
            self._add("source", self.sources, table.raw.source.name, table.raw.source)
            self._add("raw table", self.raws, table.raw.name, table.raw)
        self._add("table", self.tables, table.name, table)

    def view(self, view: View) -> None:
        for stored in view.stored:
            self.table(stored.of)
            self._add("entity", self.entities, stored.by.name, stored.by)
            self._add("view", self.views, stored.name, stored)
        self._add("view", self.views, view.name, view)

    def training_set(self, training_set: TrainingSet) -> None:
        self.table(training_set.table)
        for view in (*training_set.stored_views, *training_set.request_views):
            self.view(view)
        self._add("training set", self.training_sets, training_set.name, training_set)
