"""Deviations, distinct values, shares and defaults, and what they are of nothing."""

from __future__ import annotations

import math
import random
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from lakehouse.declare import (
    Count,
    Distinct,
    FeatureView,
    First,
    Last,
    LastK,
    LatestView,
    Max,
    Mean,
    Min,
    Share,
    Std,
    last,
)
from lakehouse.declare.durations import DAY, HOUR
from lakehouse.engines.protocol import Engine
from lakehouse.testing.conformance.against_oracle import require_oracle
from lakehouse.testing.conformance.world import (
    CRITERIA,
    NOON,
    Fields,
    card,
    movement,
    movements,
    numbered,
    spine_of,
    table_of,
)

EXACT = last("1h", "1d")
ABROAD = "country <> 'DE'"
NEWER: dict[str, Any] = {
    "spread": Std("amount_eur", over=EXACT),
    "spread_points": Std("points", over=EXACT),
    "spread_weight": Std("weight", over=EXACT),
    "countries": Distinct("country", over=EXACT),
    "weights": Distinct("weight", over=EXACT),
    "days": Distinct("booked_on", over=EXACT),
    "shops": Distinct("shop", over=EXACT, where=ABROAD),
    "share": Share(where=ABROAD, over=EXACT),
    "share_known": Share("country", where=ABROAD, over=EXACT),
    "first_country": First("country", over=EXACT),
    "last_country": Last("country", over=EXACT),
    "first_amount": First("amount_eur", over=EXACT, where=ABROAD),
    "last_amount": Last("amount_eur", over=EXACT, where=ABROAD),
    "amounts": LastK("amount_eur", k=3, over=EXACT),
    "shops_seen": LastK("shop", k=2, over=EXACT, where=ABROAD),
}
EVERYTHING = FeatureView("newer", of=movements, by=card, **NEWER)
DELAYED = FeatureView("newer_late", of=movements, by=card, delay="2h", **NEWER)


def _check(engine: Engine, rows: list[Fields], moments: list[int], *views: Any) -> None:
    asked = spine_of([("a", at) for at in moments])
    facts = {"movements": table_of(movements, numbered(rows))}
    require_oracle(engine, facts, views or (EVERYTHING, DELAYED), asked)


def _values(place: int) -> Fields:
    """Return a movement's values, other ones for each place."""
    return {
        "amount_eur": None if place % 7 == 0 else Decimal(place * 37 % 1000) / 100,
        "points": None if place % 5 == 0 else place * 11 % 23,
        "weight": None if place % 6 == 0 else place * 0.37 % 3,
        "country": (None, "DE", "FR", "PL", "FR")[place % 5],
        "shop": ("s1", "s2", "s3", None)[place % 4],
        "booked_on": date(2024, 3, 1 + place % 3),
    }


def check_newer_aggregates_end_and_begin_to_the_microsecond(engine: Engine, _: Path) -> None:
    """[t - w, t) and [t - d - w, t - d): closed where it begins, open where it ends."""
    borders = [NOON, NOON - HOUR, NOON - DAY, NOON - 2 * HOUR, NOON - 3 * HOUR, NOON - DAY - HOUR]
    around = [border + step for border in borders for step in (-1, 0, 1)]
    rows = [movement(at, **_values(place)) for place, at in enumerate(around)]
    _check(engine, rows, [NOON - 1, NOON, NOON + 1, NOON + 2 * HOUR, NOON + 3 * DAY])


def check_newer_aggregates_of_late_rows(engine: Engine, _: Path) -> None:
    """Late rows, rows known before they happen, and rows known when their window has passed."""
    lateness = [0, 1, HOUR // 2, HOUR - 1, HOUR, HOUR + 1, 5 * HOUR, 3 * DAY, -HOUR, -2 * DAY]
    rows = [
        movement(at, at + late, **_values(place))
        for place, (at, late) in enumerate((NOON + h * HOUR, k) for h in range(4) for k in lateness)
    ]
    moments = [NOON + step * HOUR // 2 + off for step in range(-3, 14) for off in (-1, 0, 1)]
    _check(engine, rows, [*moments, NOON + 3 * DAY, NOON + 3 * DAY + HOUR, NOON + 31 * DAY])


def check_newer_aggregates_over_edges(engine: Engine, _: Path) -> None:
    """With an edge the window begins with the tile that holds t - w; distinct values have none."""
    over = last("1d", "7d", edge="1d") + last("1h", edge="5min")
    aggregates: Any = {
        "spread": Std("points", over=over),
        "share": Share(where=ABROAD, over=over),
        "first": First("country", over=over),
        "last": Last("country", over=over),
        "several": LastK("points", k=4, over=over),
    }
    view = FeatureView("edged", of=movements, by=card, **aggregates)
    delayed = FeatureView("edged_late", of=movements, by=card, delay="1h", **aggregates)
    for now in (NOON, -40 * HOUR):
        tiles = [(now - w) // DAY * DAY for w in (DAY, 7 * DAY, DAY + HOUR, 7 * DAY + HOUR)]
        tiles += [(now - k * HOUR) // (HOUR // 12) * (HOUR // 12) for k in (1, 2)]
        around = [tile + step for tile in [*tiles, now - HOUR, now] for step in (-1, 0, 1)]
        rows = [
            movement(at, at + (n % 4) * HOUR // 3, **_values(n))
            for n, at in enumerate(sorted(around))
        ]
        _check(engine, rows, [now - 1, now, now + 1, now + HOUR], view, delayed)


def check_deviation_is_of_a_sample(engine: Engine, _: Path) -> None:
    """Squares are divided by n - 1: one value has no deviation, two have one, equal ones have 0."""
    rows = [movement(NOON - 50 * HOUR, points=4, weight=2.5, amount_eur=Decimal("-0.01"))]
    rows += [movement(NOON - 30 * HOUR, points=7, weight=2.5, amount_eur=Decimal("0.01"))]
    rows += [movement(NOON - 29 * HOUR, points=7, weight=None, amount_eur=Decimal("0.02"))]
    rows += [movement(NOON + n, points=7, weight=0.1, amount_eur=Decimal("9.99")) for n in range(9)]
    moments = [NOON - n * HOUR for n in (60, 49, 29, 28, 20, 5)] + [NOON + 1, NOON + 2, NOON + HOUR]
    _check(engine, rows, moments)


def check_deviation_of_large_numbers(engine: Engine, _: Path) -> None:
    """What is common to all values cancels, and what has left a window leaves no trace."""
    big = Decimal("9999999999999000.00")
    rows = [
        movement(
            NOON - n * HOUR // 3,
            amount_eur=big + Decimal(n * n) / 100,
            points=2**62 + n * 1000,
            weight=1e15 + n,
        )
        for n in range(2, 30)
    ]
    weights = [1e300, 0.1, 0.2, 0.4, math.nan, 0.3, 0.5, math.inf, 0.7, -1e17, 0.9, 0.1]
    rows += [movement(NOON + n * HOUR // 2, weight=weight) for n, weight in enumerate(weights)]
    rows += [movement(NOON + 8 * HOUR, NOON + 20 * HOUR, weight=1e200)]
    moments = [NOON + n * HOUR // 2 + off for n in range(-20, 30) for off in (0, 1)]
    _check(engine, rows, moments)


def check_distinct_values_leave_and_come_again(engine: Engine, _: Path) -> None:
    """A value counts once while any of its events is in the window, whichever of them left."""
    times = [0, 20, 50, 61, 62, 130, 200, 259, 261, 400]
    names = ["DE", "FR", "DE", "DE", "", "FR", "FR", "de", "DE ", "DE"]
    minute = HOUR // 60
    rows = [
        movement(NOON + at * minute, NOON + (at + late) * minute, country=name, shop=shop)
        for at, name in zip(times, names, strict=True)
        for late, shop in ((0, "s"), (45, "s"), (70, "t"))
    ]
    moments = [NOON + n * 5 * minute + off for n in range(110) for off in (0, 1)]
    _check(engine, rows, moments)


def check_distinct_values_of_every_kind(engine: Engine, _: Path) -> None:
    """NaN is one value, -0.0 is 0.0, null is none; times differ by a microsecond."""
    columns = ("weight", "amount_eur", "points", "abroad", "country", "booked_on", "settled_at")
    values: list[tuple[Any, ...]] = [
        (0.0, Decimal("0.00"), 0, False, "", date(1969, 12, 31), -1),
        (-0.0, Decimal("0.01"), 2**53, True, "a", date(1970, 1, 1), 0),
        (math.nan, Decimal("-0.01"), 2**53 + 1, None, "a ", None, NOON),
        (-math.nan, Decimal("9999999999999999.99"), -(2**63), False, "A", None, NOON + 1),
        (math.inf, None, 2**63 - 1, True, "ä", date(2024, 2, 29), None),
        (5e-324, Decimal("0.00"), None, None, "a\u0308", date(1970, 1, 1), NOON),
        (None, None, None, None, None, None, None),
    ]
    rows = [
        movement(NOON - (n % 9 + 1) * HOUR // 4, **dict(zip(columns, told, strict=True)))
        for n, told in enumerate(values * 2)
    ]
    aggregates: Any = {name: Distinct(name, over=last("1h", "1d")) for name in columns}
    view = FeatureView("kinds", of=movements, by=card, **aggregates)
    _check(engine, rows, [NOON, NOON - HOUR, NOON + HOUR // 2, NOON + 20 * HOUR], view)


def check_share_counts_what_is_unknown(engine: Engine, _: Path) -> None:
    """What is false or unknown counts below the line, a null column on neither side of it."""
    aggregates: Any = {}
    for place, where in enumerate(CRITERIA):
        aggregates[f"s{place}"] = Share(where=where, over=EXACT)
        aggregates[f"c{place}"] = Share("points", where=where, over=EXACT)
        aggregates[f"n{place}"] = Count(where=where, over=EXACT)
    view = FeatureView("shares", of=movements, by=card, **aggregates)
    rows = [
        movement(NOON - place * HOUR // 20, country=country, abroad=abroad, points=points)
        for place, (country, abroad, points) in enumerate(
            (c, a, p) for c in (None, "DE", "FR") for a in (None, True, False) for p in (None, 11)
        )
    ]
    _check(engine, rows, [NOON - 20 * HOUR, NOON, NOON + 1, NOON + HOUR // 2, NOON + 2 * DAY], view)


def check_defaults_stand_for_null(engine: Engine, _: Path) -> None:
    """A default is given where the value is null, whether there are rows or not, and only there."""
    hour = last("1h")
    at = datetime(1999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)
    view = FeatureView(
        "defaults",
        of=movements,
        by=card,
        mean=Mean("points", over=hour, default=-1),
        spread=Std("points", over=hour, default=0),
        least=Min("amount_eur", over=hour, default="-0.50"),
        most=Max("weight", over=hour, default=2),
        first=First("booked_on", over=hour, default=date(2000, 2, 29)),
        last=Last("settled_at", over=hour, default=at),
        country=Last("country", over=hour, default=""),
        truth=First("abroad", over=hour, default=True),
        share=Share(where=ABROAD, over=hour, default=0.5),
        none=Mean("points", over=hour),
    )
    latest = LatestView(
        "latest",
        of=movements,
        by=card,
        columns=("amount_eur", "country", "settled_at", "points", "abroad"),
        ttl="3h",
        defaults={"amount_eur": 1, "country": "none", "settled_at": at, "abroad": False},
    )
    rows = [movement(NOON), movement(NOON + 2 * HOUR, country="", abroad=True, points=0)]
    told = {"booked_on": date(2024, 1, 1), "settled_at": NOON, "weight": math.nan}
    rows += [movement(NOON + 4 * HOUR, **_values(3) | told), movement(NOON + 6 * HOUR)]
    moments = [NOON + n * HOUR // 2 + 1 for n in range(-1, 22)]
    _check(engine, rows, moments, view, latest)


def check_newer_aggregates_of_random_histories(engine: Engine, _: Path) -> None:
    """Everything at once: four hundred rows of few entities, times and values."""
    chance = random.Random(11)
    rows = []
    for n in range(400):
        at = NOON + chance.randrange(300) * HOUR // 8
        known = at + chance.choice([0, 0, 0, 1, HOUR // 4, HOUR, 3 * DAY, -HOUR])
        rows.append(
            movement(
                at,
                known,
                card=chance.choice(["a", "b", "c", None]),
                movement_id=f"m{chance.randrange(10**9):09}{n}",
                amount_eur=chance.choice([None, Decimal(chance.randrange(-999, 9999)) / 100]),
                points=chance.choice([None, chance.randrange(-20, 20)]),
                weight=chance.choice([None, chance.choice([0.5, -0.5, 0.1])]),
                country=chance.choice([None, "DE", "FR", "PL", ""]),
                shop=chance.choice([None, "s1", "s2", "s3"]),
                booked_on=date(2024, 1, chance.randrange(1, 5)),
            )
        )
    moments = [
        (chance.choice(["a", "b", "c", "d", None]), NOON + chance.randrange(360) * HOUR // 8)
        for _n in range(40)
    ]
    facts = {"movements": table_of(movements, numbered(rows))}
    require_oracle(engine, facts, (EVERYTHING, DELAYED), spine_of(moments))
