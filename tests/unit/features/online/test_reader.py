"""What a server asks of the online store, and what it must not load for it."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from lakehouse.declare import Count, FeatureView, LatestView, Sum, compiled, last
from lakehouse.declare.durations import DAY, HOUR
from lakehouse.engines.protocol import Transaction
from lakehouse.errors import LakeFormatError, LakehouseError, NotFound
from lakehouse.features.online.layout.entity_keys import EntityKeyError, EntityKeys
from lakehouse.features.online.layout.slots import from_data, layout_of, to_data
from lakehouse.features.online.layout.stored_numbers import NotStorable
from lakehouse.features.online.read.reader import FeatureReader
from lakehouse.features.online.stores.protocol import Stored
from lakehouse.features.online.stores.sqlite.file import FORMAT
from lakehouse.features.online.stores.sqlite.store import SqliteStore
from lakehouse.features.online.write.packing import pack
from lakehouse.features.online.write.push import push
from lakehouse.testing.conformance.world import (
    NOON,
    card,
    card_in_shop,
    customers,
    movement,
    movements,
    numbered,
    table_of,
)

SPEND = FeatureView(
    "spend",
    of=movements,
    by=card,
    n=Count(over=last("1d")),
    spend=Sum("amount_eur", over=last("1d")),
)
LAST = LatestView("last_movement", of=movements, by=card_in_shop, columns=("points", "country"))
HEAVY = ("duckdb", "deltalake", "pandas", "pyarrow", "sklearn", "mlflow", "sqlglot")


def filled(path: Path, *views: Any, rows: Any = ()) -> SqliteStore:
    store = SqliteStore(path)
    for view in views:
        layout = layout_of(view)
        stored = Stored(view.name, 1, "digest", layout, len(rows), 1)
        texts: dict[int, bytes] = {}
        chunks = pack(view, layout, table_of(view.of, numbered(rows)), texts)
        store.replace(stored, chunks, texts)
    return store


def test_reading_loads_no_engine(tmp_path: Path) -> None:
    filled(tmp_path / "online.db", SPEND, LAST, rows=[movement(NOON, shop="s")])
    script = f"""
import sys
from pathlib import Path
from lakehouse.declare.compiled import from_data
from lakehouse.language.expressions import python as expressions_python
from lakehouse.features.online.write import push as online_push
from lakehouse.features.online.read.reader import FeatureReader
from lakehouse.features.online.stores.sqlite.store import SqliteStore
import json
views = [from_data(data) for data in json.loads(sys.argv[1])]
online = FeatureReader(SqliteStore(Path(sys.argv[2]), must_exist=True), views)
key = {{"card": "a", "shop": "s"}}
found = [online.get(view, key, {NOON + 1}) for view in views]
print(found[0]["spend__n_1d"], found[1]["last_movement__points"])
print([name for name in {HEAVY!r} if name in sys.modules])
"""
    views = json.dumps([compiled.to_data(SPEND), compiled.to_data(LAST)])
    done = subprocess.run(
        [sys.executable, "-c", script, views, str(tmp_path / "online.db")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("1 None\n[]\n", "")


def test_an_unknown_entity_has_the_values_of_one_without_rows(tmp_path: Path) -> None:
    filled(tmp_path / "online.db", SPEND, LAST, rows=[movement(NOON, shop="s")])
    online = FeatureReader(SqliteStore(tmp_path / "online.db", must_exist=True), [SPEND, LAST])
    nothing = {"spend__n_1d": 0, "spend__spend_1d": Decimal("0.00")}
    for key in ({"card": "b"}, {"card": None}, ("b",), (None,)):
        found = online.get("spend", key, NOON + 1)
        assert found == nothing
        assert str(found["spend__spend_1d"]) == "0.00"
    no_row = {"last_movement__points": None, "last_movement__country": None}
    assert online.get("last_movement", {"card": "a", "shop": None}, NOON + 1) == no_row
    assert online.get("last_movement", ("s", "a"), NOON + 1) == no_row


def test_answers_are_the_callers_own(tmp_path: Path) -> None:
    filled(tmp_path / "online.db", SPEND)
    online = FeatureReader(SqliteStore(tmp_path / "online.db", must_exist=True), [SPEND])
    online.get("spend", ("a",), NOON)["spend__n_1d"] = 99
    assert online.get("spend", ("a",), NOON)["spend__n_1d"] == 0


def test_several_entities_each_at_its_own_moment(tmp_path: Path) -> None:
    filled(tmp_path / "online.db", SPEND, rows=[movement(NOON), movement(NOON + DAY, card="b")])
    online = FeatureReader(SqliteStore(tmp_path / "online.db", must_exist=True), [SPEND])
    keys = [{"card": "a"}, {"card": "b"}, {"card": "a"}]
    found = online.get_many(SPEND, keys, [NOON + 1, NOON + 1, NOON + 2 * DAY])
    assert [values["spend__n_1d"] for values in found] == [1, 0, 0]
    with pytest.raises(ValueError, match="shorter"):
        online.get_many(SPEND, keys, [NOON])


def test_a_key_that_is_none_is_refused_without_its_value(tmp_path: Path) -> None:
    filled(tmp_path / "online.db", SPEND)
    online = FeatureReader(SqliteStore(tmp_path / "online.db", must_exist=True), [SPEND])
    with pytest.raises(EntityKeyError, match="'card' is not given"):
        online.get(SPEND, {"shop": "s"}, NOON)
    with pytest.raises(EntityKeyError, match=r"given a int where it takes text") as refused:
        online.get(SPEND, {"card": 4711}, NOON)
    assert "4711" not in str(refused.value)
    with pytest.raises(EntityKeyError, match=r"2 value\(s\) where it takes 1"):
        online.get(SPEND, ("a", "b"), NOON)


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="There is no online store at"):
        FeatureReader(SqliteStore(tmp_path / "online.db", must_exist=True), [SPEND])
    filled(tmp_path / "online.db", SPEND)
    online = FeatureReader(SqliteStore(tmp_path / "online.db", must_exist=True), [SPEND, LAST])
    with pytest.raises(NotFound, match="no view 'spent'; did you mean 'spend'"):
        online.get("spent", ("a",), NOON)
    with pytest.raises(NotFound, match="'last_movement' is not in the online store yet"):
        online.get(LAST, ("a", "s"), NOON)


def test_a_store_of_another_format_is_refused(tmp_path: Path) -> None:
    store = filled(tmp_path / "online.db", SPEND)
    with store._file.writing() as db:
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(LakeFormatError, match=f"has format 99, this version reads format {FORMAT}"):
        FeatureReader(SqliteStore(tmp_path / "online.db", must_exist=True), [SPEND]).get(
            "spend", ("a",), NOON
        )


def test_equal_keys_are_equal_however_they_are_written() -> None:
    kinds = ("decimal", "float", "timestamp", "date", "bool", "int")
    names = tuple("abcdef")
    at = datetime(2024, 3, 31, 12, tzinfo=UTC)
    one = EntityKeys(names, kinds).of((Decimal("1.10"), 0.0, at, date(2024, 1, 1), True, 1))
    other = EntityKeys(names, kinds).of(
        (Decimal("1.1"), -0.0, at.replace(tzinfo=None), date(2024, 1, 1), True, 1)
    )
    assert one == other
    with pytest.raises(EntityKeyError, match="a bool where it takes a whole number"):
        EntityKeys(("n",), ("int",)).of((True,))


def test_an_older_event_overwrites_nothing(tmp_path: Path) -> None:
    rows = [movement(NOON, shop="s", points=2)]
    store = filled(tmp_path / "online.db", SPEND, LAST, rows=rows)
    late = table_of(movements, [movement(NOON - HOUR, shop="s", points=1, movement_id="l")])
    for view in (SPEND, LAST):
        assert push(store, view, late.to_pylist(), Transaction("stream", 1)) is True
        assert push(store, view, late.to_pylist(), Transaction("stream", 1)) is False
    online = FeatureReader(SqliteStore(tmp_path / "online.db", must_exist=True), [SPEND, LAST])
    assert online.get(LAST, ("a", "s"), NOON + 1)["last_movement__points"] == 2
    assert online.get(LAST, ("a", "s"), NOON)["last_movement__points"] == 1
    assert online.get(SPEND, ("a",), NOON + 1)["spend__n_1d"] == 2


def test_a_row_that_does_not_fit_adds_nothing(tmp_path: Path) -> None:
    store = filled(tmp_path / "online.db", SPEND)
    good = table_of(movements, [movement(NOON, movement_id="1")]).to_pylist()[0]
    with pytest.raises(NotStorable, match=r"column 'amount_eur': a float where a Decimal belongs"):
        push(store, SPEND, [good, good | {"amount_eur": 1.5}], Transaction("stream", 1))
    with pytest.raises(NotStorable, match="more than 2 digits after its point"):
        push(store, SPEND, [good | {"amount_eur": Decimal("1.005")}], Transaction("stream", 1))
    online = FeatureReader(SqliteStore(tmp_path / "online.db", must_exist=True), [SPEND])
    assert online.get(SPEND, ("a",), NOON + 1)["spend__n_1d"] == 0
    assert push(store, SPEND, [good], Transaction("stream", 1)) is True
    assert online.get(SPEND, ("a",), NOON + 1)["spend__n_1d"] == 1


def test_rows_that_count_at_no_moment_are_left_out(tmp_path: Path) -> None:
    store = filled(tmp_path / "online.db", SPEND)
    (good,) = table_of(movements, [movement(NOON, movement_id="1")]).to_pylist()
    rows = [good | {"card": None}, good | {"_known_at": None}, good | {"happened_at": None}]
    assert push(store, SPEND, rows, Transaction("stream", 1)) is True
    with pytest.raises(NotFound, match="'last_movement' is not in the online store"):
        push(store, LAST, [good], Transaction("stream", 1))


def test_sums_beyond_the_lakes_digits_raise(tmp_path: Path) -> None:
    edge = Decimal("9999999999999999.99")
    rows = [movement(NOON, amount_eur=edge), movement(NOON, amount_eur=Decimal("0.01"))]
    filled(tmp_path / "online.db", SPEND, rows=rows)
    online = FeatureReader(SqliteStore(tmp_path / "online.db", must_exist=True), [SPEND])
    with pytest.raises(LakehouseError, match=r"'spend.spend_1d': a sum does not fit 18 digits"):
        online.get(SPEND, ("a",), NOON + 1)


def test_layouts_are_kept_as_data() -> None:
    edged = FeatureView(
        "edged", of=movements, by=card, delay="1h", n=Count(over=last("365d", edge="6h"))
    )
    segment = LatestView("segment", of=customers, by=card, columns=("segment",))
    for view in (SPEND, LAST, edged, segment):
        layout = layout_of(view)
        assert from_data(to_data(layout)) == layout
