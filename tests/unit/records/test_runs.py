"""Runs that were recorded."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from lakehouse.records import runs
from lakehouse.records.store import CodeVersion, Records


@pytest.fixture
def records(tmp_path: Path) -> Records:
    return Records(tmp_path / "records.db", lambda: datetime(2026, 1, 1, tzinfo=UTC))


def begun(records: Records, target: str = "payments", **configuration: Any) -> Any:
    return records.run(
        "fraud",
        "cleaned",
        target,
        as_of=None,
        engine="embedded",
        code=CodeVersion("abc"),
        configuration=configuration,
    )


def test_a_run_is_unfinished_until_it_ends(records: Records) -> None:
    assert 0 == runs.unfinished(records)
    with begun(records), begun(records):
        assert 2 == runs.unfinished(records)
    assert 0 == runs.unfinished(records)


def test_the_newest_run_of_a_transaction_says_what_it_was_started_with(records: Records) -> None:
    for declaration in ("first", "second"):
        with begun(records, application="clean", number=3, declaration=declaration):
            pass
    with begun(records, application="clean", number=4, declaration="third"):
        pass
    of = runs.configuration_of(records, "fraud", "payments", "clean", 3)
    assert {"application": "clean", "number": 3, "declaration": "second"} == of
    assert None is runs.configuration_of(records, "fraud", "payments", "replay", 3)
    assert None is runs.configuration_of(records, "fraud", "orders", "clean", 3)
