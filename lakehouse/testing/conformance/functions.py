"""Every function that windows are aggregated by, on rows that are awkward for all of them."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
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
    Mode,
    Quantile,
    Share,
    Since,
    Std,
    Sum,
    Trend,
    ever,
    last,
)
from lakehouse.declare.aggregates import Aggregate, facts_of
from lakehouse.declare.durations import DAY, HOUR
from lakehouse.declare.tables import table_column
from lakehouse.declare.windows import Windows
from lakehouse.engines.protocol import Engine
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

CASES: dict[str, Callable[[str | None, str | None, Windows], tuple[Aggregate, ...]]] = {
    "count": lambda column, where, over: (Count(column, over=over, where=where),),
    "sum": lambda column, where, over: (Sum(str(column), over=over, where=where),),
    "mean": lambda column, where, over: (Mean(str(column), over=over, where=where),),
    "std": lambda column, where, over: (Std(str(column), over=over, where=where),),
    "min": lambda column, where, over: (Min(str(column), over=over, where=where),),
    "max": lambda column, where, over: (Max(str(column), over=over, where=where),),
    "first": lambda column, where, over: (First(str(column), over=over, where=where),),
    "last": lambda column, where, over: (Last(str(column), over=over, where=where),),
    "last_k": lambda column, where, over: tuple(
        LastK(str(column), k=k, over=over, where=where) for k in (1, 3)
    ),
    "distinct": lambda column, where, over: (Distinct(str(column), over=over, where=where),),
    "share": lambda column, where, over: (Share(column, over=over, where=where or "abroad"),),
    "mode": lambda column, where, over: (Mode(str(column), over=over, where=where),),
    "quantile": lambda column, where, over: tuple(
        Quantile(str(column), q=q, over=over, where=where) for q in (0.25, 0.9)
    ),
    "trend": lambda column, where, over: (Trend(str(column), over=over, where=where),),
    "since": lambda _, where, over: (Since(where=where, over=over),),
}
"""How each function is declared of a column, or of rows where that is None, with a `where`."""

COLUMNS = ("points", "amount_eur", "weight", "abroad", "country", "booked_on", "settled_at")
EXACT = last("1h", "1d")
EDGED = last("1d", "7d", edge="6h")
WHERE = (None, "country <> 'DE'")


def view_of(function: str, name: str, over: Windows, delay: str | None = None) -> FeatureView:
    """Return a view of one function, of every kind of column that it takes."""
    facts = facts_of(function)
    columns: list[str | None] = [] if facts.column == "needed" else [None]
    if facts.column != "none":
        columns += [c for c in COLUMNS if table_column(movements, c).kind in facts.takes]
    cases = [
        aggregate
        for column in columns
        for where in WHERE
        for aggregate in CASES[function](column, where, over)
    ]
    families: Any = {f"f{number}": aggregate for number, aggregate in enumerate(cases)}
    return FeatureView(f"{function}_{name}", of=movements, by=card, delay=delay, **families)


def check_every_function_on_awkward_rows(engine: Engine, _: Path) -> None:
    """Ties, nulls, NaN, amounts, rows known late and early, moments without rows."""
    rows = awkward_rows()
    moments = [NOON + n * HOUR // 2 + n % 2 for n in (-2, 3, 8, 12, 17, 29)]
    spine = spine_of([*(("a", at) for at in moments), ("b", moments[-1]), ("a", NOON + 9 * DAY)])
    facts = {"movements": table_of(movements, rows)}
    views = []
    for function in CASES:
        views.append(view_of(function, "exact", EXACT))
        views.append(view_of(function, "late", EXACT, delay="2h"))
        if facts_of(function).tiles:
            views.append(view_of(function, "edged", EDGED))
    require_oracle(engine, facts, views, spine)


def awkward_rows() -> list[Fields]:
    """Return movements of two cards, among which are ties of every kind."""
    chance = random.Random(17)
    rows = []
    for number in range(48):
        at = NOON + chance.randrange(14) * HOUR
        known = at + chance.choice([0, 0, 0, 1, HOUR, 5 * HOUR, 3 * DAY, -HOUR])
        rows.append(
            movement(
                at,
                known,
                card=chance.choice("aab"),
                movement_id=f"m{chance.randrange(10**6):06}{number}",
                amount_eur=chance.choice([None, Decimal(chance.randrange(-300, 900)) / 100]),
                points=chance.choice([None, chance.randrange(-4, 4)]),
                weight=chance.choice([None, -0.0, 0.0, math.nan, 0.5, chance.uniform(-3, 3)]),
                abroad=chance.choice([None, True, False]),
                country=chance.choice([None, "DE", "FR", "PL", ""]),
                booked_on=chance.choice([None, date(2024, 1, chance.randrange(1, 4))]),
                settled_at=chance.choice([None, NOON + chance.randrange(3)]),
            )
        )
    return numbered(rows)


def check_since_counts_from_when_rows_happened(engine: Engine, _: Path) -> None:
    """To the microsecond, up to the moment asked; a row known late stands where it happened."""
    rows = [
        movement(NOON - 3 * HOUR, country="FR"),
        movement(NOON - 2 * HOUR - 1, country="DE"),
        movement(NOON - HOUR, NOON + HOUR, country="FR"),
        movement(NOON - 1, country=None),
        movement(NOON + HOUR // 2, NOON + 30 * HOUR, country="PL"),
    ]
    aggregates: Any = {
        "any": Since(over=last("1h", "1d")),
        "abroad": Since(where="country <> 'DE'", over=EXACT + last("7d", edge="1d")),
        "never": Since(where="abroad", over=EXACT, default=-1),
    }
    views = [
        FeatureView("since", of=movements, by=card, **aggregates),
        FeatureView("since_late", of=movements, by=card, delay="1h", **aggregates),
    ]
    hours = (-3, -2, -1, 0, 1, 2, 23, 25, 30, 31, 200)
    moments = [NOON + n * HOUR + step for n in hours for step in (-1, 0, 1)]
    facts = {"movements": table_of(movements, numbered(rows))}
    require_oracle(engine, facts, views, spine_of([("a", at) for at in moments]))


def check_the_most_frequent_value(engine: Engine, _: Path) -> None:
    """Equal counts go to the value that came last, by event time, known time and key."""
    told: list[tuple[int, int, str | None, float | None]] = [
        (0, 0, "DE", math.nan),
        (1, 0, "FR", 0.0),
        (2, 0, None, math.nan),
        (2, 0, "", -0.0),
        (3, 0, "FR", 0.5),
        (3, 2, "DE", 0.5),
        (3, 0, "", None),
        (5, 20, "DE", 1.5),
        (6, 0, "", 1.5),
        (6, 0, "PL", math.nan),
    ]
    rows = [
        movement(NOON + at * HOUR, NOON + (at + late) * HOUR, country=name, weight=weight)
        for at, late, name, weight in told
    ]
    keyed = [row | {"movement_id": f"m{n * 7 % 10}"} for n, row in enumerate(rows)]
    aggregates: Any = {
        "country": Mode("country", over=last("2h", "1d"), default="none"),
        "weight": Mode("weight", over=last("2h", "1d")),
        "some": Mode("country", over=last("1d"), where="country <> 'DE'"),
    }
    views = [
        FeatureView("mode", of=movements, by=card, **aggregates),
        FeatureView("mode_late", of=movements, by=card, delay="1h", **aggregates),
    ]
    moments = [NOON + n * HOUR + step for n in (0, 1, 2, 3, 4, 5, 6, 7, 26, 40) for step in (0, 1)]
    facts = {"movements": table_of(movements, keyed)}
    require_oracle(engine, facts, views, spine_of([("a", at) for at in moments]))


def check_quantiles_are_values_at_a_place(engine: Engine, _: Path) -> None:
    """The place is counted exactly: of ten values q=0.7 is the seventh, though 0.7 is no float."""
    rows = [
        movement(
            NOON + (n * 7 % 20) * HOUR // 4,
            NOON + (n * 7 % 20) * HOUR // 4 + n % 3 * HOUR,
            points=None if n == 13 else n * 3 % 20 - 9,
            amount_eur=Decimal(n * n % 20) * Decimal("9999999999999.99"),
            weight=[0.1, -0.0, math.nan, 0.0, math.inf, -math.inf, 5e-324][n % 7],
        )
        for n in range(20)
    ]
    places = (0, 0.07, 0.1, 0.5, 0.7, 0.9, 0.999999, 1)
    aggregates: Any = {
        f"{name}_{n}": Quantile(name, q=q, over=last("1h", "1d"))
        for name in ("points", "amount_eur", "weight")
        for n, q in enumerate(places)
    }
    aggregates["some"] = Quantile("points", q=0.5, over=EXACT, where="abroad", default=-99)
    view = FeatureView("quantiles", of=movements, by=card, delay="30min", **aggregates)
    moments = [NOON + n * HOUR // 4 + step for n in (0, 1, 2, 10, 13, 22, 27) for step in (0, 1)]
    facts = {"movements": table_of(movements, numbered(rows))}
    require_oracle(engine, facts, [view], spine_of([("a", at) for at in moments]))


def check_trends_rise_by_the_day(engine: Engine, _: Path) -> None:
    """A line through values that lie on one, close in time, far from zero, or at one time alone."""
    steps = [0, 1, 2, 5, 5, HOUR, HOUR + 7, 2 * HOUR, 5 * HOUR, 20 * HOUR]
    rows = [
        movement(
            NOON + at,
            NOON + at + n % 3 * HOUR,
            points=2**53 + n * 3 if n % 4 else None,
            amount_eur=Decimal("9999999999999000.00") + Decimal(at // 1_000_000) / 100,
            weight=1e6 - at / DAY,
        )
        for n, at in enumerate(steps)
    ]
    rows += [movement(NOON + 30 * HOUR + n, weight=w) for n, w in enumerate((0.5, math.inf, 0.1))]
    rows += [movement(NOON + 50 * HOUR, weight=w, points=p) for w, p in ((0.5, 1), (2.5, 2))]
    over = last("1h", "1d") + last("2d", edge="1h") + ever()
    aggregates: Any = {name: Trend(name, over=over) for name in ("points", "amount_eur", "weight")}
    aggregates["some"] = Trend("points", over=over, where="abroad", default=-1)
    views = [
        FeatureView("trend", of=movements, by=card, **aggregates),
        FeatureView("trend_late", of=movements, by=card, delay="1h", **aggregates),
    ]
    times = (0, 1, 2, 3, 6, HOUR, HOUR + 1, HOUR + 8, 3 * HOUR, 6 * HOUR, 21 * HOUR)
    later = (30 * HOUR + 1, 30 * HOUR + 3, 31 * HOUR, 50 * HOUR + 1, 90 * HOUR)
    facts = {"movements": table_of(movements, numbered(rows))}
    spine = spine_of([("a", NOON + at) for at in (*times, *later)])
    require_oracle(engine, facts, views, spine)
