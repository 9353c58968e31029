"""What the service answers is what the lake's history says, value by value, and a fault is named.

At full size, so many values answered in process by the service's own code:

    python -m tests.journeys.test_consistency 1000000 [LAKE]

makes a lake in a temporary folder, or takes one that `lakehouse demo` made; it then serves the
values, takes the logs in, compares, and does it once more with a fault planted in the reader.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import pyarrow as pa
import pyarrow.compute as pc

from lakehouse import Lake
from lakehouse.cli.demo import server
from lakehouse.client import Client
from lakehouse.engines.protocol import Engine
from lakehouse.features.online.read.reader import FeatureReader
from lakehouse.monitoring.check import Period
from lakehouse.monitoring.checking import check
from lakehouse.monitoring.consistency.check import ConsistencyCheck
from lakehouse.records.keys import make_key
from serving.routes_features import FeatureAnswers
from serving.routes_predict import decide
from serving.service import Service
from serving.settings import Settings
from tests.journeys.conftest import environment, lakehouse

DOMAIN, MODEL = "payments_fraud", "fraud"
CHECK = ("check", DOMAIN, "consistency")
VIEWS = ("card_spend", "terminal_activity", "terminal_frauds")
STORED, DECIDED = 12, 27
"""Values of an answer to /v1/features for one payment, and of a decision."""
WORLD = {"customers": 1_000, "terminals": 2_000, "days": 183}
COUNTS = ("mismatch", "missing", "extra", "stale", "skew", "unplaced")
TOUCHED = {
    "card_spend.payments_1d",
    "at_payment.card_payments_1d",
    "at_payment.card_mean_amount_1d",
}
"""The feature that the planted fault is in, and those made of it."""


def test_real_service_agrees_with_history_on_every_value(copy: Path) -> None:
    lake = Lake(copy)
    keys = {role: make_key(lake.records, role, "test") for role in ("application", "scientist")}
    payments = chosen(lake, 60)
    with server(copy) as url:
        with Client(url, keys["application"]) as client:
            for payment in payments[:30]:
                client.predict(DOMAIN, MODEL, payment)
        with Client(url, keys["scientist"]) as client:
            for payment in payments[30:]:
                entity = {key: payment[key] for key in ("card_id", "terminal_id")}
                client.features(DOMAIN, [entity], views=VIEWS, at=payment["paid_at"])
    lakehouse(copy, "run", DOMAIN, "raw", "cleaned")
    (checked,) = json.loads(lakehouse(copy, "--json", *CHECK))
    assert compared(checked) == (2 + 30) * DECIDED + 30 * STORED  # two decisions are the demo's own
    assert differing(checked) == {}
    assert (figures(checked)["answers"]["unread"], checked["notes"]) == (0, [])
    assert checked["version"] == 0

    rows = lake.table(f"{DOMAIN}.check_results").to_pylist()
    equal = [row["value"] for row in rows if row["metric"] == "equal"]
    assert (len(equal), sum(equal)) == (DECIDED, compared(checked))
    printed = lakehouse(copy, *CHECK, "--until", "2018-04-02")
    assert "Nothing was served." in printed
    assert Lake(copy).check(DOMAIN, "consistency").findings.holds()


def test_fault_planted_in_the_reader_is_found_and_named(copy: Path) -> None:
    payments = chosen(Lake(copy), 200)
    with counting_events_at_the_moment_itself():
        answered(copy, payments)
    lakehouse(copy, "run", DOMAIN, "raw", "cleaned")
    (checked,) = json.loads(lakehouse(copy, "--json", *CHECK, expect=3))
    found = differing(checked)
    assert set(found) == TOUCHED
    assert {f["stale"] + f["unplaced"] for f in found.values()} == {0}
    fault = found["card_spend.payments_1d"]
    assert fault["mismatch"] == fault["skew"] >= 100  # of every other payment, at its own moment
    assert fault["worst_difference"] == 1
    (skew,) = (
        r
        for r in checked["results"]
        if (r["subject"], r["metric"]) == ("card_spend.payments_1d", "skew")
    )
    assert skew["verdict"] == "fail"
    assert len(skew["detail"]["examples"]) == 5
    for example in skew["detail"]["examples"]:
        assert (example["entity"], example["why"]) == ({"card_id": "***"}, "skew")
        assert example["served"] == example["history"] + 1
    printed = lakehouse(copy, *CHECK, "--allow", "stale", expect=3)
    assert "card_spend.payments_1d: skew" in printed


def test_what_is_not_materialised_yet_is_late_and_no_fault(copy: Path) -> None:
    payments = chosen(Lake(copy), 60)
    answered(copy, payments)
    # Each card paid once more, which is known only now, and the online store not at all.
    lines = ["payment_id,card_id,terminal_id,amount_eur,paid_at"]
    lines += [
        f"late{n},{p['card_id']},{p['terminal_id']},1.00,"
        f"{(p['paid_at'] - timedelta(minutes=5)).isoformat()}"
        for n, p in enumerate(payments)
    ]
    (copy / "landing" / DOMAIN / "payments" / "late.csv").write_text("\n".join(lines) + "\n")
    lakehouse(copy, "run", DOMAIN, "raw", "cleaned")
    (checked,) = json.loads(lakehouse(copy, "--json", *CHECK, expect=3))
    found = differing(checked)
    assert {name for name in found if name.startswith("card_spend")} == {
        f"card_spend.{family}_{window}"
        for family in ("payments", "spend")
        for window in ("1d", "7d", "30d")
    }
    assert {f["skew"] + f["unplaced"] for f in found.values()} == {0}
    assert found["card_spend.payments_1d"]["stale"] >= 60
    lakehouse(copy, *CHECK, "--allow", "stale")


def test_scheduled_job_says_what_the_command_says(copy: Path) -> None:
    job = [sys.executable, "-m", "jobs.check", *CHECK[1:], "--home", str(copy)]
    done = subprocess.run(job, env=environment(), capture_output=True, text=True, check=True)
    checked = json.loads(done.stdout)
    assert (compared(checked), differing(checked)) == (2 * DECIDED, {})
    later = subprocess.run([*job, "--from", "2030-01-01"], env=environment(), capture_output=True)
    assert (later.returncode, json.loads(later.stdout)["results"]) == (0, [])


def test_both_engines_find_the_same(
    copy: Path, open_context: Callable[[Path], Any], spark: Engine
) -> None:
    with counting_events_at_the_moment_itself():
        answered(copy, chosen(Lake(copy), 40))
    lakehouse(copy, "run", DOMAIN, "raw", "cleaned")
    ctx = open_context(copy)
    embedded = check(ctx, ConsistencyCheck(), Period())
    on_spark = check(replace(ctx, engine=spark), ConsistencyCheck(), Period())
    assert (embedded.version, on_spark.version) == (0, 1)
    of_run = ["run", "checked_at", "_known_at"]
    assert on_spark.table.drop_columns(of_run).equals(embedded.table.drop_columns(of_run))
    skew = [r.value for r in embedded.findings.results if r.metric == "skew"]
    assert sum(value or 0 for value in skew) > 20
    written = Lake(copy).table(f"{DOMAIN}.check_results")
    assert written.num_rows == 2 * embedded.table.num_rows


def figures(checked: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The value of each metric, by subject."""
    found: dict[str, dict[str, Any]] = {}
    for result in checked["results"]:
        found.setdefault(result["subject"], {})[result["metric"]] = result["value"]
    return found


def compared(checked: dict[str, Any]) -> int:
    return int(sum(f["compared"] for f in figures(checked).values() if "compared" in f))


def differing(checked: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The figures of features with values that differ, by name."""
    return {
        name: f
        for name, f in figures(checked).items()
        if "compared" in f and f["compared"] != f["equal"]
    }


def chosen(lake: Lake, number: int, seed: int = 9) -> list[dict[str, Any]]:
    """Late payments as they would be asked about, every other one at a moment of its own.

    The others are asked for at the moment of the payment itself: an event exactly then. All are
    of the last weeks, which the online store keeps.
    """
    draw = random.Random(seed)
    model = lake.domain(DOMAIN).model(MODEL)
    columns = [column.name for column in model.learns_from.request.columns]
    payments = lake.table(f"{DOMAIN}.payments", columns=columns)
    last = pc.max(payments["paid_at"]).as_py()
    payments = payments.filter(pc.greater(payments["paid_at"], last - timedelta(days=29)))
    places = [draw.randrange(payments.num_rows) for _ in range(number)]
    rows: list[dict[str, Any]] = payments.take(pa.array(places)).to_pylist()
    for row in rows[1::2]:
        moved = row["paid_at"] + timedelta(microseconds=draw.randrange(7 * 86_400_000_000))
        row["paid_at"] = min(moved, last)
    return rows


@contextmanager
def counting_events_at_the_moment_itself() -> Iterator[None]:
    """Let the online reader count payments of the last day up to the moment, and those at it."""
    right = FeatureReader.get_views

    def wrong(reader: FeatureReader, view: Any, entities: Any, at_us: Any) -> Any:
        found = right(reader, view, entities, at_us)
        later = right(reader, view, entities, [at + 1 for at in at_us])
        name = "card_spend__payments_1d"
        for values, counted in zip(found, later, strict=True):
            if name in values:
                values[name] = counted[name]
        return found

    with mock.patch.object(FeatureReader, "get_views", wrong):
        yield


def answered(home: Path, payments: list[dict[str, Any]]) -> None:
    """Have the service's own code answer in this process: the first half by decisions."""

    async def answer() -> None:
        service = Service(Settings(home), lambda: datetime.now(UTC), random.Random(1).random)
        await service.start()
        try:
            features = FeatureAnswers(service)
            release = service.champions.get(DOMAIN, MODEL)
            half = len(payments) // 2
            for payment in payments[:half]:
                decide(service, release, payment)
            for payment in payments[half:]:
                entity = {key: payment[key] for key in ("card_id", "terminal_id")}
                at = payment["paid_at"].isoformat()
                body = {"views": VIEWS, "entities": entity, "at": at}
                await features.of(DOMAIN, json.dumps(body).encode())
        finally:
            await service.stop()

    asyncio.run(answer())


def main(values: int, home: Path | None) -> None:
    """Serve, take in and compare so many values; then a tenth of them, with a fault."""
    with tempfile.TemporaryDirectory() as folder:
        if home is None:
            home = Path(folder) / "lake"
            timed("a lake", home, "demo", "--options", json.dumps(WORLD))
        go_round(home, values, "as it is")
        with counting_events_at_the_moment_itself():
            go_round(home, values // 10, "and more, with a fault planted in the reader")


def go_round(home: Path, values: int, how: str) -> None:
    payments = chosen(Lake(home), 2 * -(-values // (STORED + DECIDED)), seed=values)
    began = time.perf_counter()
    answered(home, payments)
    print(f"{how}: {len(payments):,} answers in {time.perf_counter() - began:.1f} s", flush=True)
    timed("taken in", home, "run", DOMAIN, "raw", "cleaned")
    (checked,) = json.loads(timed("compared", home, *CHECK, "--json"))
    unread = figures(checked)["answers"]["unread"]
    print(f"{compared(checked):,} values compared, {unread:.0f} answers unread; differing:")
    for name, feature in differing(checked).items() or [("none", {})]:
        counts = [f"{feature[count]:,.0f} {count}" for count in COUNTS if feature.get(count)]
        print(f"  {name} {', '.join(counts)}", flush=True)


def timed(what: str, home: Path, *arguments: str) -> str:
    """Run a command in a process of its own; print its seconds and the most memory it held."""
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "lakehouse.cli", "--home", str(home), *arguments],
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    with process.stdout:
        printed = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode in (0, 3), printed
    seconds = time.perf_counter() - began
    print(f"{what}: {seconds:.1f} s, {used.ru_maxrss // 1024:,} MiB at most", flush=True)
    return printed


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else None)
