from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from lakehouse.records.store import CodeVersion, Records, Run, iso

CODE = CodeVersion("c0ffee", ("shop.py",))


class Clock:
    """A wall clock that goes one second further each time it is read."""

    def __init__(self) -> None:
        self.at = datetime(2018, 4, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.at += timedelta(seconds=1)
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def records(tmp_path: Path, clock: Clock) -> Records:
    return Records(tmp_path / "records.db", clock)


def ran(records: Records, stage: str = "clean", target: str = "payments", **options: Any) -> Any:
    return records.run(
        "fraud", stage, target, **{"as_of": None, "engine": "embedded", "code": CODE, **options}
    )


def runs(records: Records, columns: str = "*") -> list[dict[str, Any]]:
    return records.select(f"SELECT {columns} FROM runs ORDER BY started_at")


def moved(records: Records) -> list[tuple[Any, ...]]:
    return [
        tuple(row.values())
        for row in records.select(
            "SELECT direction, table_id, version, rows FROM table_versions ORDER BY 1, 2, 3"
        )
    ]


def test_a_run_that_ends_is_done_with_all_that_it_was_given(records: Records) -> None:
    with ran(records, as_of=datetime(2018, 3, 1, tzinfo=UTC), configuration={"seed": 7}) as run:
        run.metrics["rows"] = 3
    assert [
        {
            "run": run.run,
            "domain": "fraud",
            "stage": "clean",
            "target": "payments",
            "started_at": "2018-04-01T00:00:01.000000Z",
            "finished_at": "2018-04-01T00:00:02.000000Z",
            "status": "done",
            "as_of": "2018-03-01T00:00:00.000000Z",
            "engine": "embedded",
            "code_version": "c0ffee",
            "dirty": 1,
            "configuration": '{"seed": 7}',
            "metrics": '{"rows": 3}',
            "error": None,
        }
    ] == runs(records)


def test_a_run_is_recorded_as_running_while_it_goes_on(records: Records) -> None:
    with ran(records):
        assert [{"status": "running", "finished_at": None}] == runs(records, "status, finished_at")


def test_a_run_that_fails_keeps_its_error_and_raises_it(records: Records) -> None:
    with pytest.raises(ValueError, match="no such column"), ran(records):
        raise ValueError("no such column")
    assert [{"status": "failed", "error": "ValueError: no such column"}] == runs(
        records, "status, error"
    )


def test_a_run_that_is_interrupted_by_hand_has_failed(records: Records) -> None:
    with pytest.raises(KeyboardInterrupt), ran(records):
        raise KeyboardInterrupt
    assert [{"status": "failed", "error": "KeyboardInterrupt: "}] == runs(records, "status, error")


def test_what_a_run_read_and_wrote_is_kept_with_versions(records: Records) -> None:
    with ran(records) as run:
        run.read("raw/fraud/payments_raw", 4)
        run.wrote("cleaned/fraud/payments", 2, 100)
        run.wrote("quarantine/fraud/payments", 0, 1)
    assert [
        ("read", "raw/fraud/payments_raw", 4, None),
        ("write", "cleaned/fraud/payments", 2, 100),
        ("write", "quarantine/fraud/payments", 0, 1),
    ] == moved(records)


def test_what_a_run_wrote_before_it_failed_is_kept_too(records: Records) -> None:
    with pytest.raises(RuntimeError), ran(records) as run:
        run.wrote("quarantine/fraud/payments", 0, 1)
        raise RuntimeError
    assert [("write", "quarantine/fraud/payments", 0, 1)] == moved(records)


def test_a_run_that_changed_nothing_leaves_no_row(records: Records) -> None:
    with ran(records) as run:
        run.read("raw/fraud/payments_raw", 4)
        run.metrics["unchanged"] = True
    assert ([], []) == (runs(records), moved(records))


def test_a_run_that_wrote_leaves_a_row_whatever_it_says(records: Records) -> None:
    with ran(records) as run:
        run.wrote("cleaned/fraud/payments", 0)
        run.metrics["unchanged"] = True
    assert ["done"] == [row["status"] for row in runs(records)]


def test_an_unchanged_run_that_fails_leaves_its_error(records: Records) -> None:
    with pytest.raises(RuntimeError), ran(records) as run:
        run.metrics["unchanged"] = True
        raise RuntimeError("disk is full")
    assert ["RuntimeError: disk is full"] == [row["error"] for row in runs(records)]


def wrote(records: Records, version: int) -> str:
    """Record a write of payments and tell when its run ended."""
    with ran(records) as run:
        run.wrote("cleaned/fraud/payments", version)
    return str(records.select("SELECT max(at) AS at FROM table_versions")[0]["at"])


def test_a_version_counts_from_the_end_of_the_run_that_wrote_it(records: Records) -> None:
    ended = [datetime.fromisoformat(wrote(records, version)) for version in range(3)]
    just_before = [at - timedelta(microseconds=1) for at in ended]
    assert [None, 0, 1] == [records.version_at("cleaned/fraud/payments", at) for at in just_before]
    assert [0, 1, 2] == [records.version_at("cleaned/fraud/payments", at) for at in ended]


def test_a_moment_may_be_asked_in_any_zone(records: Records) -> None:
    ended = datetime.fromisoformat(wrote(records, 0))
    elsewhere = ended.astimezone(timezone(timedelta(hours=-5)))
    assert 0 == records.version_at("cleaned/fraud/payments", elsewhere)
    assert 0 == records.version_at("cleaned/fraud/payments", ended.replace(tzinfo=None))


def test_reading_a_table_gives_it_no_version(records: Records, clock: Clock) -> None:
    with ran(records) as run:
        run.read("cleaned/fraud/payments", 7)
        run.metrics["rows"] = 0
    assert None is records.version_at("cleaned/fraud/payments", clock())


def test_tables_of_other_domains_have_their_own_versions(records: Records, clock: Clock) -> None:
    wrote(records, 3)
    assert None is records.version_at("cleaned/flights/payments", clock())


def test_a_data_clock_moves_on_and_never_back(records: Records) -> None:
    read = []
    for us in (5, 9, 7):
        records.tick("fraud", us)
        read.append(records.latest_event_us("fraud"))
    assert [5, 9, 9] == read


def test_each_domain_has_a_data_clock_of_its_own(records: Records) -> None:
    records.tick("fraud", 5)
    assert (5, None) == (records.latest_event_us("fraud"), records.latest_event_us("flights"))


def test_records_are_there_when_they_are_opened_again(
    records: Records, tmp_path: Path, clock: Clock
) -> None:
    wrote(records, 2)
    again = Records(tmp_path / "records.db", clock)
    assert 2 == again.version_at("cleaned/fraud/payments", clock())


def test_a_transaction_that_fails_leaves_nothing(records: Records) -> None:
    with pytest.raises(RuntimeError), records.connection() as db:
        db.execute("INSERT INTO clocks VALUES ('fraud', 5)")
        raise RuntimeError
    assert None is records.latest_event_us("fraud")


def test_a_connection_is_closed_behind_its_user(records: Records) -> None:
    with records.connection() as db:
        pass
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        db.execute("SELECT 1")


def test_processes_that_open_and_write_at_once_lose_nothing(tmp_path: Path) -> None:
    program = (
        "import sys; from datetime import UTC, datetime; from pathlib import Path\n"
        "from lakehouse.records.store import CodeVersion, Records\n"
        "sys.stdin.readline()\n"
        "records = Records(Path(sys.argv[1]), lambda: datetime.now(UTC))\n"
        "for version in range(20):\n"
        "    with records.run('fraud', 'raw', sys.argv[2], as_of=None, engine='embedded',\n"
        "                     code=CodeVersion('c0ffee')) as run:\n"
        "        run.wrote(f'raw/fraud/{sys.argv[2]}', version)\n"
    )
    path = tmp_path / "records.db"
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(path), name], stdin=subprocess.PIPE, text=True
        )
        for name in ("a", "b", "c")
    ]
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("\n")
        writer.stdin.flush()
    assert [0, 0, 0] == [writer.wait(timeout=120) for writer in writers]
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.close()
    records = Records(path, lambda: datetime.now(UTC))
    assert [{"done": 60}] == records.select(
        "SELECT count(*) AS done FROM runs WHERE status = 'done'"
    )
    assert [{"written": 60}] == records.select("SELECT count(*) AS written FROM table_versions")


def test_what_a_run_measures_may_be_of_any_type(records: Records) -> None:
    with ran(records) as run:
        run.metrics |= {"until": datetime(2018, 4, 1, tzinfo=UTC), "rows": 3}
    assert {"until": "2018-04-01 00:00:00+00:00", "rows": 3} == json.loads(
        runs(records)[0]["metrics"]
    )


def test_runs_have_names_of_their_own(records: Records) -> None:
    names = []
    for _ in range(2):
        with ran(records) as run:
            assert isinstance(run, Run)
            names.append(run.run)
    assert 2 == len(set(names))


def test_times_sort_as_text_as_they_do_as_times() -> None:
    moments = [
        datetime(1, 1, 1, tzinfo=UTC),
        datetime(999, 12, 31, tzinfo=UTC),
        datetime(2018, 4, 1, tzinfo=UTC),
        datetime(2018, 4, 1, microsecond=5, tzinfo=UTC),
        datetime(2018, 4, 1, 1, tzinfo=timezone(timedelta(minutes=30))),
        datetime(2018, 4, 1, 0, 45, tzinfo=UTC).replace(tzinfo=None),
    ]
    texts = [iso(at) for at in moments]
    assert sorted(texts) == texts
    assert {27} == {len(text) for text in texts}
