"""A model's versions as the records hold them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from lakehouse.records import models
from lakehouse.records.store import Records

AT = datetime(2026, 1, 1, tzinfo=UTC)
FRAUD = ("payments", "fraud")


@pytest.fixture
def records(tmp_path: Path) -> Records:
    made = Records(tmp_path / "records.db", lambda: AT)
    for version in (1, 2, 10):
        models.add_candidate(
            made,
            *FRAUD,
            version,
            created_at=AT,
            pins={"tables": {"cleaned/payments/payments": version}, "uncommitted": ["a.py"]},
            metrics={"auc": 0.5},
        )
    return made


def statuses(records: Records) -> dict[int, tuple[str, list[str]]]:
    return {made.version: (made.status, made.reasons) for made in models.versions(records, *FRAUD)}


def test_a_version_is_read_as_it_was_recorded(records: Records) -> None:
    expected = models.ModelVersion(
        model="fraud",
        version=2,
        status="candidate",
        created_at="2026-01-01T00:00:00.000000Z",
        pins={"tables": {"cleaned/payments/payments": 2}, "uncommitted": ["a.py"]},
        metrics={"auc": 0.5},
        reasons=[],
    )
    assert expected == models.recorded(records, *FRAUD, 2)
    assert ["a.py"] == expected.uncommitted


def test_versions_come_newest_first_by_number(records: Records) -> None:
    assert [10, 2, 1] == [made.version for made in models.versions(records, *FRAUD)]
    newest = models.newest(records, *FRAUD)
    assert newest is not None
    assert 10 == newest.version


def test_what_was_never_registered_is_none(records: Records) -> None:
    assert None is models.recorded(records, *FRAUD, 3)
    assert None is models.newest(records, "flights", "fraud")
    assert [] == models.versions(records, "payments", "other")


def test_a_new_champion_retires_the_one_before_it(records: Records) -> None:
    models.set_champion(records, *FRAUD, 1)
    models.set_refused(records, *FRAUD, 2, ["auc is 0.5"])
    models.set_champion(records, *FRAUD, 10)
    assert statuses(records) == {
        10: ("champion", []),
        2: ("refused", ["auc is 0.5"]),
        1: ("retired", []),
    }


def test_a_refused_version_that_serves_after_all_keeps_no_reasons(records: Records) -> None:
    models.set_refused(records, *FRAUD, 2, ["auc is 0.5"])
    models.set_champion(records, *FRAUD, 2)
    assert ("champion", []) == statuses(records)[2]
