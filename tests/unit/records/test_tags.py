from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from lakehouse.errors import LakehouseError, NotFound
from lakehouse.records import tags
from lakehouse.records.store import CodeVersion, Records

BEGIN = datetime(2018, 4, 1, tzinfo=UTC)


class Clock:
    """A wall clock that tests set."""

    at = BEGIN

    def __call__(self) -> datetime:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def records(tmp_path: Path, clock: Clock) -> Records:
    """Payments written at hours 0, 1 and 2, reports at hour 1."""
    records = Records(tmp_path / "records.db", clock)
    for hour, tables in enumerate((["payments"], ["payments", "reports"], ["payments"])):
        clock.at = BEGIN + timedelta(hours=hour)
        with records.run(
            "fraud", "clean", "all", as_of=None, engine="embedded", code=CodeVersion("c")
        ) as run:
            for table in tables:
                version = hour if table == "payments" else 0
                run.wrote(f"cleaned/fraud/{table}", version)
    return records


def test_a_tag_names_the_newest_version_of_every_table(records: Records) -> None:
    expected = {"cleaned/fraud/payments": 2, "cleaned/fraud/reports": 0}
    assert expected == tags.make(records, "now")
    assert expected == tags.versions(records, "now")


def test_a_tag_may_name_the_lake_as_it_stood(records: Records) -> None:
    assert {"cleaned/fraud/payments": 0} == tags.make(
        records, "then", moment=BEGIN + timedelta(minutes=59)
    )


def test_a_tag_stays_what_it_was_when_the_lake_goes_on(records: Records, clock: Clock) -> None:
    made = tags.make(records, "before")
    clock.at += timedelta(hours=1)
    with records.run(
        "fraud", "clean", "all", as_of=None, engine="embedded", code=CodeVersion("c")
    ) as run:
        run.wrote("cleaned/fraud/payments", 3)
    assert made == tags.versions(records, "before")
    assert 3 == tags.versions_at(records)["cleaned/fraud/payments"]


def test_a_lake_before_its_first_table_cannot_be_tagged(records: Records) -> None:
    with pytest.raises(LakehouseError) as refused:
        tags.make(records, "too-early", moment=BEGIN - timedelta(seconds=1))
    assert (
        "No table was written by that moment, so that tag 'too-early' would name nothing; "
        "'lakehouse history' lists what was written when." == str(refused.value)
    )


def test_a_tag_is_never_moved(records: Records) -> None:
    made = tags.make(records, "v1", moment=BEGIN)
    with pytest.raises(LakehouseError) as refused:
        tags.make(records, "v1")
    assert "Tag 'v1' exists; delete it first, or choose another name." == str(refused.value)
    assert made == tags.versions(records, "v1")


def test_a_deleted_tag_can_be_made_anew(records: Records) -> None:
    tags.make(records, "v1", moment=BEGIN)
    tags.delete(records, "v1")
    assert 2 == tags.make(records, "v1")["cleaned/fraud/payments"]


@pytest.mark.parametrize("ask", [tags.versions, tags.delete])
def test_a_tag_nobody_made_is_answered_with_those_there_are(records: Records, ask: object) -> None:
    tags.make(records, "before-migration")
    with pytest.raises(NotFound) as missing:
        ask(records, "before_migration")  # type: ignore[operator]
    assert (
        "This lake has no tag 'before_migration'; did you mean 'before-migration'? It has: "
        "before-migration." == str(missing.value)
    )


@pytest.mark.parametrize("tag", ["", "-x", ".x", "a b", "a/b", "a\n", "é"])
def test_a_name_that_a_shell_would_trip_over_is_refused(records: Records, tag: str) -> None:
    with pytest.raises(LakehouseError, match="must begin with a letter or digit"):
        tags.make(records, tag)


def test_tags_are_listed_oldest_first_with_their_words(records: Records, clock: Clock) -> None:
    tags.make(records, "z", "the first")
    tags.make(records, "a", "of the same moment")
    clock.at += timedelta(hours=1)
    tags.make(records, "m")
    assert [("z", "the first", 2), ("a", "of the same moment", 2), ("m", "", 2)] == [
        (tag["tag"], tag["message"], tag["versions"]) for tag in tags.listed(records)
    ]


def test_a_clock_that_was_put_back_hides_no_version_from_a_tag(
    records: Records, clock: Clock
) -> None:
    newest = tags.versions_at(records)
    clock.at = BEGIN - timedelta(days=1)
    assert newest == tags.make(records, "now")
