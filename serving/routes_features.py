"""POST /v1/features: the values of stored features, for entities, at a moment."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from operator import is_
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from lakehouse.declare.contract import Column, ContractSpec
from lakehouse.declare.features import Feature, StoredView
from lakehouse.declare.tables import table_column
from lakehouse.errors import unknown
from lakehouse.times import microseconds, moment
from serving.body import MANY_ROWS, answer, read
from serving.problems import FieldError, Problem, field_problem
from serving.roles import APPLICATION, SCIENTIST, Route
from serving.rows import RowReader
from serving.served_lines import ServedRows
from serving.service import Service
from serving.values import plain

PATH = "/v1/features/{domain}"
MOST_ENTITIES = 1_000
MOST_READERS = 256
_SLICE = 50  # entities answered before other requests get their turn


class FeatureRequest(msgspec.Struct, forbid_unknown_fields=True):
    """The body: whole views or single features, for which entities, and at what moment."""

    entities: msgspec.Raw
    views: list[str] | None = None
    features: list[str] | None = None
    at: datetime | None = None


_decode = msgspec.json.Decoder(FeatureRequest).decode


def routes(service: Service) -> list[Route]:
    features = FeatureAnswers(service)

    async def route(request: Request) -> Response:
        domain = request.path_params["domain"]
        service.champions.known(domain)
        return answer(await features.of(domain, await read(request, MANY_ROWS)))

    return [
        Route(
            "POST",
            PATH,
            route,
            roles=APPLICATION | SCIENTIST,
            summary="Values of stored features at a moment",
        )
    ]


class FeatureAnswers:
    """Answers what is asked for; of a share of the entities, drawn by chance, what it answered is
    logged."""

    def __init__(self, service: Service) -> None:
        self._service, self._readers = service, Readers()

    async def of(self, domain: str, body: bytes) -> dict[str, Any]:
        """The answer to a body; raises Problem."""
        service = self._service
        request = _request(body)
        wanted = _wanted(request, service.online.views(domain), domain)
        views = tuple(view for view, _ in wanted)
        entities = self._readers.of(views).many(bytes(request.entities), MOST_ENTITIES)
        clock_us = service.clock_us(domain)
        at_us = clock_us if request.at is None else microseconds(request.at)
        names = [(f.dotted, f.full_name) for _, chosen in wanted for f in chosen]
        log = ServedRows(wanted, service.online, domain, moment(at_us), moment(clock_us))
        share, chance = service.settings.log_features, service.chance
        values = []
        for first in range(0, len(entities), _SLICE):
            if first:
                await asyncio.sleep(0)
            some = entities[first : first + _SLICE]
            answers = service.online.values(domain, views, some, at_us)
            for entity, found in zip(some, answers, strict=True):
                values.append({dotted: plain(found[full]) for dotted, full in names})
                if share == 1 or (share > 0 and chance() < share):
                    log.add(entity, found)
        if log.lines:
            service.log.served(domain, log.lines)
        return {"at": moment(at_us), "values": values}


def _request(body: bytes) -> FeatureRequest:
    try:
        return _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Problem(
            422 if isinstance(error, msgspec.ValidationError) else 400,
            f"The body does not ask for features: {_masked(error)}.",
            "request body",
            'Send {"views": [name] or "features": ["view.feature"], "entities": [{key: value}], '
            '"at": optional time}.',
        ) from None


def _masked(error: Exception) -> str:
    """msgspec's message names types and places, never values; other errors may quote the body."""
    return str(error) if isinstance(error, msgspec.ValidationError) else "it is not JSON"


def _wanted(
    request: FeatureRequest, views: Mapping[str, StoredView], domain: str
) -> list[tuple[StoredView, list[Feature]]]:
    """The views to read and the features to answer of each, in the order asked."""
    where = f"Domain '{domain}'"
    if not views:
        raise Problem(
            503,
            f"{where} has no release yet, and a release is what says which features there are.",
            f"/v1/features/{domain}",
            f"Train a model, as with 'lakehouse run {domain}'.",
        )
    chosen: dict[str, list[Feature]] = {}
    for name in request.views or ():
        if name not in views:
            raise _not_there(unknown("stored view", name, views, where))
        chosen[name] = list(views[name].features)
    by_name = {f.dotted: f for v in views.values() for f in v.features}
    for dotted in request.features or ():
        if dotted not in by_name:
            raise _not_there(unknown("stored feature", dotted, by_name, where))
        feature = by_name[dotted]
        of_view = chosen.setdefault(feature.view, [])
        if feature not in of_view:
            of_view.append(feature)
    if not chosen:
        raise field_problem(
            "request body", [FieldError("views", "or features must name at least one")]
        )
    return [(views[name], features) for name, features in chosen.items()]


def _not_there(what: str) -> Problem:
    return Problem(
        404,
        what,
        "request body",
        "GET /openapi.json lists them; request-time features come with /v1/predict?explain=true.",
    )


class Readers:
    """Readers of entities: the key columns of some views, each typed as in its table.

    Kept by the views' names, and only while they are the same objects: to hash a declaration
    takes as long as to read an entity.
    """

    def __init__(self) -> None:
        self._kept: dict[tuple[str, ...], tuple[tuple[StoredView, ...], RowReader]] = {}

    def of(self, views: tuple[StoredView, ...]) -> RowReader:
        names = tuple(view.name for view in views)
        kept = self._kept.get(names)
        if kept is not None and all(map(is_, kept[0], views)):
            return kept[1]
        reader = _reader(views)
        if len(self._kept) >= MOST_READERS:
            self._kept.clear()
        self._kept[names] = views, reader
        return reader


def _reader(views: tuple[StoredView, ...]) -> RowReader:
    columns: dict[str, Column] = {}
    for view in views:
        for key in view.by.keys:
            column = replace(table_column(view.of, key), nullable=False)
            other = columns.setdefault(key, column)
            if other.kind != column.kind:
                raise Problem(
                    422,
                    f"Key '{key}' is {other.kind} in one of these views and {column.kind} in "
                    "another.",
                    "request body",
                    "Ask for them in two requests.",
                )
    return RowReader(ContractSpec("Entity", tuple(columns.values())), "entities")


def example(views: Mapping[str, StoredView]) -> dict[str, Any]:
    """A body that asks for the first view."""
    if not views:
        return {"views": [], "entities": []}
    view = next(iter(views.values()))
    return {"views": [view.name], "entities": [dict.fromkeys(view.by.keys, "…")]}
