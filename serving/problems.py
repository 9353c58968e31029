"""What the service answers when it cannot do what was asked: what, where, and what to do next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
from starlette.responses import Response

EXAMPLES = 5


@dataclass(frozen=True)
class FieldError:
    """One field that cannot be taken, and why; never with its value, which may be personal.

    `row` counts from 0 where several rows were sent.
    """

    field: str
    reason: str
    row: int | None = None

    @property
    def place(self) -> str:
        return self.field if self.row is None else f"[{self.row}].{self.field}"


class Problem(Exception):
    """An answer other than success: an HTTP status, and what, where and what to do next."""

    def __init__(
        self,
        status: int,
        what: str,
        where: str,
        next: str,
        fields: Sequence[FieldError] = (),
    ) -> None:
        super().__init__(what)
        self.status, self.what, self.where, self.next = status, what, where, next
        self.fields = tuple(fields)

    def response(self) -> Response:
        return error_response(self.status, self.what, self.where, self.next, self.fields)


def error_response(
    status: int, what: str, where: str, next: str, fields: Sequence[FieldError] = ()
) -> Response:
    """The JSON body of every error: {"error": {"what", "where", "next"}}, and `fields` of 422."""
    error: dict[str, object] = {"what": what, "where": where, "next": next}
    if fields:
        error["fields"] = [
            {"field": f.field, "reason": f.reason} | ({} if f.row is None else {"row": f.row})
            for f in fields[:EXAMPLES]
        ]
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else None
    return Response(
        msgspec.json.encode({"error": error}),
        status_code=status,
        headers=headers,
        media_type="application/json",
    )


def field_problem(where: str, errors: Sequence[FieldError], rows: bool = False) -> Problem:
    """The 422 answer that names every field at fault and its reason, at most five of them."""
    shown = "; ".join(f"{e.place} {e.reason}" for e in errors[:EXAMPLES])
    more = f"; and {len(errors) - EXAMPLES} more" if len(errors) > EXAMPLES else ""
    after = "none of the rows was taken: mend these and send all again" if rows else "mend these"
    return Problem(
        422,
        f"{shown}{more}.",
        where,
        f"{after[0].upper()}{after[1:]}; /openapi.json describes each field.",
        errors,
    )
