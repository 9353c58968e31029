"""POST /v1/feedback: what became of what was decided, landed as a delivery of its source."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import Response

from lakehouse.declare.file_names import NoPlace
from lakehouse.times import moment
from serving.body import MANY_ROWS, answer, read
from serving.problems import Problem
from serving.roles import APPLICATION, Route
from serving.routes_predict import unwritable
from serving.service import Service

PATH = "/v1/feedback/{domain}/{model}"
MOST_ROWS = 10_000


def routes(service: Service) -> list[Route]:
    async def feedback(request: Request) -> Response:
        domain, model = request.path_params["domain"], request.path_params["model"]
        release = service.champions.get(domain, model)
        source, reader = release.model.outcomes, release.outcomes
        if source is None or reader is None:
            raise Problem(
                409,
                f"Model '{model}' takes no outcomes.",
                f"/v1/feedback/{domain}/{model}",
                "Declare Model(…, outcomes=<source>) and promote it again.",
            )
        rows = reader.many(await read(request, MANY_ROWS), MOST_ROWS)
        stamped = source.contract.known_at
        if stamped is not None:
            now = moment(service.clock_us(domain))
            for row in rows:
                if row[stamped] is None:
                    row[stamped] = now
        try:
            on_disk = service.log.reported(domain, source, rows)
            await asyncio.to_thread(on_disk)
        except NoPlace as refusal:
            raise Problem(
                409, str(refusal), f"source {source.name}", "Promote the mended declaration."
            ) from None
        except OSError as error:
            raise unwritable(error) from error
        service.metrics.reported(domain, model, len(rows))
        return answer({"accepted": len(rows), "source": source.name}, status=202)

    return [
        Route(
            "POST",
            PATH,
            feedback,
            roles=APPLICATION,
            summary="Report outcomes",
        )
    ]
