"""Windows: where they begin and end, what is known in them, and what they make of nulls."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from lakehouse.declare import Count, FeatureView, Max, Mean, Min, Sum, last
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
from lakehouse.times import microseconds

EXACT = last("1h", "1d", "30d")
EVERYTHING = FeatureView(
    "everything",
    of=movements,
    by=card,
    movements=Count(over=EXACT),
    countries=Count("country", over=EXACT),
    spend=Sum("amount_eur", over=EXACT),
    mean_spend=Mean("amount_eur", over=EXACT),
    least_spend=Min("amount_eur", over=EXACT),
    greatest_spend=Max("amount_eur", over=EXACT),
    points=Sum("points", over=EXACT),
    mean_points=Mean("points", over=EXACT),
    least_points=Min("points", over=EXACT),
    greatest_points=Max("points", over=EXACT),
    abroad=Sum("abroad", over=EXACT),
    share_abroad=Mean("abroad", over=EXACT),
    weight=Sum("weight", over=EXACT),
    mean_weight=Mean("weight", over=EXACT),
    least_weight=Min("weight", over=EXACT),
    greatest_weight=Max("weight", over=EXACT),
)


def _check(engine: Engine, rows: list[Fields], moments: list[int], *views: FeatureView) -> None:
    asked = spine_of([("a", at) for at in moments])
    facts = {"movements": table_of(movements, numbered(rows))}
    require_oracle(engine, facts, views or (EVERYTHING,), asked)


def check_window_boundaries_to_the_microsecond(engine: Engine, _: Path) -> None:
    """[t - w, t): closed where it begins, open where it ends."""
    borders = [NOON, NOON - HOUR, NOON - DAY, NOON - 30 * DAY]
    around = [border + step for border in borders for step in (-1, 0, 1)]
    rows = [movement(at, points=1 << place) for place, at in enumerate(around)]
    _check(engine, rows, [NOON - 1, NOON, NOON + 1])


def check_ties_all_count(engine: Engine, _: Path) -> None:
    """Rows of one entity and time are several events, even if all their values are equal."""
    at = NOON - HOUR // 2
    values: Fields = {"amount_eur": Decimal("5.00"), "points": 3, "weight": 0.1, "abroad": True}
    rows = [movement(at, **values) for _ in range(3)] + [movement(at, points=7)]
    rows += [movement(at, at + 1, **values), movement(at, NOON, **values)]
    rows += [movement(at, NOON + 1, **values)]
    _check(engine, rows, [at, at + 1, at + 2, NOON, NOON, NOON + 1])


def check_rows_count_once_known(engine: Engine, _: Path) -> None:
    """Late rows, rows known before they happen, and rows known when their window has passed."""
    lateness = [0, 1, HOUR // 2, HOUR - 1, HOUR, HOUR + 1, 5 * HOUR, 3 * DAY, -HOUR, -2 * DAY]
    rows = [
        movement(at, at + late, points=place, weight=place / 3, amount_eur=Decimal(place))
        for place, (at, late) in enumerate((NOON + h * HOUR, k) for h in range(4) for k in lateness)
    ]
    moments = [NOON + step * HOUR // 2 + off for step in range(-3, 14) for off in (-1, 0, 1)]
    _check(engine, rows, [*moments, NOON + 3 * DAY, NOON + 3 * DAY + HOUR, NOON + 31 * DAY])


def check_delay(engine: Engine, _: Path) -> None:
    """[t - d - w, t - d), whatever is known since."""
    view = FeatureView(
        "delayed",
        of=movements,
        by=card,
        delay="7d",
        movements=Count(over=last("1h", "1d")),
        points=Sum("points", over=last("1h", "1d")),
        heaviest=Max("weight", over=last("1h", "1d")),
    )
    borders = [NOON, NOON - 7 * DAY, NOON - 7 * DAY - HOUR, NOON - 8 * DAY]
    around = [border + step for border in borders for step in (-1, 0, 1)]
    rows = [
        movement(at, at + late, points=1 << place, weight=float(place))
        for place, at in enumerate(around)
        for late in (0, 6 * DAY, 7 * DAY, 7 * DAY + 1, 8 * DAY)
    ]
    _check(engine, rows, [NOON - 1, NOON, NOON + 1, NOON + DAY], view, EVERYTHING)


def check_edges(engine: Engine, _: Path) -> None:
    """With an edge the window begins with the UTC tile that holds t - w, before 1970 too."""
    over = last("1d", "7d", edge="1d") + last("1h", edge="5min") + last("365d", edge="7d")
    view = FeatureView(
        "edged",
        of=movements,
        by=card,
        movements=Count(over=over),
        least=Min("points", over=over),
        weight=Mean("weight", over=over),
    )
    delayed = FeatureView(
        "edged_late", of=movements, by=card, delay="1h", movements=Count(over=over)
    )
    for now in (NOON, NOON - NOON % DAY, -40 * HOUR):
        tiles = [(now - w) // e * e for w, e in ((DAY, DAY), (7 * DAY, DAY), (365 * DAY, 7 * DAY))]
        tiles += [(now - HOUR) // (HOUR // 12) * (HOUR // 12), (now - 2 * DAY) // DAY * DAY]
        tiles += [(now - 25 * HOUR) // DAY * DAY, now - HOUR, now]
        around = [tile + step for tile in tiles for step in (-1, 0, 1)]
        rows = [movement(at, points=n, weight=n / 7) for n, at in enumerate(around)]
        _check(engine, rows, [now - 1, now, now + 1, now + HOUR], view, delayed)


def check_nulls_are_skipped(engine: Engine, _: Path) -> None:
    """A null input is no input; a window of nulls is as empty as one without rows."""
    filled: Fields = {"amount_eur": Decimal("-0.01"), "points": -5, "weight": -1.5, "abroad": False}
    rows = [movement(NOON - 3 * HOUR), movement(NOON - 2 * HOUR, **filled, country="")]
    rows += [movement(NOON - HOUR // 2), movement(NOON - HOUR // 3)]
    _check(engine, rows, [NOON - 40 * DAY, NOON - 2 * HOUR, NOON, NOON + 2 * HOUR, NOON + 40 * DAY])


def check_where_with_unknown(engine: Engine, _: Path) -> None:
    """A criterion selects the rows for which it is true: not false, and not unknown."""
    aggregates: Any = {}
    for place, where in enumerate(CRITERIA):
        aggregates[f"n{place}"] = Count(over=EXACT, where=where)
        aggregates[f"c{place}"] = Count("points", over=EXACT, where=where)
        aggregates[f"s{place}"] = Sum("amount_eur", over=EXACT, where=where)
        aggregates[f"m{place}"] = Min("points", over=EXACT, where=where)
    view = FeatureView("selected", of=movements, by=card, **aggregates)
    choices: list[Fields] = [
        {"country": country, "abroad": abroad, "points": points, "amount_eur": amount}
        for country in (None, "DE", "FR", "de", "")
        for abroad in (None, True, False)
        for points, amount in ((None, None), (10, Decimal("10.05")), (11, Decimal("10.04")))
    ]
    rows = [movement(NOON - place * HOUR // 20, **fields) for place, fields in enumerate(choices)]
    _check(engine, rows, [NOON, NOON + 1, NOON + HOUR, NOON + 20 * DAY], view)


def check_decimals_are_exact(engine: Engine, _: Path) -> None:
    """Sums of amounts are exact to their last digit, up to eighteen digits of either sign."""
    cents = ["0.10", "0.20", "0.01", "-0.07", "1234567890123456.78", "-999999999999999.99"]
    rows = [movement(NOON - n * HOUR, amount_eur=Decimal(text)) for n, text in enumerate(cents, 1)]
    edge = Decimal("9999999999999999.99")
    rows += [movement(NOON + 3 * DAY, amount_eur=edge), movement(NOON + 5 * DAY, amount_eur=-edge)]
    hours = [NOON - n * HOUR for n in range(8)]
    day = FeatureView(
        "exact",
        of=movements,
        by=card,
        spend=Sum("amount_eur", over=last("1h", "1d")),
        mean=Mean("amount_eur", over=last("1h", "1d")),
        least=Min("amount_eur", over=last("1d")),
        greatest=Max("amount_eur", over=last("1d", "30d")),
    )
    _check(engine, rows, [*hours, NOON + 4 * DAY, NOON + 6 * DAY, NOON + 8 * DAY], day)


def check_floats_do_not_remember(engine: Engine, _: Path) -> None:
    """What has left a window, or never counted, leaves no trace in a float."""
    weights = [1e17, 0.1, -1e17, 0.2, float("nan"), 0.3, float("inf"), 0.4, float("-inf"), 0.5]
    rows = [movement(NOON + n * HOUR, weight=weight) for n, weight in enumerate(weights)]
    rows += [movement(NOON + 20 * HOUR, NOON + 40 * HOUR, weight=1e300)]
    rows += [movement(NOON + 21 * HOUR + n, weight=0.1) for n in range(30)]
    view = FeatureView(
        "weights",
        of=movements,
        by=card,
        weight=Sum("weight", over=last("1h", "2h", "3h", "1d")),
        mean=Mean("weight", over=last("1h", "2h", "3h", "1d")),
        least=Min("weight", over=last("1h", "2h", "3h", "1d")),
        greatest=Max("weight", over=last("1h", "2h", "3h", "1d")),
    )
    _check(engine, rows, [NOON + n * HOUR + off for n in range(46) for off in (0, 1)], view)


def check_year_ends_and_clock_changes(engine: Engine, _: Path) -> None:
    """A day is 24 hours of UTC: over New Year, 29 February, and changes of the clock."""
    days = [(2023, 12, 31), (2024, 2, 29), (2024, 3, 31), (2024, 10, 27), (1969, 12, 31)]
    for day in days:
        midnight = microseconds(datetime(*day, tzinfo=UTC)) + DAY
        hours = [midnight + n * HOUR for n in range(-26, 27)]
        rows = [movement(at, points=n) for n, at in enumerate(hours)]
        _check(engine, rows, [midnight + n * HOUR + off for n in (-3, 0, 2, 25) for off in (-1, 0)])


def check_random_histories(engine: Engine, _: Path) -> None:
    """Everything at once: four hundred rows of few entities and times, with every kind of null."""
    chance = random.Random(9)
    rows = []
    for _n in range(400):
        at = NOON + chance.randrange(400) * HOUR // 4
        known = at + chance.choice([0, 0, 0, 1, HOUR // 4, HOUR, 3 * DAY, -HOUR])
        fields = {
            "card": chance.choice(["a", "b", "c", None]),
            "amount_eur": chance.choice([None, Decimal(chance.randrange(-999, 9999)) / 100]),
            "points": chance.choice([None, chance.randrange(-20, 20)]),
            "weight": chance.choice([None, chance.uniform(-3, 3)]),
            "abroad": chance.choice([None, True, False]),
            "country": chance.choice([None, "DE", "FR", ""]),
        }
        rows.append(movement(at, known, **fields))
    moments = [
        (chance.choice(["a", "b", "c", "d", None]), NOON + chance.randrange(460) * HOUR // 4)
        for _n in range(40)
    ]
    facts = {"movements": table_of(movements, numbered(rows))}
    require_oracle(engine, facts, (EVERYTHING,), spine_of(moments))
