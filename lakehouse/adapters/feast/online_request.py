"""Online answers that hold declared request-time features.

The request names its moment where its contract has an event time, and all declared views asked
for with it are read at that moment, as in history and as the service does. Feast's own way reads
views before it looks at the request, and takes features of one short name for one another.
"""

from __future__ import annotations

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
from lakehouse.adapters.feast.request_views import evaluator
from lakehouse.adapters.feast.values import feature_proto, from_proto
from lakehouse.declare.domain import Domain
from lakehouse.declare.features import RequestView, StoredView
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
class _RequestedView:
    """A declared view asked for: its name in the answer, and what its keys are called there."""

    name: str
    domain: Domain
    view: StoredView | RequestView
    features: tuple[str, ...]
    renamed: Mapping[str, str]

    @property
    def stored(self) -> tuple[StoredView, ...]:
        return self.view.uses if isinstance(self.view, RequestView) else (self.view,)

    def key_columns(self) -> list[str]:
        """The columns of the request that hold the keys."""
        return [self.renamed.get(k, k) for view in self.stored for k in view.by.keys]


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
            found: StoredView | RequestView | None
            if name in requested:
                feast_view: Any = requested[name]
                found = declarations.request_view(feast_view)
            else:
                feast_view = views[name]
                check_readable(feast_view)
                found = declarations.stored_view(feast_view)
            if found is None:
                others += [f"{name}:{feature}" for feature in wanted]
                continue
            domain = declarations.domain_of(feast_view)
            renamed = feast_view.projection.join_key_map
            declared.append(_RequestedView(name, domain, found, tuple(wanted), renamed))
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
            times, answers = self._values(online, clock, asked, rows)
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
        wanted = [key for asked in self.declared for key in asked.key_columns()]
        for asked in self.declared:
            if isinstance(asked.view, RequestView):
                wanted += [c.name for c in evaluator(asked.domain.name, asked.view.name).columns]
        for name in wanted:
            if name not in request:
                raise LakehouseError(unknown("value", name, request, "The request"))

    def _values(
        self, online: DeclaredOnline, clock: Clock, requested: _RequestedView, rows: Sequence[Row]
    ) -> tuple[list[int], list[Values]]:
        """The moment of each row, and a view's features at it."""
        view = requested.view
        if not isinstance(view, RequestView):
            times = [self._moment(clock, requested, row) for row in rows]
            return times, _stored(online, requested, view, rows, times)
        ready = evaluator(requested.domain.name, view.name)
        given = [ready.request(row) for row in rows]
        times = []
        for row, values in zip(rows, given, strict=True):
            named = ready.answers.moment_us(values)
            times.append(self._moment(clock, requested, row) if named is None else named)
        stored: list[Values] = [{} for _ in rows]
        for used in view.uses:
            for found, of_view in zip(
                stored, _stored(online, requested, used, rows, times), strict=True
            ):
                found |= of_view
        return times, [
            ready.answers.features(values, found)[1]
            for values, found in zip(given, stored, strict=True)
        ]

    def _moment(self, clock: Clock, requested: _RequestedView, row: Row) -> int:
        """The event time of a request of the same domain beside it; else now."""
        for one in self.declared:
            if one.domain.name == requested.domain.name and isinstance(one.view, RequestView):
                ready = evaluator(one.domain.name, one.view.name)
                named = ready.answers.moment_us(ready.request(row))
                if named is not None:
                    return named
        return clock(requested.domain.name)


def _stored(
    online: DeclaredOnline,
    requested: _RequestedView,
    view: StoredView,
    rows: Sequence[Row],
    times: Sequence[int],
) -> list[Values]:
    names = {k: requested.renamed.get(k, k) for k in view.by.keys}
    keys = [typed_key(view, {k: row[name] for k, name in names.items()}) for row in rows]
    return online.values(requested.domain, view, keys, times)


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
