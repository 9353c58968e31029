"""The application: every part made, and every route added behind its roles, in one place.

It is FastAPI's, its routes are Starlette's: bodies are read by contracts that come with a release
(docs/decisions/0020-starlette-routes-in-fastapi.md).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from random import random
from typing import Any

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from serving import (
    routes_docs,
    routes_features,
    routes_feedback,
    routes_models,
    routes_predict,
    routes_status,
)
from serving.openapi import describe
from serving.problems import error_response
from serving.roles import add, declared
from serving.service import Service
from serving.settings import Settings


def wall_clock() -> datetime:
    """The time now, in UTC."""
    return datetime.now(UTC)


def create_app(
    settings: Settings,
    now: Callable[[], datetime] = wall_clock,
    chance: Callable[[], float] = random,
) -> FastAPI:
    """Make the application for one lake.

    `app.state.service` holds its parts. Raises LakeFormatError where there is no lake, and
    RouteWithoutRole, here or when it starts, if any route does not say who may call it.
    """
    service = Service(settings, now, chance)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        declared(app)
        await service.start()
        try:
            yield
        finally:
            await service.stop()

    app = FastAPI(
        title="lakehouse",
        lifespan=lifespan,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        # Its records of errors would hold their messages, and those may hold personal values.
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
    )
    app.state.service = service

    def document() -> dict[str, Any]:
        return describe(declared(app), service)

    for route in (
        *routes_predict.routes(service),
        *routes_feedback.routes(service),
        *routes_features.routes(service),
        *routes_models.routes(service),
        *routes_status.routes(service),
        *routes_docs.routes(document),
    ):
        add(app, route, service.records, service.metrics)
    app.openapi = document  # type: ignore[method-assign]
    app.add_exception_handler(HTTPException, _no_such_route)
    declared(app)
    return app


async def _no_such_route(request: Request, error: Exception) -> Response:
    """What Starlette's router answers by itself: unknown paths and methods."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    what = {
        404: "There is no such route.",
        405: f"This route does not answer {request.method}.",
    }.get(status, "The request cannot be answered.")
    return error_response(status, what, "the path asked for", "/openapi.json lists the routes.")
