"""The last row of an entity: which one it is among ties, corrections and late arrivals."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from itertools import permutations
from pathlib import Path
from typing import Any

from lakehouse.declare import LatestView
from lakehouse.declare.durations import DAY, HOUR
from lakehouse.engines.protocol import Engine
from lakehouse.language.provenance import KNOWN_AT
from lakehouse.testing.conformance.against_oracle import require_oracle
from lakehouse.testing.conformance.world import (
    NOON,
    Fields,
    card,
    customers,
    movement,
    movements,
    numbered,
    spine_of,
    table_of,
)

COLUMNS = ("points", "country", "amount_eur", "weight", "abroad", "booked_on", "settled_at")
ALL = LatestView("last_movement", of=movements, by=card, columns=COLUMNS)
FRESH = LatestView("last_hour", of=movements, by=card, columns=("points",), ttl="1h")


def _check(engine: Engine, rows: list[Fields], moments: list[int], *views: LatestView) -> None:
    asked = spine_of([("a", at) for at in moments])
    facts = {"movements": table_of(movements, numbered(rows))}
    require_oracle(engine, facts, views or (ALL, FRESH), asked)


def check_latest_row_is_before_the_moment(engine: Engine, _: Path) -> None:
    """A row counts from the microsecond after it happened, and from the one it is known in."""
    rows = [movement(NOON - HOUR, points=1), movement(NOON, points=2)]
    rows += [movement(NOON + HOUR, NOON + 2 * HOUR, points=3)]
    around = [NOON - HOUR, NOON, NOON + HOUR, NOON + 2 * HOUR]
    _check(engine, rows, [at + step for at in around for step in (-1, 0, 1)])


def check_latest_ttl(engine: Engine, _: Path) -> None:
    """A row as old as the ttl counts, an older one does not, nor does what came before it."""
    rows = [movement(NOON - DAY, points=1), movement(NOON, points=2)]
    rows += [movement(NOON + 1, NOON + 3 * HOUR, points=3)]
    _check(engine, rows, [NOON + HOUR + step for step in (-1, 0, 1, 2)] + [NOON + 3 * HOUR])


def check_latest_late_rows(engine: Engine, _: Path) -> None:
    """An older event that becomes known later displaces nothing; a correction does."""
    rows = [
        movement(NOON, points=1),
        movement(NOON - HOUR, NOON + HOUR, points=2),
        movement(NOON, NOON + 2 * HOUR, points=3),
        movement(NOON + 3 * HOUR, NOON + 9 * HOUR, points=4),
        movement(NOON + 4 * HOUR, NOON + 5 * HOUR, points=5),
    ]
    for order in (rows, rows[::-1]):
        _check(engine, order, [NOON + n * HOUR + step for n in range(11) for step in (0, 1)])


def check_latest_ties(engine: Engine, _: Path) -> None:
    """Of rows of one time the one known last counts, then the one of the greater key."""
    tied: list[dict[str, Any]] = [
        {"movement_id": "m10", "points": 1},
        {"movement_id": "m9", "points": 2},
        {"movement_id": "M99", "points": 3},
        {"movement_id": "mä", "points": 4, "known": NOON - 1},
    ]
    for ordered in permutations(tied):
        rows = [movement(NOON - 1, **fields) for fields in ordered]
        _check(engine, rows, [NOON - 1, NOON])
    first = movement(NOON - 1, movement_id="m", points=None, country="x")
    second = movement(NOON - 1, movement_id="m", points=5, country="a")
    for order in ([first, second], [second, first]):
        _check(engine, order, [NOON])


def check_latest_values_come_as_they_are(engine: Engine, _: Path) -> None:
    """A null of the last row is null; it is not looked for in the row before."""
    full: Fields = {
        "points": -(2**63),
        "country": "Ω\n'\"",
        "amount_eur": Decimal("-9999999999999999.99"),
        "weight": 5e-324,
        "abroad": False,
        "booked_on": date(1899, 12, 31),
        "settled_at": -1,
    }
    rows = [movement(NOON - 2 * HOUR, **full), movement(NOON - HOUR, country="")]
    _check(engine, rows, [NOON - 3 * HOUR, NOON - HOUR, NOON])


def check_latest_without_event_time(engine: Engine, _: Path) -> None:
    """A table of facts without a time of their own is ordered by when they were known."""
    history = [("c1", "gold", 0), ("c1", None, 2), ("c2", "new", 2), ("c0", "old", 5)]
    rows: list[Fields] = [
        {"customer_id": key, "card": "a", "segment": segment, KNOWN_AT: NOON + hours * HOUR}
        for key, segment, hours in history
    ]
    views = (
        LatestView("segment", of=customers, by=card, columns=("segment", "customer_id")),
        LatestView("recent", of=customers, by=card, columns=("segment",), ttl="2h"),
    )
    moments = [NOON + h * HOUR + step for h in (0, 2, 4, 5, 7) for step in (-1, 0, 1)]
    asked = spine_of([(entity, at) for entity in ("a", "z") for at in moments])
    for order in (rows, rows[::-1]):
        require_oracle(engine, {"customers": table_of(customers, order)}, views, asked)
