"""Request bodies of bounded size, and JSON answers."""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from serving.problems import Problem

ONE_ROW = 256 * 1024
MANY_ROWS = 8 * 1024 * 1024
_encode = msgspec.json.Encoder().encode


async def read(request: Request, most: int) -> bytes:
    """Read a body of at most `most` bytes; raises a 413 Problem before it has read more."""
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        if part:
            parts.append(part)
            size += len(part)
        if size > most:
            raise Problem(
                413,
                f"The body is larger than {most // 1024} KiB.",
                "request body",
                "Send fewer rows at once.",
            )
    return parts[0] if len(parts) == 1 else b"".join(parts)


def answer(content: Any, status: int = 200) -> Response:
    """A JSON answer, encoded by msgspec."""
    return Response(_encode(content), status_code=status, media_type="application/json")
