"""Features computed in parts are those computed in one piece, and leave nothing behind."""

from __future__ import annotations

import gc
import re
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from lakehouse.declare import (
    Count,
    Distinct,
    FeatureView,
    Last,
    LastK,
    LatestView,
    Max,
    Mean,
    Std,
    Sum,
    last,
)
from lakehouse.declare.durations import DAY, HOUR
from lakehouse.declare.features import StoredView
from lakehouse.engines.arrow_types import MICROSECONDS
from lakehouse.engines.embedded import EmbeddedEngine
from lakehouse.engines.embedded.limits import Limits
from lakehouse.engines.embedded.parts import answers as of_parts
from lakehouse.engines.embedded.parts.buckets import BUCKETS, buckets_of
from lakehouse.engines.embedded.parts.collected import Collected
from lakehouse.engines.embedded.parts.streamed import ToRead
from lakehouse.engines.embedded.session import Session
from lakehouse.engines.kernels import entity_features
from lakehouse.engines.kernels.entity_codes import EntityKeyError
from lakehouse.engines.kernels.spines import SpineError
from lakehouse.engines.protocol import BoundView, Transaction
from lakehouse.errors import LakehouseError
from lakehouse.language.provenance import KNOWN_AT
from lakehouse.storage.tables import TableRef
from lakehouse.testing.conformance.world import (
    NOON,
    card,
    card_in_shop,
    movement,
    movements,
    numbered,
    other_movements,
    spine_of,
    table_of,
)

VIEWS = (
    FeatureView(
        "by_card",
        of=movements,
        by=card,
        n=Count(over=last("1h", "1d")),
        abroad=Count(where="abroad", over=last("1d")),
        spend=Sum("amount_eur", over=last("1d")),
        weight=Mean("weight", over=last("3d")),
        spread=Std("points", over=last("3d")),
        most=Max("amount_eur", over=last("1d")),
        country=Last("country", over=last("1d")),
        countries=LastK("country", k=3, over=last("3d")),
        shops=Distinct("shop", over=last("3d")),
    ),
    FeatureView("in_shop", of=movements, by=card_in_shop, n=Count(over=last("1d"))),
    FeatureView("other", of=other_movements, by=card, delay="1h", n=Count(over=last("2d"))),
    LatestView("last_seen", of=movements, by=card, columns=("country", "booked_on", "abroad")),
)


def some_movements(rows: int, cards: int, seed: int) -> Any:
    """Movements of a few cards, one of which has most, with ties, late rows and nulls."""
    random = np.random.default_rng(seed)
    facts = []
    for _ in range(rows):
        at = NOON + int(random.integers(-72, 72)) * HOUR
        name = None if random.random() < 0.05 else str(min(random.integers(0, 3 * cards), cards))
        facts.append(
            movement(
                at,
                at + int(random.choice([0, 0, 1, HOUR, 2 * DAY])),
                card=name,
                shop=random.choice(["1", "11", "x", None]),
                points=int(random.integers(-9, 9)),
                amount_eur=Decimal(int(random.integers(-999, 999))).scaleb(-2),
                weight=float(random.normal()),
                abroad=random.choice([True, False, None]),
                country=random.choice(["DE", "FR", "", None]),
                booked_on=date(2024, 3, int(random.integers(1, 30))),
            )
        )
    return table_of(movements, numbered(facts))


def some_spine(rows: int, cards: int, seed: int) -> Any:
    random = np.random.default_rng(seed)
    moments = [
        (
            None if random.random() < 0.1 else str(random.integers(0, cards + 2)),
            random.choice(["1", "11", None]),
            NOON + int(random.integers(-80, 80)) * HOUR + int(random.integers(-1, 2)),
        )
        for _ in range(rows)
    ]
    spine = spine_of(moments, ("card", "shop"))
    texts = pa.array([None if n % 7 == 0 else "t" * (n % 5) for n in range(rows)], pa.string())
    return spine.append_column("note", texts)


def answer(
    engine: EmbeddedEngine, spine: Any, rows: Any, views: tuple[StoredView, ...] = VIEWS
) -> Any:
    frames = {"movements": engine.from_arrow(rows), "other_movements": engine.from_arrow(rows)}
    bound = [BoundView(view, frames[view.of.name]) for view in views]
    return engine.historical_features(spine, "asked_at", bound)


@pytest.fixture(scope="module")
def whole() -> EmbeddedEngine:
    return EmbeddedEngine(memory_limit="1GB")


@pytest.fixture
def parts() -> EmbeddedEngine:
    return EmbeddedEngine(memory_limit="1GB", limits=Limits(one_piece=100, part=40, batch=33))


def folders(engine: EmbeddedEngine) -> list[Path]:
    return [path for path in engine._session.folder.iterdir() if path.name.startswith("tmp")]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("events", "moments", "cards"), [(400, 300, 30), (9, 200, 2), (300, 5, 9)])
def test_parts_equal_the_whole(
    whole: EmbeddedEngine, parts: EmbeddedEngine, events: int, moments: int, cards: int, seed: int
) -> None:
    rows, spine = some_movements(events, cards, seed), some_spine(moments, cards, seed)
    expected = whole.to_arrow(answer(whole, whole.from_arrow(spine), rows))
    actual = parts.to_arrow(answer(parts, parts.from_arrow(spine), rows))
    assert expected.schema == actual.schema
    assert expected.to_pylist() == actual.to_pylist()


def test_limits_decide_how_it_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    compute = entity_features.entity_features

    def counted(*arguments: Any) -> Any:
        made.append(1)
        return compute(*arguments)

    monkeypatch.setattr(of_parts, "entity_features", counted)
    rows, spine = some_movements(300, 30, 1), some_spine(250, 30, 1)
    for part, least in ((2000, 1), (200, 3), (50, 7)):
        made.clear()
        engine = EmbeddedEngine(memory_limit="500MB", limits=Limits(one_piece=549, part=part))
        frame = answer(engine, engine.from_arrow(spine), rows, VIEWS[:1])
        assert isinstance(frame.computed, Collected)
        assert least <= len(made) <= least + 3
    frame = answer(engine, engine.from_arrow(spine.slice(1)), rows, VIEWS[:1])
    assert isinstance(frame.computed, pa.Table)


def test_a_spine_that_is_not_held_in_memory_comes_back_with_all_its_columns(
    whole: EmbeddedEngine, parts: EmbeddedEngine
) -> None:
    rows, spine = some_movements(300, 9, 1), some_spine(250, 9, 1)
    spine = spine.append_column("_bucket_0", spine.column("row"))
    lazy = {
        engine: engine.query(
            "SELECT row + 1 AS row_1, * FROM s WHERE row > 3", {"s": engine.from_arrow(spine)}
        )
        for engine in (whole, parts)
    }
    expected = whole.to_arrow(answer(whole, lazy[whole], rows))
    actual = parts.to_arrow(answer(parts, lazy[parts], rows))
    assert expected.to_pylist() == actual.to_pylist()
    assert list(range(4, 250)) == actual.column("row").to_pylist()


@pytest.mark.parametrize(
    "where", [None, f"`{KNOWN_AT}` >= TIMESTAMP '2024-03-15 00:00:00'", "`card` IN ('1', '2', '7')"]
)
def test_rows_and_moments_of_tables_are_read_from_their_files(
    where: str | None, whole: EmbeddedEngine, parts: EmbeddedEngine, tmp_path: Path
) -> None:
    given = {"rows": some_movements(300, 9, 1), "spine": some_spine(250, 9, 1)}
    for name, table in given.items():
        for commit in range(5):  # a file each
            rows = whole.from_arrow(table.slice(60 * commit, 60))
            whole.write(
                TableRef.in_folder(tmp_path / name), rows, "append", Transaction("t", commit)
            )
    answers = []
    for engine in (whole, parts):
        rows = engine.read(TableRef.in_folder(tmp_path / "rows"), where=where)
        spine = engine.read(TableRef.in_folder(tmp_path / "spine"))
        read = ToRead.of(spine, {("card",): ["card", "asked_at"]}, is_spine=True)
        assert read.files is not None
        assert read.rows(engine._session) == 250
        kind = read.files.schema.field("card").type
        assert pa.types.is_dictionary(kind)
        bound = [BoundView(view, rows) for view in VIEWS if view.of is movements]
        answers.append(engine.to_arrow(engine.historical_features(spine, "asked_at", bound)))
    assert answers[0].equals(answers[1])
    assert set(answers[0].column("by_card__n_1d").to_pylist()) > {0, 1, 2}
    assert answers[0].column("row").equals(whole.to_arrow(spine).column("row"))


def test_an_answer_is_read_as_often_as_one_likes_and_asked_from(
    whole: EmbeddedEngine, parts: EmbeddedEngine
) -> None:
    rows, spine = some_movements(300, 9, 2), some_spine(250, 9, 2)
    first, others = VIEWS[:1], VIEWS[1:]
    expected = whole.to_arrow(
        answer(whole, answer(whole, whole.from_arrow(spine), rows, first), rows, others)
    )
    frame = answer(parts, parts.from_arrow(spine), rows, first)
    twice = [parts.to_arrow(frame), parts.to_arrow(frame)]
    assert twice[0].equals(twice[1])
    assert expected.to_pylist() == parts.to_arrow(answer(parts, frame, rows, others)).to_pylist()
    sums = parts.query("SELECT sum(by_card__n_1d) AS n, count(*) AS c FROM f", {"f": frame})
    assert parts.to_arrow(sums).to_pylist() == [
        {"n": sum(twice[0].column("by_card__n_1d").to_pylist()), "c": 250}
    ]
    streamed = pa.Table.from_batches(parts.batches(frame, ["row"]))
    assert streamed.to_pylist() == twice[0].to_pylist()


def test_an_answer_that_is_read_in_part_lets_the_rest_be(parts: EmbeddedEngine) -> None:
    frame = answer(parts, parts.from_arrow(some_spine(400, 9, 2)), some_movements(300, 9, 2))
    first = parts.query("SELECT row FROM f LIMIT 3", {"f": frame})
    assert [0, 1, 2] == parts.to_arrow(first).column("row").to_pylist()
    batches = frame.computed.batches()
    assert next(batches).num_rows == 33
    batches.close()


def test_files_are_gone_when_nothing_refers_to_the_answer(parts: EmbeddedEngine) -> None:
    rows, spine = some_movements(300, 9, 3), some_spine(250, 9, 3)
    frame = answer(parts, parts.from_arrow(spine), rows)
    derived = parts.query("SELECT row FROM f", {"f": frame})
    table = parts.to_arrow(frame)
    del frame
    gc.collect()
    assert [path.is_dir() for path in folders(parts)] == [True]
    assert 250 == parts.to_arrow(derived).num_rows
    del derived
    gc.collect()
    assert [] == folders(parts)
    assert 250 == len(table.to_pylist())


def test_errors_are_those_of_the_whole_and_leave_no_file(
    whole: EmbeddedEngine, parts: EmbeddedEngine
) -> None:
    rows, spine = some_movements(300, 9, 4), some_spine(250, 9, 4)
    at = spine.column_names.index("asked_at")
    holes = pa.array([None if n % 50 == 3 else NOON for n in range(250)], MICROSECONDS)
    numbers = pa.array(range(250), pa.int64())
    of_card = spine.column_names.index("card")
    # Sums of more than 18 digits, and none of more than 64 bits.
    great = movement(NOON - HOUR, card="1", amount_eur=Decimal("9e15"))
    wide = table_of(movements, numbered([great] * 8))
    cases: list[tuple[Any, Any, type[LakehouseError]]] = [
        (spine.set_column(at, "asked_at", holes), rows, SpineError),
        (spine.set_column(at, "asked_at", numbers), rows, LakehouseError),
        (spine.set_column(of_card, "card", numbers), rows, EntityKeyError),
        (spine, wide, LakehouseError),
    ]
    for asked, facts, kind in cases:
        said = []
        for engine in (whole, parts):
            with pytest.raises(kind) as caught:
                answer(engine, engine.from_arrow(asked), facts)
            said.append(caught)
        assert said[0].type is said[1].type
        # A part counts its own values, and a kernel holds texts in a type of its own.
        texts = [
            re.sub(r"\d+", "#", str(one.value)).replace("large_string", "string") for one in said
        ]
        assert texts[0] == texts[1]
        del said
        gc.collect()
        assert [] == folders(parts)


def test_an_empty_column_of_keys_is_of_any_kind(
    whole: EmbeddedEngine, parts: EmbeddedEngine
) -> None:
    rows, spine = some_movements(300, 9, 5), some_spine(250, 9, 5)
    place = spine.column_names.index("card")
    spine = spine.set_column(place, "card", pa.nulls(250, pa.int64()))
    expected = whole.to_arrow(answer(whole, whole.from_arrow(spine), rows))
    assert expected.equals(parts.to_arrow(answer(parts, parts.from_arrow(spine), rows)))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (pa.array([-7, 0, 2**31 - 1], pa.int32()), pa.array([-7, 0, 2**31 - 1], pa.int64())),
        (pa.array([0.0, 1.5, float("nan")]), pa.array([-0.0, 1.5, -float("nan")])),
        (pa.array([0.5, 0.1], pa.float32()), pa.array([0.5, 0.1], pa.float32()).cast("float64")),
        (
            pa.array([Decimal("1.50"), Decimal("-2.00")], pa.decimal128(9, 2)),
            pa.array([Decimal("1.5000"), Decimal("-2.0000")], pa.decimal128(18, 4)),
        ),
    ],
)
def test_equal_keys_share_their_bucket(one: Any, other: Any) -> None:
    session = Session("500MB", 1)
    found = [buckets_of(session, pa.table({"k": keys})).tolist() for keys in (one, other)]
    assert found[0] == found[1]
    assert all(0 <= bucket < BUCKETS for bucket in found[0])
