"""Which entities a spine asks for, and the condition on a table's keys that follows."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pyarrow as pa
import pytest

from lakehouse.declare import (
    Cleaned,
    Contract,
    Entity,
    LatestView,
    Raw,
    Source,
    event_time,
    key,
)
from lakehouse.engines.embedded import EmbeddedEngine
from lakehouse.features import spine_entities
from lakehouse.features.spine_entities import entities_needed, keys_of_spine


class Visit(Contract):
    visit_id: str = key()
    guest: str | None
    room: int | None
    night: date | None
    seen_at: datetime = event_time(known=True)


visits = Cleaned("visits", Raw("visits_raw", Source("visit_feed", Visit, "visits/*.csv")))


def view(name: str, *keys: str) -> LatestView:
    return LatestView(name, of=visits, by=Entity(name, key=keys), columns=("visit_id",))


def test_few_keys_are_named_and_nulls_are_none(engine: EmbeddedEngine) -> None:
    spine = engine.from_arrow(pa.table({"guest": ["b", None, "a", "b"], "room": [1, 1, None, 1]}))
    found = keys_of_spine(engine, spine, 4, [view("v", "guest"), view("w", "guest", "room")])
    assert {k: sorted(v) for k, v in found.items()} == {"guest": ["a", "b"], "room": [1]}


def test_many_moments_or_many_keys_name_none(
    engine: EmbeddedEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    spine = engine.from_arrow(pa.table({"guest": ["a", "b", "c"]}))
    assert keys_of_spine(engine, spine, spine_entities.MOST_MOMENTS + 1, [view("v", "guest")]) == {}
    monkeypatch.setattr(spine_entities, "MOST_KEYS", 2)
    assert keys_of_spine(engine, spine, 3, [view("v", "guest")]) == {}


def test_each_view_adds_its_entities() -> None:
    by_guest, by_room = view("v", "guest"), view("w", "room", "night")
    keys = {"guest": ["it's", "\\"], "room": [-1, 2], "night": [date(2024, 2, 29)]}
    assert entities_needed([by_guest, by_room], keys) == (
        "(`guest` IN ('it\\'s', '\\\\')) "
        "OR (`room` IN (CAST(-1 AS BIGINT), 2) AND `night` IN (DATE '2024-02-29'))"
    )


def test_a_view_whose_keys_are_not_told_needs_every_entity() -> None:
    assert entities_needed([view("v", "guest"), view("w", "room")], {"guest": ["a"]}) is None
    assert (
        entities_needed([view("v", "guest")], {"guest": [datetime(2024, 1, 1, tzinfo=UTC)]}) is None
    )


def test_a_spine_of_nulls_needs_nothing(engine: EmbeddedEngine) -> None:
    condition = entities_needed([view("v", "guest")], {"guest": []})
    rows = engine.from_arrow(pa.table({"guest": ["a", None]}))
    kept = engine.query(f"SELECT * FROM visits WHERE {condition}", {"visits": rows})
    assert engine.to_arrow(kept).num_rows == 0
