"""Explanations name exactly the rows that made a number, and give that number."""

from __future__ import annotations

import math
import random
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

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
from lakehouse.declare.durations import DAY, HOUR
from lakehouse.errors import DeclarationError, LakehouseError
from lakehouse.features.explain import explain
from lakehouse.features.historical import historical
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
from lakehouse.times import moment
from tests.unit.features.conftest import MakeContext, written

DAYS = last("1d") + last("5d", edge="1d")
SPEND = FeatureView(
    "spend",
    of=movements,
    by=card,
    delay="1h",
    n=Count(over=DAYS),
    foreign=Count(over=DAYS, where="country <> 'DE'"),
    countries=Count("country", over=DAYS),
    spend=Sum("amount_eur", over=DAYS, where="points > 3"),
    mean=Mean("amount_eur", over=DAYS),
    points=Sum("points", over=DAYS),
    least=Min("weight", over=DAYS),
    most=Max("weight", over=DAYS),
    weight=Sum("weight", over=DAYS),
)
NEWER = FeatureView(
    "newer",
    of=movements,
    by=card,
    delay="1h",
    spread=Std("amount_eur", over=DAYS),
    spread_weight=Std("weight", over=DAYS, default=-1),
    first=First("country", over=DAYS, default="none"),
    last=Last("amount_eur", over=DAYS, where="country <> 'DE'"),
    three=LastK("points", k=3, over=DAYS),
    different=Distinct("weight", over=last("1d")),
    countries=Distinct("country", over=last("1d"), where="points > 3"),
    share=Share(where="country <> 'DE'", over=DAYS),
    most_frequent=Mode("country", over=last("1d")),
    most_frequent_weight=Mode("weight", over=last("1d"), where="points > 3"),
    median=Quantile("amount_eur", q=0.5, over=last("1d"), default=0),
    high_weight=Quantile("weight", q=0.9, over=last("1d")),
    trend=Trend("points", over=DAYS),
    since=Since(where="country <> 'DE'", over=DAYS),
    share_known=Share("country", where="country <> 'DE'", over=DAYS, default=0),
)
OF_EXPRESSIONS = FeatureView(
    "of_expressions",
    of=movements,
    by=card,
    total=Sum("amount_eur * points", over=DAYS, where="country <> 'DE'"),
    mean=Mean("weight / 3", over=DAYS),
    known=Count("amount_eur * points", over=DAYS),
    names=LastK("coalesce(country, 'none')", k=3, over=DAYS),
    share=Share("nullif(country, 'FR')", where="points > 3", over=DAYS),
    median=Quantile("amount_eur + 0.125", q=0.5, over=last("1d")),
    recent=Max("amount_eur * points", over=last(rows=5)),
)
ROWS = last(rows=1) + last(rows=5) + ever()
ANY_AGE = FeatureView(
    "any_age",
    of=movements,
    by=card,
    delay="1h",
    n=Count("points", over=ROWS, where="country <> 'DE'"),
    spend=Sum("amount_eur", over=ROWS),
    three=LastK("points", k=3, over=ROWS),
    share=Share("points", where="country <> 'DE'", over=ROWS),
    first=First("country", over=ROWS, where="points > 3"),
)
LAST = LatestView(
    "last_movement",
    of=movements,
    by=card,
    columns=("points", "country"),
    ttl="2d",
    defaults={"points": -7},
)
SEGMENT = LatestView("segment", of=customers, by=card, columns=("segment",))


def history(seed: int) -> list[Fields]:
    chance = random.Random(seed)
    rows = []
    for _ in range(120):
        at = NOON + chance.randrange(9 * 24) * HOUR
        fields: Fields = {
            "card": chance.choice("ab"),
            "amount_eur": chance.choice([None, Decimal(chance.randrange(999)) / 100]),
            "points": chance.choice([None, chance.randrange(9)]),
            "weight": chance.choice([None, math.nan, chance.uniform(-3, 3)]),
            "country": chance.choice([None, "DE", "FR"]),
        }
        rows.append(movement(at, at + chance.choice([0, 0, 3 * HOUR, 2 * DAY]), **fields))
    return numbered(rows)


def test_the_value_is_the_historical_one(context_of: MakeContext) -> None:
    views = (SPEND, NEWER, OF_EXPRESSIONS, ANY_AGE, LAST)
    ctx = context_of(*views)
    written(ctx, movements, table_of(movements, history(5)))
    chance = random.Random(6)
    moments = [NOON + chance.randrange(11 * 24) * HOUR for _ in range(5)]
    spine = spine_of([("a", at) for at in moments] + [("nobody", NOON)])
    frame = historical(ctx, spine, "asked_at", views)
    for row in ctx.engine.to_arrow(frame).to_pylist():
        for view in views:
            for feature in view.features:
                found = explain(ctx, view, feature.name, row, row["asked_at"]).value
                wanted = row[feature.full_name]
                if isinstance(wanted, float) and not math.isnan(wanted):
                    wanted = pytest.approx(wanted, rel=1e-9)
                same_nan = found != found and wanted != wanted
                assert same_nan or found == wanted, feature.dotted


def test_exactly_the_rows_that_count_are_shown(context_of: MakeContext) -> None:
    ctx = context_of(SPEND)
    rows = numbered(
        [
            movement(NOON - DAY - HOUR - 1, country="FR"),
            movement(NOON - DAY - HOUR, country="FR"),
            movement(NOON - 2 * HOUR, country="DE"),
            movement(NOON - 2 * HOUR, country=None),
            movement(NOON - 2 * HOUR, country="FR", card="b"),
            movement(NOON - 3 * HOUR, NOON, country="FR"),
            movement(NOON - 3 * HOUR, NOON + 1, country="FR"),
            movement(NOON - 3 * HOUR, NOON + 1, country="DE"),
            movement(NOON - HOUR, country="FR"),
        ]
    )
    written(ctx, movements, table_of(movements, rows))
    found = explain(ctx, SPEND, "foreign_1d", {"card": "a"}, moment(NOON))
    assert found.rows.column("movement_id").to_pylist() == ["m00001", "m00005"]
    assert (found.value, found.excluded_late) == (2, 1)
    assert (found.begins_at, found.ends_at) == (
        moment(NOON - DAY - HOUR),
        moment(NOON - HOUR),
    )
    assert found.rows.column_names == [*(c.name for c in movements.columns), "_known_at"]


def test_first_and_last_values_show_the_rows_they_take_and_a_share_all_it_is_of(
    context_of: MakeContext,
) -> None:
    ctx = context_of(NEWER)
    told: list[Fields] = [
        {"country": None, "points": 1},
        {"country": "FR", "points": 2},
        {"country": "DE", "points": None},
        {"country": "PL", "points": 4},
        {"country": None, "points": 5},
    ]
    rows = numbered([movement(NOON - 10 * HOUR + n, **f) for n, f in enumerate(told)])
    written(ctx, movements, table_of(movements, rows))

    def shown(feature: str) -> tuple[Any, list[str]]:
        found = explain(ctx, NEWER, feature, {"card": "a"}, moment(NOON))
        assert found.rows.column_names == [*(c.name for c in movements.columns), "_known_at"]
        return found.value, found.rows.column("movement_id").to_pylist()

    assert shown("first_1d") == ("FR", ["m00001"])
    assert shown("three_1d") == ([5, 4, 2], ["m00001", "m00003", "m00004"])
    assert shown("share_1d") == (2 / 5, [f"m0000{n}" for n in range(5)])
    assert shown("share_known_1d") == (2 / 3, ["m00001", "m00002", "m00003"])
    assert shown("last_1d") == (None, [])


def test_the_last_rows_are_told_with_those_that_come_too_late(context_of: MakeContext) -> None:
    ctx = context_of(ANY_AGE)
    told: list[Fields] = [
        {"points": 1, "country": "FR"},
        {"points": None, "country": "PL"},
        {"points": 3, "country": "DE"},
        {"points": 4, "country": "FR", "known": NOON + DAY},
        {"points": 5, "country": "FR"},
    ]
    rows = [movement(NOON - (40 - n) * DAY, f.pop("known", None), **f) for n, f in enumerate(told)]
    written(ctx, movements, table_of(movements, numbered(rows)))
    found = explain(ctx, ANY_AGE, "n_5_rows", {"card": "a"}, moment(NOON))
    assert found.rows.column("movement_id").to_pylist() == ["m00000", "m00004"]
    assert (found.value, found.begins_at, found.excluded_late) == (2, None, 1)
    found = explain(ctx, ANY_AGE, "n_ever", {"card": "a"}, moment(NOON + 2 * DAY))
    assert (found.value, found.begins_at, found.excluded_late) == (3, None, 0)


def test_an_edge_begins_with_its_tile(context_of: MakeContext) -> None:
    ctx = context_of(SPEND)
    written(ctx, movements, table_of(movements, history(5)))
    found = explain(ctx, SPEND, "n_5d", {"card": "a"}, moment(NOON))
    assert found.begins_at == datetime(2024, 3, 10, tzinfo=UTC)
    assert (found.value, found.rows.num_rows) == (0, 0)


def test_a_latest_value_is_one_row(context_of: MakeContext) -> None:
    ctx = context_of(LAST, SEGMENT)
    rows = [
        movement(NOON - DAY, points=1),
        movement(NOON - HOUR, points=2),
        movement(NOON - 2 * HOUR, NOON + DAY, points=3),
    ]
    written(ctx, movements, table_of(movements, numbered(rows)))
    found = explain(ctx, LAST, "points", {"card": "a"}, moment(NOON))
    assert (found.value, found.excluded_late) == (2, 1)
    assert found.rows.column("movement_id").to_pylist() == ["m00001"]
    assert found.begins_at == moment(NOON - 2 * DAY)
    facts: list[Any] = [
        {"customer_id": "c", "card": "a", "segment": text, "_known_at": NOON + n}
        for n, text in enumerate(("first", "second", "third"))
    ]
    written(ctx, customers, table_of(customers, facts))
    values = [
        explain(ctx, SEGMENT, "segment", {"card": "a"}, moment(NOON + n)).value
        for n in (-1, 0, 1, 9)
    ]
    assert values == [None, "first", "second", "third"]


def test_what_cannot_be_explained_is_refused(context_of: MakeContext) -> None:
    ctx = context_of(SPEND)
    written(ctx, movements, table_of(movements, history(5)))
    with pytest.raises(DeclarationError, match="no feature 'n_2d'; did you mean"):
        explain(ctx, SPEND, "n_2d", {"card": "a"}, moment(NOON))
    with pytest.raises(LakehouseError, match="'card' is not given"):
        explain(ctx, SPEND, "n_1d", {"shop": "a"}, moment(NOON))
    with pytest.raises(LakehouseError, match="'card' is a string"):
        explain(ctx, SPEND, "n_1d", {"card": 17}, moment(NOON))
