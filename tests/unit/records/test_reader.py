"""Keys and clocks as the service sees them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from lakehouse.records.keys import make_key
from lakehouse.records.reader import RecordsReader
from lakehouse.records.store import Records


class Watch:
    def __init__(self) -> None:
        self.s = 0.0

    def __call__(self) -> float:
        return self.s


def records(path: Path) -> Records:
    return Records(path, lambda: datetime(2026, 1, 1, tzinfo=UTC))


@pytest.fixture
def watch() -> Watch:
    return Watch()


def test_a_key_made_later_works_after_the_next_look(tmp_path: Path, watch: Watch) -> None:
    path = tmp_path / "records.db"
    lake = records(path)
    reader = RecordsReader(path, 0.2, watch)
    first = make_key(lake, "application", "shop")
    assert reader.role(first) == "application"
    second = make_key(lake, "operator", "on call")
    assert reader.role(second) is None
    watch.s = 0.2
    assert reader.role(second) == "operator"
    reader.close()


def test_a_key_taken_away_stops_working(tmp_path: Path, watch: Watch) -> None:
    path = tmp_path / "records.db"
    lake = records(path)
    made = make_key(lake, "application", "shop")
    reader = RecordsReader(path, 0.2, watch)
    assert reader.role(made) == "application"
    with lake.connection() as db:
        db.execute("DELETE FROM keys")
    watch.s = 1.0
    assert reader.role(made) is None
    reader.close()


def test_a_lake_without_records_lets_nobody_in(tmp_path: Path, watch: Watch) -> None:
    reader = RecordsReader(tmp_path / "records.db", 0.2, watch)
    assert reader.role("anything") is None
    assert not (tmp_path / "records.db").exists()


def test_records_that_are_replaced_are_read_anew(tmp_path: Path, watch: Watch) -> None:
    path = tmp_path / "records.db"
    old = make_key(records(path), "application", "shop")
    reader = RecordsReader(path, 0.2, watch)
    assert reader.role(old) == "application"
    for file in tmp_path.iterdir():
        file.unlink()
    new = make_key(records(path), "scientist", "notebook")
    watch.s = 1.0
    assert (reader.role(old), reader.role(new)) == (None, "scientist")
    reader.close()


def test_the_data_clock_follows_the_records(tmp_path: Path, watch: Watch) -> None:
    path = tmp_path / "records.db"
    lake = records(path)
    reader = RecordsReader(path, 0.2, watch)
    assert reader.latest_event_us("payments") is None
    lake.tick("payments", 5)
    watch.s = 1.0
    assert reader.latest_event_us("payments") == 5
    reader.close()


def test_nothing_is_read_again_while_nothing_was_written(
    tmp_path: Path, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "records.db"
    made = make_key(records(path), "application", "shop")
    reader = RecordsReader(path, 0.2, watch)
    reader.role(made)
    asked: list[str] = []
    assert reader._db is not None
    reader._db.set_trace_callback(asked.append)
    watch.s = 1.0
    assert reader.role(made) == "application"
    assert asked == ["PRAGMA data_version"]
    reader.close()
