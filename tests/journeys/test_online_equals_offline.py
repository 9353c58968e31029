"""What the server gives is what the SDK's history says, and the oracle.

At full size, on a lake that `lakehouse demo` made:

    python -m tests.journeys.test_online_equals_offline LAKE 10000
"""

from __future__ import annotations

import random
import sys
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa

from lakehouse import Lake
from lakehouse.cli.demo import server
from lakehouse.client import Client
from lakehouse.records.keys import make_key
from lakehouse.testing import oracle
from lakehouse.times import microseconds

VIEWS = ("card_spend", "terminal_activity", "terminal_frauds")


@dataclass
class Compared:
    """How many moments were asked, values compared, and moments with a value that is something."""

    moments: int
    values: int
    filled: int


def test_server_sdk_and_oracle_agree_at_random_moments_of_the_history(
    demo: tuple[Path, str],
) -> None:
    compared = compare(demo[0], moments=400)
    assert compared.values == 400 * 12
    assert compared.filled >= 0.95 * compared.moments


def compare(home: Path, moments: int) -> Compared:
    """Ask for a random card and terminal at random moments; raises AssertionError if any differ."""
    lake = Lake(home)
    payments = lake.table("payments_fraud.payments")
    asked = _moments(payments, moments)
    offline = lake.historical_features(
        "payments_fraud", pa.Table.from_pylist(asked), list(VIEWS)
    ).to_pylist()
    views = [lake.domain("payments_fraud").view(name) for name in VIEWS]
    naive = {
        view.name: _Naive(view, lake.table(f"payments_fraud.{view.of.name}")) for view in views
    }
    scientist = make_key(lake.records, "scientist", "comparison")
    found = Compared(moments, 0, 0)
    with server(home) as url, Client(url, scientist) as client:
        for spine, row in zip(asked, offline, strict=True):
            entity = {"card_id": spine["card_id"], "terminal_id": spine["terminal_id"]}
            answer = client.features("payments_fraud", [entity], views=VIEWS, at=spine["at"])
            filled = False
            for view in views:
                for feature in view.features:
                    expected = naive[view.name].value(feature, spine)
                    served = _typed(answer.values[0][feature.dotted], feature.kind)
                    assert served == row[feature.full_name] == expected, (feature.dotted, spine)
                    filled = filled or bool(expected)
                    found.values += 1
            found.filled += filled
    return found


def _moments(payments: pa.Table, moments: int) -> list[dict[str, Any]]:
    """Random entities and moments; half of the moments are those of events, where windows end."""
    draw = random.Random(20260102)
    cards = sorted(set(payments["card_id"].to_pylist()))
    terminals = sorted(set(payments["terminal_id"].to_pylist()))
    times = payments["paid_at"].to_pylist()
    first, seconds = min(times), int((max(times) - min(times)).total_seconds())

    def at(number: int) -> datetime:
        if number % 2:
            return draw.choice(times)
        return first + timedelta(seconds=draw.randrange(seconds), microseconds=draw.randrange(2))

    return [
        {"card_id": draw.choice(cards), "terminal_id": draw.choice(terminals), "at": at(number)}
        for number in range(moments)
    ]


class _Naive:
    """A view's values by the oracle's loops over the entity's own events."""

    def __init__(self, view: Any, table: pa.Table) -> None:
        self.view = view
        (self.key,) = view.by.keys
        self.events: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for row in table.to_pylist():
            self.events[row[self.key]].append(row)

    def value(self, feature: Any, spine: dict[str, Any]) -> Any:
        entity, column = spine[self.key], feature.aggregate.column
        events = [
            oracle.Event(
                entity,
                microseconds(row["paid_at"]),
                microseconds(row["_known_at"]),
                row[column] if column else True,
            )
            for row in self.events[entity]
        ]
        return oracle.window_value(
            events,
            entity,
            microseconds(spine["at"]),
            aggregate=feature.aggregate.function,
            over=feature.window.length.us,
            delay=self.view.delay.us if self.view.delay else 0,
        )


def _typed(value: Any, kind: str) -> Any:
    return Decimal(value) if kind == "decimal" and value is not None else value


if __name__ == "__main__":
    print(compare(Path(sys.argv[1]), int(sys.argv[2])))
