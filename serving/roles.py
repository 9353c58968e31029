"""Who may call what: deny by default, one set of roles for every route."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from time import perf_counter
from typing import Literal

from fastapi import FastAPI
from starlette import routing
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from lakehouse.errors import LakehouseError
from lakehouse.records.keys import ROLES, Role
from lakehouse.records.reader import RecordsReader
from serving.metrics import Metrics
from serving.problems import Problem, error_response

_log = logging.getLogger("serving")
Endpoint = Callable[[Request], Awaitable[Response]]
PUBLIC: frozenset[Literal["public"]] = frozenset({"public"})
"""The roles of a route that anybody may call; said outright, never by leaving them out."""
OPERATOR: frozenset[Role] = frozenset({"operator"})
APPLICATION: frozenset[Role] = OPERATOR | {"application"}
SCIENTIST: frozenset[Role] = OPERATOR | {"scientist"}


class RouteWithoutRole(LakehouseError):
    """The service does not start: a route does not say who may call it."""


@dataclass(frozen=True)
class Route:
    """One route: `roles` has no default, so that nobody forgets it."""

    method: Literal["GET", "POST"]
    path: str
    endpoint: Endpoint
    roles: frozenset[Role] | frozenset[Literal["public"]]
    summary: str

    def __post_init__(self) -> None:
        strange = set(self.roles) - {*ROLES, *PUBLIC}
        if not self.roles or strange:
            raise RouteWithoutRole(
                f"Route {self.method} {self.path} names {sorted(strange) or 'no role'}; give it "
                f"roles among {', '.join(ROLES)}, or PUBLIC."
            )


class Guarded:
    """A route's endpoint behind its roles; counts and times every answer, and words every error.

    A bare ASGI application: FastAPI would read the body by annotations, and by another grammar.
    """

    def __init__(self, route: Route, records: RecordsReader, metrics: Metrics) -> None:
        self.route, self._records, self._metrics = route, records, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = perf_counter()
        request = Request(scope, receive)
        try:
            self._admit(request)
            response = await self.route.endpoint(request)
        except Problem as problem:
            response = problem.response()
        except ClientDisconnect:
            response = Response(status_code=400)
        except Exception as error:
            response = _unforeseen(error, self.route.path)
        await response(scope, receive, send)
        self._metrics.answered(self.route.path, response.status_code, perf_counter() - started)

    def _admit(self, request: Request) -> None:
        roles = self.route.roles
        if roles is PUBLIC:
            return
        key = _key(request)
        where = f"{self.route.method} {self.route.path}"
        if key is None:
            raise Problem(
                401,
                "This route needs an API key.",
                where,
                "Send it as 'Authorization: Bearer <key>' or 'X-API-Key: <key>'; "
                f"'lakehouse keys make {min(roles)}' makes one.",
            )
        role = self._records.role(key)
        if role is None:
            raise Problem(
                401,
                "This lake does not know the API key.",
                where,
                "Check that it is whole and of this lake; 'lakehouse keys list' lists them.",
            )
        if role not in roles:
            allowed = " or ".join(sorted(roles))
            raise Problem(
                403,
                f"A key of role '{role}' may not call this route.",
                where,
                f"Use a key of role {allowed}.",
            )


def add(app: FastAPI, route: Route, records: RecordsReader, metrics: Metrics) -> None:
    """Add a route to the application, behind its roles."""
    guarded = Guarded(route, records, metrics)
    app.router.routes.append(routing.Route(route.path, guarded, methods=[route.method]))


def declared(app: FastAPI) -> list[Route]:
    """The routes of an application; raises RouteWithoutRole if any came in other than by `add`."""
    endpoints = [(route, getattr(route, "endpoint", None)) for route in app.routes]
    bare = [route for route, endpoint in endpoints if not isinstance(endpoint, Guarded)]
    if bare:
        paths = ", ".join(str(getattr(route, "path", route)) for route in bare[:5])
        raise RouteWithoutRole(
            f"The service does not start: {paths} name(s) no role. Declare each as a "
            "serving.roles.Route."
        )
    return [endpoint.route for _, endpoint in endpoints if isinstance(endpoint, Guarded)]


def _key(request: Request) -> str | None:
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and key.strip():
        return key.strip()
    return request.headers.get("x-api-key") or None


def _unforeseen(error: Exception, path: str) -> Response:
    """Log where it happened, but not the message, which may hold personal values."""
    frames = "".join(traceback.format_tb(error.__traceback__))
    _log.error("%s in %s\n%s", type(error).__name__, path, frames.rstrip())
    return error_response(
        500,
        f"The service failed on this request ({type(error).__name__}).",
        path,
        "Its log says where; try again, and tell whoever runs the service.",
    )
