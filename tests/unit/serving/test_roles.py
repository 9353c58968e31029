"""Deny by default: every route has a role, and a key of that role is needed."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response
from starlette.testclient import TestClient

from serving.app import create_app
from serving.roles import PUBLIC, Route, RouteWithoutRole, declared

PREDICT = "/v1/predict/shop/fraud"
ROUTES = [
    ("POST", PREDICT, {"application", "operator"}),
    ("POST", "/v1/feedback/shop/fraud", {"application", "operator"}),
    ("POST", "/v1/features/shop", {"application", "scientist", "operator"}),
    ("GET", "/v1/models", {"scientist", "operator"}),
    ("GET", "/v1/models/shop/fraud", {"scientist", "operator"}),
    ("GET", "/metrics", {"operator"}),
]


async def nothing(request: Request) -> Response:
    return Response(b"open")


@pytest.mark.parametrize(("method", "path", "roles"), ROUTES)
def test_a_route_opens_to_its_roles_and_to_no_other(
    lake: Any, method: str, path: str, roles: set[str]
) -> None:
    with lake.client() as client:
        for role in ("application", "scientist", "operator"):
            answer = client.request(method, path, headers=lake.bearer(role), content=b"{}")
            assert (role, answer.status_code in (401, 403)) == (role, role not in roles)


@pytest.mark.parametrize(("method", "path", "roles"), ROUTES)
def test_without_a_key_there_is_no_way_in(
    lake: Any, method: str, path: str, roles: set[str]
) -> None:
    with lake.client() as client:
        for headers in (
            {},
            {"Authorization": "Bearer wrong"},
            {"Authorization": "Basic " + lake.keys["operator"]},
            {"Authorization": lake.keys["operator"]},
            {"X-API-Key": ""},
        ):
            answer = client.request(method, path, headers=headers, content=b"{}")
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"] == "Bearer"
            assert set(answer.json()["error"]) == {"what", "where", "next"}


def test_either_header_carries_a_key(lake: Any) -> None:
    with lake.client() as client:
        for headers in (lake.bearer("operator"), {"X-API-Key": lake.keys["operator"]}):
            assert client.get("/metrics", headers=headers).status_code == 200


def test_every_route_is_either_public_or_refuses_the_keyless(lake: Any) -> None:
    app = lake.app()
    public = {r.path for r in declared(app) if r.roles is PUBLIC}
    assert public == {"/health", "/openapi.json", "/docs"}
    with TestClient(app) as client:
        for route in declared(app):
            status = client.request(route.method, route.path).status_code
            assert (route.path, status) == (route.path, 200 if route.path in public else 401)


def test_a_route_without_a_role_cannot_be_declared() -> None:
    with pytest.raises(TypeError, match="roles"):
        Route("GET", "/open", nothing, summary="Open")  # type: ignore[call-arg]
    for roles in (frozenset(), frozenset({"everybody"})):
        with pytest.raises(RouteWithoutRole, match="/open"):
            Route("GET", "/open", nothing, roles=roles, summary="Open")  # type: ignore[arg-type]


def test_the_service_does_not_start_with_a_route_that_came_in_by_the_side(lake: Any) -> None:
    def by_fastapi(app: FastAPI) -> None:
        app.get("/open")(nothing)

    def by_starlette(app: FastAPI) -> None:
        app.add_route("/open", nothing)

    def by_mounting(app: FastAPI) -> None:
        app.mount("/open", FastAPI())

    for add in (by_fastapi, by_starlette, by_mounting):
        app = create_app(lake.settings)
        add(app)
        with pytest.raises(RouteWithoutRole, match="/open"), TestClient(app):
            pass


def test_unknown_paths_and_methods_are_told_in_the_same_form(lake: Any) -> None:
    with lake.client() as client:
        unknown, method = client.get("/v2"), client.get(PREDICT)
    assert (unknown.status_code, method.status_code) == (404, 405)
    for answer in (unknown, method):
        assert set(answer.json()["error"]) == {"what", "where", "next"}
