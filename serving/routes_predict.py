"""POST /v1/predict: a request becomes features, a score, a decision, and a line of the log."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from lakehouse.features.online.answering.answers import Uncomputable
from lakehouse.times import moment
from serving.body import ONE_ROW, answer, read
from serving.policy import Decided
from serving.problems import Problem
from serving.roles import APPLICATION, Route
from serving.served_release import ServedRelease
from serving.service import Service
from serving.values import exact, plain

PATH = "/v1/predict/{domain}/{model}"
_YES = ("true", "1")
_encode = msgspec.json.Encoder().encode


def _text(value: Any) -> str:
    return _encode(value).decode()


def routes(service: Service) -> list[Route]:
    async def predict(request: Request) -> Response:
        domain, model = request.path_params["domain"], request.path_params["model"]
        release = service.champions.get(domain, model)
        row = release.reader.one(await read(request, ONE_ROW))
        told, decided = decide(service, release, row)
        if request.scope["query_string"] and request.query_params.get("explain") in _YES:
            told["features"] = {name: plain(value) for name, value in decided.features.items()}
        return answer(told)

    return [
        Route(
            "POST",
            PATH,
            predict,
            roles=APPLICATION,
            summary="Decide about one request",
        )
    ]


def decide(
    service: Service, release: ServedRelease, row: Mapping[str, Any]
) -> tuple[dict[str, Any], Decided]:
    """Decide about a request and write the decision down; what is told of it, and how it came.

    Raises Problem.
    """
    domain, model = release.domain, release.name
    clock_us = service.clock_us(domain)
    named_us = release.policy.answers.moment_us(row)
    at_us = clock_us if named_us is None else named_us
    (stored,) = service.online.values(domain, release.stored_views, [row], at_us)
    try:
        decided = release.policy.decide(row, stored)
    except Uncomputable as error:
        raise Problem(
            422, str(error), "request body", "Send a request that the model can decide on."
        ) from None
    told: dict[str, Any] = {
        "decision_id": uuid4().hex,
        "score": decided.score,
        "decision": decided.decision,
        "model": model,
        "version": release.version,
        "asked_for": moment(at_us),
    }
    held = service.online.held(domain)
    record = told | {
        "decided_at": moment(clock_us),
        "request": _text({name: exact(value) for name, value in row.items()}),
        "features": _text({name: exact(value) for name, value in decided.features.items()}),
        "table_versions": _text({v.name: held.get(v.name) for v in release.stored_views}),
    }
    try:
        service.log.decided(domain, release.model, record)
    except OSError as error:
        raise unwritable(error) from error
    service.metrics.decided(domain, model, decided.decision)
    return told, decided


def unwritable(error: OSError) -> Problem:
    """Nothing is answered that could not be written down."""
    return Problem(
        503,
        f"The answer cannot be recorded ({error.strerror or 'the disk refuses'}).",
        "the landing folder",
        "Make room on the lake's disk and send the request again.",
    )
