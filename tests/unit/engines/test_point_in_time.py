"""What the embedded engine adds to the conformance suite: order, sharing, missing times."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from lakehouse.declare import Count, FeatureView, LatestView, Sum, last
from lakehouse.declare.durations import HOUR
from lakehouse.engines.embedded import EmbeddedEngine
from lakehouse.engines.kernels import index
from lakehouse.engines.kernels.spines import SpineError
from lakehouse.engines.protocol import BoundView
from lakehouse.errors import LakehouseError
from lakehouse.language.provenance import KNOWN_AT
from lakehouse.testing.conformance.world import (
    NOON,
    Fields,
    card,
    card_in_shop,
    movement,
    movements,
    numbered,
    spine_of,
    table_of,
)

BY_CARD = FeatureView(
    "by_card", of=movements, by=card, n=Count(over=last("1d")), p=Sum("points", over=last("1d"))
)
LATER = FeatureView("later", of=movements, by=card, delay="1h", n=Count(over=last("1h", "1d")))
LAST = LatestView("last", of=movements, by=card, columns=("points",))
BOTH = FeatureView("both", of=movements, by=card_in_shop, n=Count(over=last("1d")))


def ask(engine: EmbeddedEngine, rows: list[Fields], spine: Any, *views: Any) -> Any:
    frame = engine.from_arrow(table_of(movements, numbered(rows)))
    bound = [BoundView(view, frame) for view in views]
    return engine.to_arrow(engine.historical_features(engine.from_arrow(spine), "asked_at", bound))


def test_rows_come_back_in_the_order_of_the_spine(engine: EmbeddedEngine) -> None:
    rows = [movement(NOON - n * HOUR, card=c, points=n) for n in range(1, 4) for c in "abc"]
    asked = [(c, NOON - n * HOUR) for n in (1, 0, 3, 0, 2) for c in "cab"]
    spine = spine_of(asked)
    answer = ask(engine, rows, spine, BY_CARD, LAST)
    assert answer.column("row").to_pylist() == list(range(len(asked)))
    assert answer.column("by_card__n_1d").to_pylist() == [
        sum(r["card"] == c and NOON - 24 * HOUR <= r["happened_at"] < at for r in rows)
        for c, at in asked
    ]


def test_feature_columns_follow_the_views_as_asked(engine: EmbeddedEngine) -> None:
    spine = spine_of([("a", "s", NOON)], ("card", "shop"))
    names = ask(engine, [], spine, LAST, BOTH, LATER).column_names
    features = ["last__points", "both__n_1d", "later__n_1h", "later__n_1d"]
    assert names == ["row", "card", "shop", "asked_at", *features]


@pytest.mark.parametrize("missing", ["happened_at", KNOWN_AT])
def test_row_without_a_time_counts_at_no_moment(missing: str, engine: EmbeddedEngine) -> None:
    rows = [movement(NOON - HOUR, points=1), movement(NOON - HOUR, points=2) | {missing: None}]
    found = ask(engine, rows, spine_of([("a", NOON)]), BY_CARD, LAST)
    assert found.column("by_card__p_1d").to_pylist() == [1]
    assert found.column("last__points").to_pylist() == [1]


def test_views_of_one_frame_and_entity_share_one_index(
    engine: EmbeddedEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[int] = []
    build = index.EventIndex.__init__

    def counted(self: Any, *arguments: Any, **named: Any) -> None:
        made.append(1)
        build(self, *arguments, **named)

    monkeypatch.setattr(index.EventIndex, "__init__", counted)
    rows = [movement(NOON - HOUR, shop="s")]
    ask(engine, rows, spine_of([("a", "s", NOON)], ("card", "shop")), BY_CARD, LATER, BOTH)
    assert len(made) == 2


def test_no_views_give_the_spine(engine: EmbeddedEngine) -> None:
    spine = spine_of([("a", NOON), ("a", NOON)])
    assert ask(engine, [], spine).to_pylist() == spine.to_pylist()


def test_null_moments_are_counted_in_the_error(engine: EmbeddedEngine) -> None:
    spine = spine_of([("a", NOON), ("a", None), ("b", None)])
    with pytest.raises(SpineError, match="2 of 3 spine rows have no moment in 'asked_at'"):
        ask(engine, [], spine, BY_CARD)


def test_view_twice_and_hidden_columns_are_refused(engine: EmbeddedEngine) -> None:
    spine = spine_of([("a", NOON)])
    with pytest.raises(SpineError, match=r"2 features would stand twice .*by_card__n_1d"):
        ask(engine, [], spine, BY_CARD, BY_CARD)
    hidden = spine.append_column("last__points", pa.array([1]))
    with pytest.raises(SpineError, match=r"1 features would stand twice .*last__points"):
        ask(engine, [], hidden, LAST)


def test_frame_that_lacks_a_column_is_named(engine: EmbeddedEngine) -> None:
    rows = engine.from_arrow(table_of(movements, []).drop_columns("points"))
    with pytest.raises(LakehouseError, match=r"Table 'movements'.* has no column 'points'"):
        engine.historical_features(
            engine.from_arrow(spine_of([("a", NOON)])), "asked_at", [BoundView(BY_CARD, rows)]
        )
