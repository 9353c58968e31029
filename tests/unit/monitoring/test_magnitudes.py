"""How large the numbers are that a float is rounded among."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from random import Random
from typing import Any

import numpy as np

from lakehouse.declare import (
    Cleaned,
    Contract,
    Entity,
    FeatureView,
    Mean,
    Raw,
    Source,
    Std,
    Sum,
    Trend,
    event_time,
    ever,
    key,
    last,
)
from lakehouse.declare.durations import HOUR
from lakehouse.engines.embedded import EmbeddedEngine
from lakehouse.engines.protocol import BoundView
from lakehouse.monitoring.consistency.magnitudes import magnitude, magnitude_view, summed
from lakehouse.testing.conformance.against_oracle import ExpectedWindows
from lakehouse.testing.conformance.world import (
    NOON,
    card,
    fields_of,
    movement,
    movements,
    numbered,
    spine_of,
    table_of,
)

OVER = last("1d") + ever() + last(rows=3)
VIEW = FeatureView(
    "weights",
    of=movements,
    by=card,
    total=Sum("weight", over=OVER, where="points > 0"),
    mean=Mean("weight", over=OVER),
    spread=Std("amount_eur", over=OVER),
    doubled=Sum("weight * 2", over=OVER),
)


def test_magnitudes_are_of_absolute_values_and_of_last_rows_no_less(
    engine: EmbeddedEngine,
) -> None:
    weights = [5.0, -1.0, 4.0, None, -2.5]
    rows = numbered(
        [movement(NOON - (9 - n) * 10**6, weight=w, points=n) for n, w in enumerate(weights)]
    )
    features = summed(VIEW)
    asked = magnitude_view(VIEW, features)
    bound = BoundView(asked, engine.from_arrow(table_of(movements, rows)))
    spine = engine.from_arrow(spine_of([("a", NOON), ("b", NOON)]))
    found = engine.to_arrow(engine.historical_features(spine, "asked_at", [bound]))
    found = found.sort_by("row")
    computed: dict[str, Any] = {name: found[name].combine_chunks() for name in found.column_names}
    sizes = {f.name: magnitude(f, n, computed).tolist() for n, f in enumerate(features)}
    assert sizes["total_1d"] == sizes["total_ever"] == [1.0 + 4.0 + 2.5, 0.0]
    assert sizes["doubled_1d"] == [2 * 12.5, 0.0]
    assert sizes["mean_1d"] == [12.5 / 4, 0.0]
    assert sizes["total_3_rows"] == [2 * 4.0, 0.0]  # 4.0, nothing and -2.5: no less than 6.5
    assert sizes["mean_3_rows"] == [4.0, 0.0]
    assert np.array_equal(sizes["spread_3_rows"], [0.0, 0.0])


def test_a_slope_is_held_to_no_less_than_it_could_be_if_nothing_cancelled(
    engine: EmbeddedEngine,
) -> None:
    chance = Random(7)
    view = FeatureView(
        "rises",
        of=movements,
        by=card,
        delay="2h",
        exact=Trend("weight", over=last("1h", "1d") + last(rows=5)),
        of_amounts=Trend("amount_eur * points", over=last("1d"), where="abroad"),
    )
    rows = numbered(
        [
            movement(
                NOON + chance.randrange(30) * HOUR // 4,
                weight=chance.choice([None, chance.uniform(-1e9, 1e9)]),
                amount_eur=Decimal(chance.randrange(-(10**12), 10**12)) / 100,
                points=chance.choice([None, *range(3)]),
                abroad=chance.choice([None, True, True, False]),
            )
            for _ in range(60)
        ]
    )
    facts = table_of(movements, rows)
    features = summed(view)
    bound = BoundView(magnitude_view(view, features), engine.from_arrow(facts))
    spine = spine_of([("a", NOON + n * HOUR) for n in range(12)])
    answer = engine.historical_features(engine.from_arrow(spine), "asked_at", [bound])
    found = engine.to_arrow(answer).sort_by("row")
    computed: dict[str, Any] = {name: found[name].combine_chunks() for name in found.column_names}
    right, asked = ExpectedWindows(view, fields_of(facts)), fields_of(spine)
    steep = 0
    for number, feature in enumerate(features):
        for row, size in zip(asked, magnitude(feature, number, computed), strict=True):
            least = right.tolerance(feature, row) * 1e9
            assert least <= size * (1 + 1e-9)
            assert size <= least * 60
            steep += size > 0
    assert steep > 20


def test_a_column_that_no_expression_names_is_held_to_its_largest_value() -> None:
    class Parcel(Contract):
        parcel_id: str = key()
        größe: float
        sent_at: datetime = event_time(known=True)

    of = Cleaned("parcels", Raw("parcels_raw", Source("parcel_feed", Parcel, "parcels/*")))
    view = FeatureView(
        "parcels",
        of=of,
        by=Entity("parcel", key="parcel_id"),
        total=Sum("größe", over=last("1d")),
        rise=Trend("größe", over=last("1d")),
    )
    assert ["total_1d"] == [feature.name for feature in summed(view)]
    asked = magnitude_view(view, summed(view))
    assert ["count_0_1d", "least_0_1d", "most_0_1d"] == [f.name for f in asked.features]
