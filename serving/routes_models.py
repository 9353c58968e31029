"""GET /v1/models: which release of which model serves, and what it is made of."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from serving.body import answer
from serving.roles import SCIENTIST, Route
from serving.service import Service

PATH = "/v1/models"


def routes(service: Service) -> list[Route]:
    async def listed(_: Request) -> Response:
        rows = [
            {
                "domain": domain,
                "model": name,
                "version": slot.release.version if slot.release else None,
                "digest": slot.release.digest if slot.release else None,
                "state": slot.state,
            }
            for (domain, name), slot in sorted(service.champions.slots.items())
        ]
        return answer({"models": rows})

    async def shown(request: Request) -> Response:
        domain, model = request.path_params["domain"], request.path_params["model"]
        release = service.champions.get(domain, model)
        slot = service.champions.slots[domain, model]
        return answer(release.facts() | {"state": slot.state, "problem": slot.problem})

    return [
        Route("GET", PATH, listed, roles=SCIENTIST, summary="The models that serve"),
        Route(
            "GET",
            f"{PATH}/{{domain}}/{{model}}",
            shown,
            roles=SCIENTIST,
            summary="Facts of the release that serves",
        ),
    ]
