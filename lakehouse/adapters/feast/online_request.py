"""Online answers that hold declared request-time features.

The request names its moment where its contract has an event time, and all declared views asked
for with it are read at that moment, as in history and as the service does. Feast's own way reads
views before it looks at the request, and takes features of one short name for one another.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from feast import FeatureService, utils
from feast.infra.registry.base_registry import BaseRegistry
from feast.online_response import OnlineResponse
from feast.protos.feast.serving.ServingService_pb2 import (
    FieldStatus,
    GetOnlineFeaturesResponse,
)
from feast.protos.feast.types.Value_pb2 import Value
from feast.type_map import python_values_to_proto_values

from lakehouse.adapters.feast import declarations
from lakehouse.adapters.feast.declared_online import (
    Clock,
    DeclaredOnline,
    check_readable,
    typed_key,
)
from lakehouse.adapters.feast.entity_rows import Naming, by_view, called
from lakehouse.adapters.feast.request_views import Evaluator, evaluator
from lakehouse.adapters.feast.values import feature_proto, from_proto
from lakehouse.declare.domain import Domain
from lakehouse.declare.features import RequestView, StoredView, View
from lakehouse.errors import LakehouseError, unknown
from lakehouse.features.online.read.windows import Values
from lakehouse.times import moment

Row = Mapping[str, Any]


class _Resolved(NamedTuple):
    """What Feast makes of a request, in its own order; another number of parts is refused."""

    references: list[str]
    on_demand_views: list[Any]
    join_keys_of_entities: Any
    types_of_entities: Any
    join_keys: Any
    views: list[tuple[Any, list[str]]]
    names_in_answer: Any
    request_columns: Any
    without_entity: bool


@dataclass(frozen=True)
class _RequestedView(ABC):
    """A declared view asked for: its name in the answer, and what its keys are called there."""

    name: str
    domain: Domain
    features: tuple[str, ...]
    renamed: Mapping[str, str]

    @property
    @abstractmethod
    def view(self) -> View: ...

    def key_columns(self) -> list[str]:
        """The columns of the request that hold the keys."""
        return [self.renamed.get(k, k) for view in self.view.stored for k in view.by.keys]

    @abstractmethod
    def columns(self) -> list[str]:
        """The columns that the request has to hold."""

    @abstractmethod
    def moment_us(self, row: Row) -> int | None:
        """The moment that a row names, None where it names none."""

    @abstractmethod
    def values(
        self, online: DeclaredOnline, rows: Sequence[Row], times: Sequence[int]
    ) -> list[Values]:
        """The view's features of each row at its moment."""

    def _stored(
        self, online: DeclaredOnline, view: StoredView, rows: Sequence[Row], times: Sequence[int]
    ) -> list[Values]:
        names = {k: self.renamed.get(k, k) for k in view.by.keys}
        keys = [typed_key(view, {k: row[name] for k, name in names.items()}) for row in rows]
        return online.values(self.domain, view, keys, times)


@dataclass(frozen=True)
class _Kept(_RequestedView):
    """A stored view."""

    of: StoredView

    @property
    def view(self) -> StoredView:
        return self.of

    def columns(self) -> list[str]:
        return self.key_columns()

    def moment_us(self, row: Row) -> None:  # noqa: ARG002
        return None

    def values(
        self, online: DeclaredOnline, rows: Sequence[Row], times: Sequence[int]
    ) -> list[Values]:
        return self._stored(online, self.of, rows, times)


@dataclass(frozen=True)
class _Computed(_RequestedView):
    """A request view, made ready."""

    ready: Evaluator

    @property
    def view(self) -> RequestView:
        return self.ready.view

    def columns(self) -> list[str]:
        return [*self.key_columns(), *(c.name for c in self.ready.columns)]

    def moment_us(self, row: Row) -> int | None:
        return self.ready.answers.moment_us(self.ready.request(row))

    def values(
        self, online: DeclaredOnline, rows: Sequence[Row], times: Sequence[int]
    ) -> list[Values]:
        stored: list[Values] = [{} for _ in rows]
        for used in self.view.uses:
            for found, of_view in zip(stored, self._stored(online, used, rows, times), strict=True):
                found |= of_view
        return [
            self.ready.answers.features(self.ready.request(row), found)[1]
            for row, found in zip(rows, stored, strict=True)
        ]


@dataclass(frozen=True)
class Request:
    """What was asked for: declared views, and references to the user's own."""

    declared: tuple[_RequestedView, ...]
    others: list[str]
    full_feature_names: bool

    @staticmethod
    def of(
        registry: BaseRegistry, project: str, features: list[str] | FeatureService, full: bool
    ) -> Request | None:
        """The request, if it asks for declared request-time features; else None."""
        resolved = _Resolved(*utils._get_cached_request_context(registry, project, features, full))
        if not any(declarations.VIEW in view.tags for view in resolved.on_demand_views):
            return None
        views = {called(view): view for view, _ in resolved.views}
        requested = {called(view): view for view in resolved.on_demand_views}
        declared: list[_RequestedView] = []
        others: list[str] = []
        for name, wanted in by_view(resolved.references).items():
            feast_view: Any = requested[name] if name in requested else views[name]
            make = _computed if name in requested else _kept
            found = make(name, feast_view, tuple(wanted))
            if found is None:
                others += [f"{name}:{feature}" for feature in wanted]
            else:
                declared.append(found)
        return Request(tuple(declared), others, full)

    def answer(
        self,
        online: DeclaredOnline,
        clock: Clock,
        entity_rows: Sequence[Row] | Mapping[str, Any],
        others: OnlineResponse | None,
    ) -> OnlineResponse:
        """The features of every row, in the rows' order; `others` has those of other views."""
        given = _columns(entity_rows)
        self._check(given)
        rows = [dict(zip(given, row, strict=True)) for row in zip(*given.values(), strict=True)]
        keys = list(dict.fromkeys(key for asked in self.declared for key in asked.key_columns()))
        out = _Response()
        for key in keys:
            out.add(key, python_values_to_proto_values(list(given[key])))
        others_by_view = by_view(self.others)
        wanted = others_by_view | {a.name: list(a.features) for a in self.declared}
        naming = Naming(keys, wanted, self.full_feature_names)
        for asked in self.declared:
            times = [self._moment(clock, asked, row) for row in rows]
            answers = asked.values(online, rows, times)
            for wanted_name in asked.features:
                feature = asked.view[wanted_name]
                values = [feature_proto(feature, found[feature.full_name]) for found in answers]
                out.add(naming.of(asked.name, wanted_name), values, times)
        if others is not None:
            for view, features in others_by_view.items():
                for one in features:
                    out.take(others, f"{view}__{one}", naming.of(view, one))
        return OnlineResponse(out.proto)

    def _check(self, request: Mapping[str, Any]) -> None:
        for name in (name for asked in self.declared for name in asked.columns()):
            if name not in request:
                raise LakehouseError(unknown("value", name, request, "The request"))

    def _moment(self, clock: Clock, requested: _RequestedView, row: Row) -> int:
        """The moment that a row names for the view, or for another of its domain; else now."""
        beside = [one for one in self.declared if one.domain.name == requested.domain.name]
        named = (one.moment_us(row) for one in (requested, *beside))
        found = next((us for us in named if us is not None), None)
        return clock(requested.domain.name) if found is None else found


def _kept(name: str, feast_view: Any, features: tuple[str, ...]) -> _Kept | None:
    """A stored view as it is asked for; None for one of the user's own."""
    check_readable(feast_view)
    view = declarations.stored_view(feast_view)
    if view is None:
        return None
    domain = declarations.domain_of(feast_view)
    return _Kept(name, domain, features, feast_view.projection.join_key_map, view)


def _computed(name: str, feast_view: Any, features: tuple[str, ...]) -> _Computed | None:
    """A request view as it is asked for; None for one of the user's own."""
    view = declarations.request_view(feast_view)
    if view is None:
        return None
    domain = declarations.domain_of(feast_view)
    ready = evaluator(domain.name, view.name)
    return _Computed(name, domain, features, feast_view.projection.join_key_map, ready)


def _columns(entity_rows: Sequence[Row] | Mapping[str, Any]) -> dict[str, list[Any]]:
    """The values given, by column; Feast's own wrapped values unwrapped."""
    if isinstance(entity_rows, Mapping):
        listed = {
            name: list(values if isinstance(values, Sequence) else values.val)
            for name, values in entity_rows.items()
        }
    else:
        names = dict.fromkeys(name for row in entity_rows for name in row)
        ragged = [name for name in names if any(name not in row for row in entity_rows)]
        if ragged:
            raise LakehouseError(
                f"Some of the {len(entity_rows)} rows of the request lack {', '.join(ragged[:5])};"
                " give every row the same names, with null where there is no value."
            )
        listed = {name: [row[name] for row in entity_rows] for name in names}
    plain = {
        name: [from_proto(v) if isinstance(v, Value) else v for v in values]
        for name, values in listed.items()
    }
    if len({len(values) for values in plain.values()}) > 1:
        raise LakehouseError("The request's columns differ in length; give each row every value.")
    return plain


class _Response:
    """Feast's message, column by column."""

    def __init__(self) -> None:
        self.proto = GetOnlineFeaturesResponse()

    def add(self, name: str, values: Sequence[Value], at_us: Sequence[int] | None = None) -> None:
        """Add one column, all of it present; keys have no moment."""
        self.proto.metadata.feature_names.val.append(name)
        result = self.proto.results.add()
        result.values.extend(values)
        result.statuses.extend([FieldStatus.PRESENT] * len(values))
        for us in at_us or [0] * len(values):
            result.event_timestamps.add().FromDatetime(moment(us))

    def take(self, others: OnlineResponse, name: str, called: str) -> None:
        """Take over one column of another answer."""
        place = list(others.proto.metadata.feature_names.val).index(name)
        self.proto.metadata.feature_names.val.append(called)
        self.proto.results.add().CopyFrom(others.proto.results[place])
