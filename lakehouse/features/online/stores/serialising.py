"""What is stored of a view, as the text that a store keeps beside its rows."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from lakehouse.features.online.layout.slots import from_data, to_data
from lakehouse.features.online.stores.protocol import Horizon, Stored


def to_text(stored: Stored) -> str:
    """All that is stored of a view but its chunks, as JSON."""
    return json.dumps(asdict(stored) | {"layout": to_data(stored.layout)})


def from_text(text: str | bytes) -> Stored:
    """What `to_text` wrote."""
    told: dict[str, Any] = json.loads(text)
    told["layout"] = from_data(told["layout"])
    told["horizon"] = Horizon(**told["horizon"])
    return Stored(**told)
