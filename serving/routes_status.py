"""GET /health for anybody, GET /metrics for the operator."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from serving.body import answer
from serving.metrics import CONTENT_TYPE
from serving.roles import OPERATOR, PUBLIC, Route
from serving.service import Service


def routes(service: Service) -> list[Route]:
    async def health(_: Request) -> Response:
        models = [
            {
                "domain": domain,
                "model": name,
                "state": slot.state,
                "version": slot.release.version if slot.release else None,
            }
            | ({"problem": slot.problem} if slot.problem else {})
            for (domain, name), slot in sorted(service.champions.slots.items())
        ]
        log = service.log.problem or service.log.left_out
        well = log is None and all(model["state"] == "serving" for model in models)
        told: dict[str, Any] = {"status": "ok" if well else "degraded", "models": models}
        if log is not None:
            told["log"] = log
        return answer(told)

    async def metrics(_: Request) -> Response:
        return Response(service.metrics.text(), media_type=CONTENT_TYPE)

    return [
        Route("GET", "/health", health, roles=PUBLIC, summary="Whether the service lives"),
        Route("GET", "/metrics", metrics, roles=OPERATOR, summary="Prometheus metrics"),
    ]
