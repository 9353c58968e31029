"""Windows of the last rows, and of all that was: rows of any age count in them."""

from __future__ import annotations

import random
from datetime import date
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
    Max,
    Mean,
    Min,
    Share,
    Std,
    Sum,
    ever,
    last,
)
from lakehouse.declare.aggregates import facts_of
from lakehouse.declare.durations import DAY, HOUR
from lakehouse.declare.windows import Windows
from lakehouse.engines.protocol import Engine
from lakehouse.testing.conformance.against_oracle import require_oracle
from lakehouse.testing.conformance.functions import CASES, awkward_rows, view_of
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

ROWS = last(rows=1) + last(rows=3) + last(rows=20)
ABROAD = "country <> 'DE'"


def _merged(over: Windows) -> dict[str, Any]:
    """Aggregates whose values of parts of a window can be merged."""
    return {
        "movements": Count(over=over),
        "abroad": Count(over=over, where=ABROAD),
        "spend": Sum("amount_eur", over=over),
        "spend_abroad": Sum("amount_eur", over=over, where=ABROAD),
        "mean_weight": Mean("weight", over=over, where="abroad"),
        "spread": Std("points", over=over),
        "least": Min("points", over=over, where=ABROAD),
        "heaviest": Max("weight", over=over),
        "first": First("country", over=over, where="abroad"),
        "last": Last("amount_eur", over=over),
        "several": LastK("points", k=3, over=over, where=ABROAD),
        "share": Share(where=ABROAD, over=over, default=0.5),
        "share_known": Share("points", where=ABROAD, over=over),
    }


def _told_apart(over: Windows) -> dict[str, Any]:
    """Aggregates that need each value by itself."""
    return {
        "countries": Distinct("country", over=over),
        "days": Distinct("booked_on", over=over, where=ABROAD),
    }


LAST_ROWS = FeatureView("rows", of=movements, by=card, **_merged(ROWS), **_told_apart(ROWS))
LAST_ROWS_LATE = FeatureView(
    "rows_late", of=movements, by=card, delay="2h", **_merged(ROWS), **_told_apart(ROWS)
)
EVER = FeatureView("ever", of=movements, by=card, **_merged(ever()))
EVER_LATE = FeatureView("ever_late", of=movements, by=card, delay="2h", **_merged(ever()))
TOGETHER = FeatureView(
    "together",
    of=movements,
    by=card,
    **_merged(last("1h") + ever() + last(rows=2) + last("7d", edge="1h")),
)


def _check(engine: Engine, rows: list[Fields], moments: list[int], *views: FeatureView) -> None:
    asked = spine_of([("a", at) for at in moments] + [("b", moments[-1])])
    facts = {"movements": table_of(movements, numbered(rows))}
    require_oracle(engine, facts, views, asked)


def _values(place: int) -> Fields:
    """Return a movement's values, other ones for each place."""
    return {
        "amount_eur": None if place % 7 == 3 else Decimal(place * 37 % 1000) / 100,
        "points": None if place % 5 == 2 else place * 11 % 23,
        "weight": None if place % 6 == 1 else place * 0.37 % 3,
        "country": (None, "DE", "FR", "PL", "FR")[place % 5],
        "abroad": (True, None, False, True)[place % 4],
        "booked_on": date(2024, 3, 1 + place % 3),
    }


def check_last_rows_are_of_any_age(engine: Engine, _: Path) -> None:
    """Years lie between some; an event at the moment itself, or in the delay, is not among them."""
    ages = [9000 * DAY, 400 * DAY, 31 * DAY, 2 * DAY, 3 * HOUR, 2 * HOUR, HOUR, 1, 0, -1]
    rows = [movement(NOON - age, **_values(place)) for place, age in enumerate(ages)]
    moments = [NOON - age + off for age in ages for off in (0, 1)] + [NOON + 2 * HOUR, NOON + DAY]
    _check(engine, rows, moments, LAST_ROWS, LAST_ROWS_LATE)


def check_last_rows_are_those_known(engine: Engine, _: Path) -> None:
    """A row known late takes its place among the last, or comes too late for one."""
    lateness = [0, 1, HOUR // 2, HOUR - 1, HOUR, HOUR + 1, 5 * HOUR, 3 * DAY, -HOUR, -2 * DAY]
    rows = [
        movement(at, at + late, **_values(place))
        for place, (at, late) in enumerate((NOON + h * HOUR, k) for h in range(4) for k in lateness)
    ]
    moments = [NOON + step * HOUR // 2 + off for step in range(-3, 14) for off in (-1, 0, 1)]
    moments += [NOON + 3 * DAY, NOON + 3 * DAY + HOUR, NOON + 31 * DAY]
    _check(engine, rows, moments, LAST_ROWS, LAST_ROWS_LATE)


def check_the_key_orders_rows_of_one_time(engine: Engine, _: Path) -> None:
    """Which of equal times is among the last its known time says, and then its key."""
    keys = ["k3", "k1", "k10", "k2", "K9", "kä", ""]
    rows = [
        movement(NOON - HOUR, NOON - HOUR + late, movement_id=f"{key}{late}", **_values(place))
        for place, (key, late) in enumerate((key, late) for late in (0, 5) for key in keys)
    ]
    rows += [movement(NOON, movement_id=f"z{n}", **_values(n + 1)) for n in (2, 0, 3, 1)]
    moments = [NOON - HOUR + 1, NOON - HOUR + 5, NOON, NOON + 1, NOON + 3 * HOUR]
    _check(engine, rows, moments, LAST_ROWS, LAST_ROWS_LATE)


def check_a_null_is_among_the_last_rows(engine: Engine, _: Path) -> None:
    """Rows are counted where `where` is true, and then their nulls are skipped."""
    nothing: Fields = {"country": "FR", "abroad": True}
    something: Fields = {"points": 5, "weight": 1.5, "amount_eur": Decimal("2.50")} | nothing
    told = [something, nothing, {"country": "DE"}, {}, nothing, something, nothing, {}, nothing]
    rows = [movement(NOON + n * HOUR, **values) for n, values in enumerate(told)]
    _check(engine, rows, [NOON + n * HOUR + 1 for n in range(12)], LAST_ROWS, LAST_ROWS_LATE)


def check_ever_is_all_that_was(engine: Engine, _: Path) -> None:
    """Before 1970 too, from when it is known, and but for what lies in the delay."""
    ages = [40_000 * DAY, 9000 * DAY, 400 * DAY, DAY, 25 * HOUR, 3 * HOUR, 2 * HOUR, HOUR, 1, 0, -1]
    rows = [
        movement(NOON - age, NOON - age + late, **_values(place))
        for place, (age, late) in enumerate((a, k) for a in ages for k in (0, 3 * HOUR, 500 * DAY))
    ]
    moments = [NOON - age + off for age in ages for off in (0, 1)]
    moments += [NOON + 2 * HOUR, NOON + DAY, NOON + 700 * DAY]
    _check(engine, rows, moments, EVER, EVER_LATE)


def check_windows_of_every_kind_in_one_view(engine: Engine, _: Path) -> None:
    """Each of them has its own rows."""
    rows = [
        movement(NOON - n * n * HOUR // 7, NOON - n * n * HOUR // 7 + n % 4 * HOUR, **_values(n))
        for n in range(60)
    ]
    moments = [NOON + step * HOUR + off for step in range(-60, 6, 7) for off in (0, 1)]
    _check(engine, rows, [*moments, NOON + 8 * DAY], TOGETHER)


def check_random_histories_of_any_age(engine: Engine, _: Path) -> None:
    """Everything at once: four hundred rows of few entities, times and values."""
    chance = random.Random(12)
    rows = []
    for n in range(400):
        at = NOON + chance.randrange(300) * HOUR // 8
        known = at + chance.choice([0, 0, 0, 1, HOUR // 4, HOUR, 3 * DAY, -HOUR])
        named = {"movement_id": f"m{chance.randrange(10**9):09}{n}"}
        of = {"card": chance.choice(["a", "b", "c", None])}
        rows.append(movement(at, known, **named, **of, **_values(chance.randrange(1000))))
    moments = [
        (chance.choice(["a", "b", "c", "d", None]), NOON + chance.randrange(360) * HOUR // 8)
        for _n in range(40)
    ]
    facts = {"movements": table_of(movements, numbered(rows))}
    views = (LAST_ROWS, LAST_ROWS_LATE, EVER, EVER_LATE, TOGETHER)
    require_oracle(engine, facts, views, spine_of(moments))


def check_every_function_over_rows_of_any_age(engine: Engine, _: Path) -> None:
    """Each function over the last rows, and over all that was if it can be merged."""
    moments = [NOON + n * HOUR // 2 + step for n in range(-2, 30, 3) for step in (0, 1)]
    spine = spine_of([(name, at) for name in ("a", "b") for at in [*moments, NOON + 900 * DAY]])
    facts = {"movements": table_of(movements, awkward_rows())}
    few = last(rows=2) + last(rows=7)
    views = []
    for function in CASES:
        views.append(view_of(function, "rows", few))
        views.append(view_of(function, "rows_late", few, delay="2h"))
        if facts_of(function).tiles:
            views.append(view_of(function, "ever", ever()))
    require_oracle(engine, facts, views, spine)
