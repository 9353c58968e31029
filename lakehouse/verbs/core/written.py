"""JSON as it is written on a command line."""

from __future__ import annotations

import json
from typing import Any

from lakehouse.errors import LakehouseError


def rows_of(text: str) -> list[dict[str, Any]]:
    """Read a JSON list of objects; raises LakehouseError saying how to write it."""
    value = _json(text)
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        raise LakehouseError(f"{text!r} is no list of rows; write '[{{\"column\": value}}]'.")
    return value


def object_of(text: str) -> dict[str, Any]:
    """Read a JSON object; raises LakehouseError saying how to write it."""
    value = _json(text)
    if not isinstance(value, dict):
        raise LakehouseError(f"{text!r} is not a JSON object of names and values.")
    return value


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise LakehouseError(
            f'{text!r} is not JSON ({error}); write it as \'{{"card_id": "123"}}\'.'
        ) from None
