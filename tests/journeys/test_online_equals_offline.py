"""What the server gives is what the SDK's history says, and the oracle."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa

from lakehouse import Lake
from lakehouse.cli.demo import server
from lakehouse.client import Client
from lakehouse.engines.context import microseconds
from lakehouse.records.keys import make_key
from lakehouse.testing import oracle

ASKED = 300
VIEWS = {
    "card_spend": "card_id",
    "terminal_activity": "terminal_id",
    "terminal_frauds": "terminal_id",
}


def test_server_sdk_and_oracle_agree_at_random_moments_of_the_history(
    demo: tuple[Path, str], open_context: Callable[[Path], Any]
) -> None:
    home = demo[0]
    ctx = open_context(home)
    draw = random.Random(20260102)
    lake = Lake(home)
    scientist = make_key(ctx.records, "scientist", "test")
    with server(home) as url, Client(url, scientist) as client:
        for view_name, key in VIEWS.items():
            view = ctx.domain.view(view_name)
            events = ctx.engine.to_arrow(ctx.read(view.of))
            entities = sorted(set(events[key].to_pylist()))
            times = events["paid_at"].to_pylist()
            first, last = min(times), max(times)
            asked = [
                {
                    key: draw.choice(entities),
                    "at": first
                    + timedelta(seconds=draw.randrange(int((last - first).total_seconds()))),
                }
                for _ in range(ASKED)
            ]
            # Half of the moments are those of events: the edges of windows.
            for row in asked[::2]:
                row["at"] = draw.choice(times)
            offline = lake.historical_features(
                "payments_fraud", pa.Table.from_pylist(asked), [view_name]
            ).to_pylist()
            naive = _by_oracle(view, events, key, asked)
            empty = 0
            for row, spine, expected in zip(offline, asked, naive, strict=True):
                answer = client.features(
                    "payments_fraud",
                    views=[view_name],
                    entities=[{key: spine[key]}],
                    at=spine["at"],
                )
                for feature in view.features:
                    served = _typed(answer.values[0][feature.dotted], feature.kind)
                    assert served == row[feature.full_name] == expected[feature.name], (
                        feature.dotted,
                        spine,
                    )
                empty += not any(expected.values())
            assert empty < ASKED * (0.5 if view_name == "terminal_frauds" else 0.35)


def _by_oracle(view: Any, events: pa.Table, key: str, asked: list[dict[str, Any]]) -> list[Any]:
    rows: dict[str, list[dict[str, Any]]] = {}
    for event in events.to_pylist():
        rows.setdefault(event[key], []).append(event)
    answers = []
    for spine in asked:
        values = {}
        for feature in view.features:
            column = feature.aggregate.column
            values[feature.name] = oracle.window_value(
                [
                    oracle.Event(
                        spine[key],
                        microseconds(row["paid_at"]),
                        microseconds(row["_known_at"]),
                        row[column] if column else True,
                        True,
                    )
                    for row in rows.get(spine[key], [])
                ],
                spine[key],
                microseconds(spine["at"]),
                aggregate=feature.aggregate.function,
                over=feature.window.length.us,
                delay=view.delay.us if view.delay else 0,
            )
        answers.append(values)
    return answers


def _typed(value: Any, kind: str) -> Any:
    return Decimal(str(value)) if kind == "decimal" and value is not None else value
