"""Declarations as Feast objects: entities, views, on-demand views, services, sources.

One Feast project holds all domains, so names must differ between them. Sources name their tables
by the path below the lake's folder.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from feast import (
    Entity,
    FeatureService,
    FeatureView,
    Field,
    FileSource,
    OnDemandFeatureView,
    Project,
    PushSource,
    RequestSource,
)
from feast.data_format import DeltaFormat

from lakehouse.adapters.feast import declarations
from lakehouse.adapters.feast.request_views import RequestTransformation
from lakehouse.adapters.feast.values import FEAST_TYPES, feast_type
from lakehouse.declare.columns import Column
from lakehouse.declare.domain import Domain
from lakehouse.declare.features import RequestView, StoredView
from lakehouse.declare.tables import Table, table_column
from lakehouse.declare.training import TrainingSet
from lakehouse.errors import DeclarationError
from lakehouse.language.provenance import KNOWN_AT
from lakehouse.storage.catalog import place

PROJECT = "lakehouse"


def installed() -> dict[str, Any]:
    """The Feast objects of every installed domain, by a name of their own."""
    return compiled(declarations.installed().values())


def compiled(domains: Iterable[Domain]) -> dict[str, Any]:
    """The Feast objects of some domains; raises DeclarationError where two share a name."""
    made = _Made()
    for domain in domains:
        made.domain(domain)
    return {"project": Project(name=PROJECT, description="Features as declared."), **made.objects}


def rows_view_name(table: Table) -> str:
    """The name of the Feast view of a table's rows."""
    return f"{table.name}_rows"


def push_source_name(table: Table) -> str:
    """The name of the source that rows of a table are pushed to."""
    return f"{table.name}_push"


class _Made:
    """Objects made so far, each by its kind and name, with the domain that it is from."""

    def __init__(self) -> None:
        self.objects: dict[str, Any] = {}
        self._from: dict[str, str] = {}

    def domain(self, domain: Domain) -> None:
        views: dict[str, FeatureView | OnDemandFeatureView] = {}
        for stored in domain.stored_views:
            views[stored.name] = self._stored(domain, stored)
        for view in domain.request_views:
            views[view.name] = self._requested(domain, view, views)
        for table in {view.of.name: view.of for view in domain.stored_views}.values():
            if _keys(table):
                self._rows(domain, table)
        for training_set in domain.training_sets:
            self._service(domain, training_set.name, training_set, views)
        for model in domain.models:
            self._service(
                domain, model.name, model.learns_from, views, model.description, model.owner
            )

    def _add(self, domain: Domain, kind: str, name: str, made: Any) -> Any:
        place = f"{kind} {name}"
        before = self._from.setdefault(place, domain.name)
        if before != domain.name:
            raise DeclarationError(
                f"Domains '{before}' and '{domain.name}' both have a {kind} called '{name}', and "
                "one Feast repository cannot hold both; rename one."
            )
        self.objects.setdefault(place, made)
        return self.objects[place]

    def _entity(self, domain: Domain, name: str, key: Column) -> Entity:
        place = f"entity {name}"
        made = Entity(
            name=name,
            join_keys=[key.name],
            value_type=FEAST_TYPES[key.kind].to_value_type(),
            description=key.description,
        )
        there = self.objects.get(place)
        if there is not None and (there.join_key, there.value_type) != (
            made.join_key,
            made.value_type,
        ):
            raise DeclarationError(
                f"Domains '{self._from[place]}' and '{domain.name}' both have an entity called "
                f"'{name}', with different keys; rename one."
            )
        self._from.setdefault(place, domain.name)
        self.objects.setdefault(place, made)
        entity: Entity = self.objects[place]
        return entity

    def _stored(self, domain: Domain, view: StoredView) -> FeatureView:
        keys = [table_column(view.of, name) for name in view.by.keys]
        one = len(keys) == 1
        entities = [
            self._entity(domain, view.by.name if one else f"{view.by.name}_{key.name}", key)
            for key in keys
        ]
        made = FeatureView(
            name=view.name,
            entities=entities,
            schema=[_field(key) for key in keys]
            + [Field(name=f.name, dtype=feast_type(f)) for f in view.features],
            source=self._source(domain, view.of),
            ttl=_ttl(view),
            description=view.description,
            owner=domain.owner_of(view),
            tags=declarations.tags_of_view(domain, view),
        )
        added: FeatureView = self._add(domain, "view", view.name, made)
        return added

    def _source(self, domain: Domain, table: Table) -> FileSource:
        path = place(table.zone, domain.name, table.name)
        made = FileSource(
            name=f"{table.zone}/{domain.name}/{table.name}",
            path=path,
            file_format=DeltaFormat(),
            timestamp_field=table.event_time or KNOWN_AT,
            created_timestamp_column=KNOWN_AT if table.event_time else "",
            description=table.description,
            tags={declarations.DOMAIN: domain.name, declarations.TABLE: table.name},
        )
        source: FileSource = self._add(domain, "source", made.name, made)
        return source

    def _rows(self, domain: Domain, table: Table) -> None:
        keys = _keys(table)
        declared = {v.by.keys: v.by.name for v in domain.stored_views}
        entities = [
            self._entity(domain, declared.get((key.name,), f"{table.name}_{key.name}"), key)
            for key in keys
        ]
        named = {c.name for c in keys} | {table.event_time, table.contract.known_at}
        source = FileSource(
            name=rows_view_name(table),
            path=place(table.zone, domain.name, table.name),
            file_format=DeltaFormat(),
            timestamp_field=table.event_time or table.contract.known_at or KNOWN_AT,
            created_timestamp_column=_created(table),
            tags={declarations.DOMAIN: domain.name, declarations.TABLE: table.name},
        )
        push = self._add(
            domain,
            "source",
            push_source_name(table),
            PushSource(name=push_source_name(table), batch_source=source),
        )
        view = FeatureView(
            name=rows_view_name(table),
            entities=entities,
            schema=[_field(c) for c in (*keys, *(c for c in table.columns if c.name not in named))],
            source=push,
            online=False,
            description=table.description or f"The rows of table {table.name}.",
            owner=table.contract.owner,
            tags=declarations.tags_of_rows(domain, table),
        )
        self._add(domain, "view", view.name, view)

    def _requested(
        self,
        domain: Domain,
        view: RequestView,
        views: dict[str, FeatureView | OnDemandFeatureView],
    ) -> OnDemandFeatureView:
        fields = [Field(name=f.name, dtype=feast_type(f)) for f in view.features]
        asked = view.asked_columns
        sources: list[Any] = [views[stored.name] for stored in view.uses]
        if asked:
            request = RequestSource(name=f"{view.name}_request", schema=[_field(c) for c in asked])
            sources.append(self._add(domain, "source", request.name, request))
        made = OnDemandFeatureView(
            name=view.name,
            sources=sources,
            schema=fields,
            mode="python",
            feature_transformation=RequestTransformation.of(domain.name, view, fields),
            description=view.description,
            owner=domain.owner_of(view),
            tags=declarations.tags_of_view(domain, view),
        )
        added: OnDemandFeatureView = self._add(domain, "view", view.name, made)
        return added

    def _service(
        self,
        domain: Domain,
        name: str,
        training_set: TrainingSet,
        views: dict[str, FeatureView | OnDemandFeatureView],
        description: str = "",
        owner: str = "",
    ) -> None:
        picked: dict[str, list[str]] = {}
        for feature in training_set.features:
            picked.setdefault(feature.view, []).append(feature.name)
        service = FeatureService(
            name=name,
            features=[views[view][features] for view, features in picked.items()],
            description=description or f"What training set '{training_set.name}' learns from.",
            owner=owner,
            tags={declarations.DOMAIN: domain.name},
        )
        self._add(domain, "service", name, service)


def _keys(table: Table) -> list[Column]:
    """The columns that tell a table's rows apart, beside the event time."""
    return [table_column(table, k) for k in table.keys if k != table.event_time]


def _created(table: Table) -> str:
    """The column of a pushed row that says when it was known, where it is not its event time."""
    known = table.contract.known_at
    return "" if None in (known, table.event_time) or known == table.event_time else str(known)


def _field(column: Column) -> Field:
    return Field(name=column.name, dtype=FEAST_TYPES[column.kind], description=column.description)


def _ttl(view: StoredView) -> timedelta:
    """How old what a view uses may be; zero for any age."""
    return timedelta(microseconds=view.reach_us or 0)
