"""First and last values: which row is first or last among ties, and lists of every kind."""

from __future__ import annotations

import math
from datetime import date, datetime
from decimal import Decimal
from itertools import permutations
from pathlib import Path
from typing import Any

from lakehouse.declare import (
    Cleaned,
    Contract,
    Entity,
    FeatureView,
    First,
    Last,
    LastK,
    Raw,
    Source,
    event_time,
    last,
)
from lakehouse.declare.durations import HOUR
from lakehouse.engines.protocol import Engine
from lakehouse.language.provenance import KNOWN_AT
from lakehouse.testing.conformance.against_oracle import require_oracle
from lakehouse.testing.conformance.world import (
    NOON,
    Fields,
    card,
    movement,
    movements,
    numbered,
    spine_of,
    table_of,
)

ORDERED = FeatureView(
    "ordered",
    of=movements,
    by=card,
    first=First("points", over=last("1h", "1d")),
    last=Last("points", over=last("1h", "1d")),
    all=LastK("points", k=9, over=last("1h", "1d")),
    two=LastK("points", k=2, over=last("1h", "1d")),
    country=Last("country", over=last("1d")),
)
COLUMNS = ("points", "country", "amount_eur", "weight", "abroad", "booked_on", "settled_at")


class Ping(Contract):
    """Something that nothing but its time tells apart."""

    card: str
    word: str | None
    number: int | None
    weight: float | None
    happened_at: datetime = event_time()


pings = Cleaned("pings", Raw("pings_raw", Source("ping_feed", Ping, "pings/{delivered_at}.csv")))


def _check(engine: Engine, rows: list[Fields], moments: list[int], *views: FeatureView) -> None:
    asked = spine_of([("a", at) for at in moments])
    facts = {"movements": table_of(movements, numbered(rows))}
    require_oracle(engine, facts, views or (ORDERED,), asked)


def check_ties_of_first_and_last(engine: Engine, _: Path) -> None:
    """Rows of one time go by when they were known, then by the table's key, as text."""
    tied: list[dict[str, Any]] = [
        {"movement_id": "m10", "points": 4, "country": "DE"},
        {"movement_id": "m9", "points": 3, "country": None},
        {"movement_id": "M99", "points": None, "country": "FR"},
        {"movement_id": "mä", "points": 1, "country": "PL", "known": NOON - 2},
        {"movement_id": "ma", "points": 2, "country": "IT", "known": NOON + HOUR},
    ]
    for number, ordered in enumerate(permutations(tied)):
        if number % 11 == 0:
            rows = [movement(NOON - 1, **fields) for fields in ordered]
            rows += [movement(NOON - 2 * HOUR, points=7, movement_id="z")]
            _check(engine, rows, [NOON - 1, NOON, NOON + HOUR - 1, NOON + HOUR, NOON + 2 * HOUR])


def check_ties_of_rows_without_a_key(engine: Engine, _: Path) -> None:
    """Where nothing else orders two rows, the greater value is last, whatever comes with it."""
    over = last("1h")
    view = FeatureView(
        "ping_words",
        of=pings,
        by=Entity("card", key="card"),
        first=First("word", over=over),
        last=Last("word", over=over),
        words=LastK("word", k=3, over=over),
        number=Last("number", over=over),
        numbers=LastK("number", k=9, over=over),
        weights=LastK("weight", k=9, over=over),
    )
    told: list[tuple[str | None, int | None, float | None]] = [
        ("b", -1, math.nan),
        ("a", 5, 0.5),
        (None, None, -math.inf),
        ("ä", 5, None),
        ("a", 2, math.inf),
    ]
    for rows in (told, told[::-1], told[2:] + told[:2]):
        facts = [
            {"card": "a", "word": word, "number": number, "weight": weight}
            | {"happened_at": at, KNOWN_AT: at}
            for at in (NOON - HOUR, NOON - 1)
            for word, number, weight in rows
        ]
        asked = spine_of([("a", at) for at in (NOON - HOUR + 1, NOON - 1, NOON)])
        require_oracle(engine, {"pings": table_of(pings, facts)}, (view,), asked)


def check_an_older_row_that_comes_late_takes_its_place(engine: Engine, _: Path) -> None:
    """Late rows stand among the others by when they happened, and not by when they came."""
    rows = [
        movement(NOON, points=1),
        movement(NOON - HOUR, NOON + HOUR, points=2),
        movement(NOON, NOON + 2 * HOUR, points=3),
        movement(NOON + 3 * HOUR, NOON + 9 * HOUR, points=4),
        movement(NOON + 4 * HOUR, NOON + 5 * HOUR, points=5),
        movement(NOON + 4 * HOUR, NOON + 40 * HOUR, points=6),
    ]
    delayed = FeatureView(
        "ordered_late",
        of=movements,
        by=card,
        delay="2h",
        first=First("points", over=last("5h")),
        all=LastK("points", k=4, over=last("5h")),
    )
    moments = [NOON + n * HOUR + step for n in range(-1, 14) for step in (0, 1)]
    for order in (rows, rows[::-1]):
        _check(engine, order, [*moments, NOON + 28 * HOUR, NOON + 41 * HOUR], ORDERED, delayed)


def check_lists_hold_up_to_k_values(engine: Engine, _: Path) -> None:
    """Newest first, without nulls; fewer where there are fewer, and none at all of nothing."""
    rows = [
        movement(NOON - n * HOUR // 8, points=None if n % 4 == 3 else n, abroad=True)
        for n in range(1, 30)
    ]
    rows += [movement(NOON - HOUR // 9, card="b"), movement(NOON, card="c", points=1)]
    over = last("1h", "1d")
    lists: Any = {f"last{k}": LastK("points", k=k, over=over) for k in (1, 2, 7, 100)}
    some = LastK("points", k=3, over=over, where="not abroad or points > 10")
    view = FeatureView("lists", of=movements, by=card, some=some, **lists)
    moments = [("a", NOON + n * HOUR // 3) for n in range(-12, 5)]
    moments += [(name, NOON) for name in ("b", "c", "d")] + [
        ("c", NOON + 1),
        ("a", NOON + 2 * HOUR),
    ]
    facts = {"movements": table_of(movements, numbered(rows))}
    require_oracle(engine, facts, (view,), spine_of(moments))


def check_first_and_last_values_come_as_they_are(engine: Engine, _: Path) -> None:
    """Values of every kind come out as they went in, in lists too."""
    full: Fields = {
        "points": -(2**63),
        "country": "",
        "amount_eur": Decimal("-9999999999999999.99"),
        "weight": -0.0,
        "abroad": False,
        "booked_on": date(1969, 12, 31),
        "settled_at": NOON - 1,
    }
    other: Fields = {
        "points": 2**63 - 1,
        "country": "ä\u0000'\n😀",
        "amount_eur": Decimal("0.01"),
        "weight": 5e-324,
        "abroad": True,
        "booked_on": date(2024, 2, 29),
        "settled_at": -(10**12) - 1,
    }
    odd: Fields = {"weight": math.nan, "amount_eur": Decimal(0), "country": "Z"}
    aggregates: Any = {}
    for name in COLUMNS:
        aggregates[f"first_{name}"] = First(name, over=last("1h"))
        aggregates[f"last_{name}"] = Last(name, over=last("1h"))
        aggregates[f"all_{name}"] = LastK(name, k=4, over=last("1h"))
    view = FeatureView("kinds", of=movements, by=card, **aggregates)
    rows = [movement(NOON - n, **f) for n, f in enumerate([odd, {}, full, other, {}, odd], 1)]
    _check(engine, rows, [NOON - 4, NOON - 3, NOON - 2, NOON, NOON + 2 * HOUR], view)
