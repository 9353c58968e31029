"""Whatever is delivered ends in the right rows or in an error that names its place."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lakehouse import Lake
from lakehouse.records.home import Home
from tests.journeys.conftest import lakehouse

HEADER = "payment_id,card_id,terminal_id,amount_eur,paid_at\n"
DOMAIN = "payments_fraud"


@pytest.fixture
def landing(tmp_path: Path) -> Path:
    home = Home.create(tmp_path / "lake", "data")
    folder = home.landing(DOMAIN)
    (folder / "payments").mkdir(parents=True)
    (folder / "fraud_reports").mkdir()
    return folder


def payment(number: int, amount: str = "10.00", day: int = 1) -> str:
    return f"P{number},C1,T1,{amount},2018-04-{day:02}T12:00:00Z\n"


def run(landing: Path, expect: int = 0) -> dict[str, dict[str, object]]:
    home = landing.parent.parent
    steps = json.loads(
        lakehouse(home, "--json", "run", DOMAIN, "raw", "cleaned", "curated", expect=expect)
    )
    lakehouse(home, "contract", "balance", DOMAIN)
    return {f"{s['stage']} {s['target']}": s for s in steps}


def amounts(landing: Path) -> dict[str, str]:
    rows = Lake(landing.parent.parent).table(f"{DOMAIN}.payments").to_pylist()
    return {row["payment_id"]: str(row["amount_eur"]) for row in rows}


def test_file_delivered_twice_counts_once(landing: Path) -> None:
    text = HEADER + payment(1) + payment(2)
    (landing / "payments/2018-04-01.csv").write_text(text)
    run(landing)
    (landing / "payments/2018-04-01-again.csv").write_text(text)
    assert run(landing)["cleaned payments"]["facts"] == {"duplicates": 2}
    assert amounts(landing) == {"P1": "10.00", "P2": "10.00"}
    assert run(landing)["raw payments_raw"]["changed"] is False


def test_yesterdays_file_after_todays_and_a_corrected_row(landing: Path) -> None:
    (landing / "payments/2018-04-02.csv").write_text(HEADER + payment(2, day=2))
    run(landing)
    (landing / "payments/2018-04-01.csv").write_text(HEADER + payment(1, day=1))
    run(landing)
    (landing / "payments/corrections.csv").write_text(HEADER + payment(1, "12.00", day=1))
    assert run(landing)["cleaned payments"]["facts"] == {"quarantined": 1}
    assert amounts(landing) == {"P1": "10.00", "P2": "10.00"}
    listed = json.loads(
        lakehouse(landing.parent.parent, "--json", "quarantine", "list", DOMAIN, "payments")
    )
    assert [row["check"] for row in listed] == ["conflict"]


def test_later_report_of_one_payment_supersedes_the_earlier(landing: Path) -> None:
    (landing / "payments/2018-04-01.csv").write_text(HEADER + payment(1))
    reports = landing / "fraud_reports"
    (reports / "2018-04-09.csv").write_text("payment_id,reported_at\nP1,2018-04-09T00:00:00Z\n")
    run(landing)
    (reports / "2018-04-08.csv").write_text("payment_id,reported_at\nP1,2018-04-08T00:00:00Z\n")
    assert run(landing)["cleaned fraud_reports"]["facts"] == {"superseded": 1}
    rows = Lake(landing.parent.parent).table(f"{DOMAIN}.fraud_reports").to_pylist()
    assert [str(row["reported_at"].date()) for row in rows] == ["2018-04-09"]


def test_one_per_cent_broken_rows_are_quarantined_with_every_reason(landing: Path) -> None:
    broken = {
        3: "P3,C1,T1,-4.00,2018-04-31T12:00:00Z\n",  # two failed checks
        7: "P7,C1,T1,ten,2018-04-01T12:00:00Z\n",
        9: "P9,C1,T1\n",  # does not parse
    }
    lines = [broken.get(n, payment(n)) for n in range(300)]
    (landing / "payments/2018-04-01.csv").write_text(HEADER + "".join(lines))
    assert run(landing)["cleaned payments"]["facts"] == {"quarantined": 3}
    assert len(amounts(landing)) == 297
    home = landing.parent.parent
    listed = json.loads(lakehouse(home, "--json", "quarantine", "list", DOMAIN, "payments"))
    found = {(row["column"], row["check"]) for row in listed}
    assert {("amount_eur", "ge"), ("paid_at", "dtype"), ("amount_eur", "dtype")} <= found
    assert any(check == "unparsed" for _, check in found)


def test_unreadable_files_are_set_aside_by_name_and_the_others_go_on(landing: Path) -> None:
    folder = landing / "payments"
    (folder / "2018-04-01.csv").write_text(HEADER + payment(1))
    (folder / "empty.csv").write_text("")
    (folder / "other.csv").write_text("city,temperature\nBerlin,20\n")
    compressed = gzip.compress((HEADER + payment(2) * 500).encode())
    (folder / "cut.csv").write_bytes(compressed[:40])
    steps = run(landing, expect=3)
    assert amounts(landing) == {"P1": "10.00"}
    problems = " ".join(steps["raw payments_raw"]["problems"])  # type: ignore[arg-type]
    assert "other.csv" in problems
    assert "payment_id" in problems
    assert "cut.csv" in problems
    assert run(landing, expect=0)["raw payments_raw"]["changed"] is False


def test_label_for_an_unknown_payment_waits_for_it(landing: Path) -> None:
    (landing / "payments/2018-04-01.csv").write_text(HEADER + payment(1))
    (landing / "fraud_reports/2018-04-09.csv").write_text(
        "payment_id,reported_at\nP2,2018-04-09T00:00:00Z\n"
    )
    run(landing)
    lake = Lake(landing.parent.parent)
    assert lake.table(f"{DOMAIN}.reported_frauds").num_rows == 0
    (landing / "payments/2018-04-02.csv").write_text(HEADER + payment(2, day=2))
    run(landing)
    assert lake.table(f"{DOMAIN}.reported_frauds").num_rows == 1


def test_truncated_parquet_file_is_set_aside(tmp_path: Path) -> None:
    home = Home.create(tmp_path / "lake", "data")
    parts = home.landing("parts") / "readings"
    parts.mkdir(parents=True)
    pq.write_table(
        pa.table({"part": ["a", "b"], "at": ["2018-04-01T00:00:00Z"] * 2}), parts / "1.parquet"
    )
    whole = (parts / "1.parquet").read_bytes()
    (parts / "2.parquet").write_bytes(whole[: len(whole) // 2])
    declared = tmp_path / "parts.py"
    declared.write_text(
        "from datetime import datetime\n"
        "from lakehouse.declare import Cleaned, Contract, Domain, Raw, Source, event_time, key\n"
        "class Reading(Contract):\n"
        "    part: str = key()\n"
        "    at: datetime = event_time(known=True)\n"
        "feed = Source('feed', Reading, path='readings/*')\n"
        "readings = Cleaned('readings', Raw('readings_raw', feed))\n"
        "domain = Domain('parts', description='x', tables=(readings,))\n"
    )
    steps = json.loads(
        lakehouse(home.path, "--json", "run", str(declared), "raw", "cleaned", expect=3)
    )
    assert "2.parquet" in steps[0]["problems"][0]
    assert Lake(home.path).table("parts.readings")["part"].to_pylist() == ["a", "b"]
