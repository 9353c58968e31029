from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from lakehouse.records.home import Home
from lakehouse.records.overview import history, overview
from lakehouse.records.store import CodeVersion, Records


class Clock:
    """A wall clock that goes one minute further each time it is read."""

    at = datetime(2018, 4, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.at += timedelta(minutes=1)
        return self.at


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.create(tmp_path, "data")


@pytest.fixture
def records(home: Home) -> Records:
    return Records(home.records, Clock())


def ran(records: Records, target: str, domain: str = "fraud", **options: Any) -> Any:
    said = {"as_of": None, "engine": "embedded", "code": CodeVersion("c0ffee")}
    return records.run(domain, "clean", target, **{**said, **options})


def wrote(records: Records, target: str, version: int, rows: int) -> None:
    with ran(records, target) as run:
        run.read(f"raw/fraud/{target}_raw", version)
        run.wrote(f"cleaned/fraud/{target}", version, rows)


def delivered(records: Records, path: str, content: str, at: str, error: str | None) -> None:
    with records.connection() as db:
        db.execute(
            "INSERT INTO deliveries (delivery, domain, source, path, content_sha256, size, "
            "mtime_ns, arrived_at, batch, error) VALUES (?, 'fraud', 'feed', ?, ?, 0, 0, ?, ?, ?)",
            (f"{path}{content}", path, content, at, None if error else 1, error),
        )


def test_an_empty_lake_says_so(home: Home, records: Records) -> None:
    found = overview(home, records)
    assert "data: nothing taken in yet" == found["lake"]["clock"]
    assert [[], [], [], []] == [found[part] for part in ("tables", "models", "set_aside", "failed")]


def test_each_domains_data_clock_is_told(home: Home, records: Records) -> None:
    records.tick("fraud", 1_522_540_800_999_999)
    records.tick("flights", -1)
    assert (
        "data: flights 1969-12-31 23:59:59, fraud 2018-04-01 00:00:00"
        == (overview(home, records)["lake"]["clock"])
    )


def test_a_lake_by_the_wall_clock_tells_the_time(tmp_path: Path, records: Records) -> None:
    assert "wall, 2018-04-01T00:01:00 UTC" == overview(Home(tmp_path), records)["lake"]["clock"]


def test_each_table_is_told_once_with_its_newest_version(home: Home, records: Records) -> None:
    wrote(records, "reports", 0, 5)
    for version, rows in ((0, 10), (1, 30), (2, 20)):
        wrote(records, "payments", version, rows)
    assert [("cleaned/fraud/payments", 2, 20), ("cleaned/fraud/reports", 0, 5)] == [
        (table["table"], table["version"], table["rows_written"])
        for table in overview(home, records)["tables"]
    ]


def test_models_are_told_newest_first_with_the_numbers_of_their_metrics(
    home: Home, records: Records
) -> None:
    with records.connection() as db:
        for version, status in ((1, "retired"), (2, "champion")):
            db.execute(
                "INSERT INTO models VALUES ('fraud', 'fraud', ?, 'at', ?, '{}', ?, '[]')",
                (version, status, '{"roc_auc": 0.9, "note": "text"}'),
            )
    models = overview(home, records)["models"]
    assert [(2, "champion"), (1, "retired")] == [(m["version"], m["status"]) for m in models]
    assert {"roc_auc": 0.9} == models[0]["metrics"]


def test_a_file_set_aside_is_told_until_it_is_delivered_anew(home: Home, records: Records) -> None:
    delivered(records, "a.csv", "broken", "2018-04-01", "line 3 has 2 columns")
    delivered(records, "b.csv", "broken", "2018-04-01", "it is no Parquet file")
    delivered(records, "b.csv", "mended", "2018-04-02", None)
    delivered(records, "c.csv", "whole", "2018-04-01", None)
    assert [("a.csv", "line 3 has 2 columns")] == [
        (file["path"], file["error"]) for file in overview(home, records)["set_aside"]
    ]


def test_a_file_that_was_whole_and_came_broken_is_told(home: Home, records: Records) -> None:
    delivered(records, "a.csv", "whole", "2018-04-01", None)
    delivered(records, "a.csv", "broken", "2018-04-02", "it is truncated")
    assert ["it is truncated"] == [f["error"] for f in overview(home, records)["set_aside"]]


def test_at_most_five_failed_runs_are_told_newest_first(home: Home, records: Records) -> None:
    for number in range(7):
        with pytest.raises(ValueError, match=str(number)), ran(records, "payments"):
            raise ValueError(number)
    assert [f"ValueError: {n}" for n in (6, 5, 4, 3, 2)] == [
        run["error"] for run in overview(home, records)["failed"]
    ]


def test_history_tells_newest_runs_with_what_they_moved(records: Records) -> None:
    wrote(records, "payments", 0, 10)
    wrote(records, "payments", 1, 20)
    newest, first = history(records, None, None, 20)
    assert (["raw/fraud/payments_raw@1"], ["cleaned/fraud/payments@1"]) == (
        newest["read"],
        newest["write"],
    )
    assert ["cleaned/fraud/payments@0"] == first["write"]
    assert (60.0, "done", "c0ffee") == (
        newest["seconds"],
        newest["status"],
        newest["code_version"],
    )


def test_history_can_be_asked_for_one_domain_one_target_and_a_few_runs(records: Records) -> None:
    for domain, target in (("fraud", "a"), ("fraud", "b"), ("flights", "a"), ("fraud", "a")):
        with ran(records, target, domain):
            pass

    def recent(domain: str | None, target: str | None, limit: int = 20) -> list[tuple[str, str]]:
        return [(r["domain"], r["target"]) for r in history(records, domain, target, limit)]

    assert [("fraud", "a"), ("fraud", "b"), ("fraud", "a")] == recent("fraud", None)
    assert [("fraud", "a"), ("flights", "a"), ("fraud", "a")] == recent(None, "a")
    assert [("flights", "a")] == recent("flights", "a")
    assert [("fraud", "a"), ("flights", "a")] == recent(None, None, 2)


def test_a_run_that_was_killed_goes_on_for_ever_in_the_history(records: Records) -> None:
    killed = ran(records, "payments")
    killed.__enter__()
    (run,) = history(records, None, None, 20)
    assert ("running", None) == (run["status"], run["seconds"])


def test_runs_of_changed_code_are_marked(records: Records) -> None:
    with ran(records, "payments", code=CodeVersion("c0ffee", ("shop.py",))):
        pass
    assert "c0ffee (uncommitted changes)" == history(records, None, None, 1)[0]["code_version"]
