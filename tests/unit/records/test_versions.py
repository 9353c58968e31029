"""Versions of tables that the records name."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from lakehouse.records import tags
from lakehouse.records.store import CodeVersion, Records
from lakehouse.records.versions import named_versions, versions_read

PAYMENTS = "cleaned/fraud/payments"


class Clock:
    def __init__(self) -> None:
        self.at = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def records(tmp_path: Path, clock: Clock) -> Records:
    return Records(tmp_path / "records.db", clock)


def run(records: Records, stage: str, target: str, read: int, wrote: int | None = None) -> None:
    with records.run(
        "fraud", stage, target, as_of=None, engine="embedded", code=CodeVersion("abc")
    ) as run:
        run.read(PAYMENTS, read)
        if wrote is not None:
            run.wrote("curated/fraud/spend", wrote)


def test_the_versions_a_view_was_materialised_from_come_in_order_and_once(
    records: Records,
) -> None:
    for version in (10, 9, 10):
        run(records, "features", "spend", version)
    run(records, "features", "other", 3)
    run(records, "curated", "spend", 4)
    assert [9, 10] == versions_read(records, "fraud", "features", "spend", PAYMENTS)
    assert [] == versions_read(records, "fraud", "features", "spend", "curated/fraud/spend")
    assert [] == versions_read(records, "flights", "features", "spend", PAYMENTS)


def test_every_version_that_a_run_read_or_wrote_is_named(records: Records) -> None:
    run(records, "curated", "spend", 1, wrote=0)
    run(records, "curated", "spend", 2, wrote=1)
    assert {PAYMENTS: {1, 2}, "curated/fraud/spend": {0, 1}} == named_versions(records)


def test_a_version_stays_named_by_its_tag_when_its_runs_are_too_old(
    records: Records, clock: Clock
) -> None:
    run(records, "curated", "spend", 1, wrote=0)
    tags.make(records, "first")
    clock.at += timedelta(days=10)
    run(records, "curated", "spend", 2, wrote=1)
    assert {PAYMENTS: {2}, "curated/fraud/spend": {0, 1}} == named_versions(records, 5)


def test_the_newest_version_counts_also_where_the_clock_went_back(
    records: Records, clock: Clock
) -> None:
    run(records, "curated", "spend", 1, wrote=7)
    clock.at -= timedelta(days=1)
    assert None is records.version_at("curated/fraud/spend", clock())
    assert 7 == records.version_at("curated/fraud/spend")
