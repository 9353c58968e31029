"""Aggregates of expressions: each is of what its expression gives for each row."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

from lakehouse.declare import (
    Count,
    Distinct,
    FeatureView,
    Last,
    LastK,
    Max,
    Mean,
    Min,
    Mode,
    Share,
    Sum,
    last,
)
from lakehouse.declare.aggregates import facts_of
from lakehouse.declare.durations import DAY, HOUR
from lakehouse.declare.operands import operand
from lakehouse.declare.windows import Windows
from lakehouse.engines.protocol import BoundView, Engine
from lakehouse.errors import LakehouseError
from lakehouse.testing.conformance.against_oracle import require_oracle
from lakehouse.testing.conformance.comparing import NotConforming
from lakehouse.testing.conformance.functions import CASES, awkward_rows
from lakehouse.testing.conformance.world import (
    EXPRESSIONS,
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
EDGED = last("7d", edge="6h")
A_DAY = last("1d")


def _of_function(function: str, name: str, over: Windows, delay: str | None = None) -> FeatureView:
    """Return a view of one function, of every expression that it takes."""
    facts = facts_of(function)
    families: dict[str, Any] = {
        f"f{number}_{place}": aggregate
        for number, text in enumerate(EXPRESSIONS)
        if operand(movements, text).kind in facts.takes
        for place, aggregate in enumerate(CASES[function](text, None, over))
    }
    return FeatureView(f"of_{function}_{name}", of=movements, by=card, delay=delay, **families)


def _check(engine: Engine, rows: list[Fields], moments: list[int], *views: FeatureView) -> None:
    asked = spine_of([("a", at) for at in moments])
    require_oracle(engine, {"movements": table_of(movements, numbered(rows))}, views, asked)


def check_every_function_of_expressions(engine: Engine, _: Path) -> None:
    """On ties, nulls, NaN, amounts, and rows known late and early; over edges as without."""
    facts = {"movements": table_of(movements, awkward_rows())}
    views = []
    for function in CASES:
        if facts_of(function).column == "none":
            continue
        views.append(_of_function(function, "exact", EXACT))
        if facts_of(function).tiles:
            views.append(_of_function(function, "edged", EDGED, delay="2h"))
    moments = [NOON + n * HOUR // 2 + n % 2 for n in (3, 12, 17, 29)]
    spine = spine_of([*(("a", at) for at in moments), ("b", moments[-1]), ("c", NOON)])
    require_oracle(engine, facts, views, spine)


def check_amounts_of_expressions_are_exact(engine: Engine, _: Path) -> None:
    """Of every digit that the expression has, up to eighteen; rounded where it rounds alone."""
    amounts = ("0.10", "-0.07", "99999999999999.99", "-99999999999999.98", "0.50", "1.50", "-0.50")
    rows = [
        movement(NOON - n * HOUR, amount_eur=Decimal(text), points=n - 3, abroad=n % 2 == 0)
        for n, text in enumerate(amounts, 1)
    ]
    families: dict[str, Any] = {}
    exact = [text for text in EXPRESSIONS if operand(movements, text).kind == "decimal"]
    for number, text in enumerate(exact):
        families |= {
            f"sum{number}": Sum(text, over=A_DAY),
            f"mean{number}": Mean(text, over=A_DAY),
            f"least{number}": Min(text, over=A_DAY),
            f"last{number}": Last(text, over=A_DAY),
        }
    view = FeatureView("exact_expressions", of=movements, by=card, **families)
    _check(engine, rows, [NOON - n * HOUR + 1 for n in range(8)], view)


def check_an_expression_is_of_each_row(engine: Engine, _: Path) -> None:
    """It is computed before rows are left out and merged, and is null where it gives null."""
    fresh = last(rows=2)
    view = FeatureView(
        "each_row",
        of=movements,
        by=card,
        product=Sum("amount_eur * points", over=A_DAY),
        abroad=Sum("amount_eur * points", over=A_DAY, where="abroad"),
        known=Count("amount_eur * points", over=A_DAY),
        share=Share("amount_eur * points", where="abroad", over=A_DAY),
        names=Distinct("coalesce(country, shop, 'none')", over=A_DAY),
        often=Mode("coalesce(country, shop, 'none')", over=A_DAY),
        seen=LastK("coalesce(country, shop, 'none')", k=3, over=A_DAY, where="country is null"),
        recent=Max("amount_eur * points", over=fresh),
        recent_abroad=Last("amount_eur * points", over=fresh, where="abroad"),
    )
    told: list[tuple[Any, ...]] = [
        ("2.00", 3, True, None, "s1"),
        ("3.50", None, True, "DE", None),
        (None, 4, False, None, None),
        ("-1.25", 7, True, "none", "s1"),
        ("0.00", -2, None, None, "DE"),
        ("10.00", 5, False, "", "s2"),
    ]
    rows = [
        movement(
            NOON + n * HOUR,
            amount_eur=None if amount is None else Decimal(amount),
            points=points,
            abroad=abroad,
            country=country,
            shop=shop,
        )
        for n, (amount, points, abroad, country, shop) in enumerate(told)
    ]
    _check(engine, rows, [NOON + n * HOUR // 2 + 1 for n in range(-1, 14)] + [NOON + 2 * DAY], view)


def check_a_row_without_a_value_is_refused(engine: Engine, _: Path) -> None:
    """A division by zero and an overflow raise, whether the row counts or not."""
    wrong: dict[str, Fields] = {
        "10 / points": {"points": 0},
        "points * 4": {"points": 2**62},
        "amount_eur * points": {"amount_eur": Decimal("9999999999999999.99"), "points": 11},
    }
    for text, fields in wrong.items():
        view = FeatureView(
            "refused", of=movements, by=card, most=Max(text, over=A_DAY, where="abroad")
        )
        rows = [movement(NOON, points=1, amount_eur=Decimal(1)), movement(NOON + HOUR, **fields)]
        bound = BoundView(view, engine.from_arrow(table_of(movements, numbered(rows))))
        spine = engine.from_arrow(spine_of([("a", NOON + DAY)]))
        try:
            engine.to_arrow(engine.historical_features(spine, "asked_at", [bound]))
        except LakehouseError:
            continue
        raise NotConforming(f'"{text}" has no value for {fields}, and was not refused.')
