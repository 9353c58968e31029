"""The last rows of an entity are read as far back as they lie, and not all that is kept of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from lakehouse.declare import Count, FeatureView, Sum, last
from lakehouse.declare.durations import DAY, HOUR
from lakehouse.features.online.layout.slots import layout_of
from lakehouse.features.online.read.reader import FeatureReader
from lakehouse.features.online.stores.protocol import Stored
from lakehouse.features.online.stores.sqlite.store import SqliteStore
from lakehouse.features.online.write.packing import pack
from lakehouse.testing.conformance.world import NOON, card, movement, movements, numbered, table_of

LAST_TWO = FeatureView(
    "last_two",
    of=movements,
    by=card,
    points=Sum("points", over=last(rows=2)),
    abroad=Count(over=last(rows=2), where="abroad"),
)
BUSY, IDLE = {"card": "busy"}, {"card": "idle"}
EVERY = 2_000


class Watched(SqliteStore):
    """A store that says how many bytes of chunks each round trip read."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.read: list[int] = []

    def chunks(self, lookups: Sequence[Any]) -> list[list[list[list[bytes]]]]:
        found = super().chunks(lookups)
        self.read.append(sum(len(b) for v in found for e in v for span in e for b in span))
        return found


@pytest.fixture
def store(tmp_path: Path) -> Watched:
    """A busy card with a row every hour, two of them abroad, and an idle one with two rows."""
    rows = [
        movement(NOON - n * HOUR, card="busy", points=n, abroad=n in (30, 40)) for n in range(EVERY)
    ]
    rows += [
        movement(NOON - days * DAY, card="idle", points=days, abroad=True) for days in (50, 60)
    ]
    store, layout = Watched(tmp_path / "online.db"), layout_of(LAST_TWO)
    texts: dict[int, bytes] = {}
    chunks = pack(LAST_TWO, layout, table_of(movements, numbered(rows)), texts)
    store.replace(Stored(LAST_TWO.name, 1, "digest", layout, len(rows), 2), chunks, texts)
    return store


def values(points: int, abroad: int) -> dict[str, int]:
    return {"last_two__points_2_rows": points, "last_two__abroad_2_rows": abroad}


def test_a_reach_that_proved_too_short_is_long_enough_in_the_end(store: Watched) -> None:
    reader = FeatureReader(store, [LAST_TWO])
    trips = []
    for _ in range(5):
        store.read.clear()
        assert reader.get(LAST_TWO, BUSY, NOON + 1) == values(0 + 1, 2)
        trips.append(len(store.read))
    assert trips[0] == 2
    assert trips[-1] == 1
    assert store.read[0] < 100 * layout_of(LAST_TWO).width * 8


def test_rows_of_an_idle_entity_are_read_whatever_their_age(store: Watched) -> None:
    reader = FeatureReader(store, [LAST_TWO])
    for _ in range(10):
        assert reader.get(LAST_TWO, IDLE, NOON + 1) == values(50 + 60, 2)
    store.read.clear()
    reader.get(LAST_TWO, IDLE, NOON + 1)
    assert len(store.read) == 1
    # What an idle entity needs is too much of a busy one, and soon forgotten.
    for _ in range(10):
        assert reader.get(LAST_TWO, BUSY, NOON + 1) == values(0 + 1, 2)
    store.read.clear()
    reader.get(LAST_TWO, BUSY, NOON + 1)
    assert sum(store.read) < EVERY // 10 * layout_of(LAST_TWO).width * 8


def test_several_entities_take_a_second_round_trip_together(store: Watched) -> None:
    reader = FeatureReader(store, [LAST_TWO])
    keys = [BUSY, IDLE, {"card": "unknown"}] * 4
    found = reader.get_many(LAST_TWO, keys, [NOON + 1] * len(keys))
    assert found == [values(1, 2), values(110, 2), values(0, 0)] * 4
    assert len(store.read) == 2
