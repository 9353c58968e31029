"""Where what a process writes itself lands."""

from __future__ import annotations

from datetime import datetime
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

import pytest

from lakehouse.declare import Contract, Source, key, known_at
from lakehouse.declare.file_names import NoPlace, place_of


class Report(Contract):
    payment_id: str = key()
    reported_at: datetime = known_at()


@pytest.mark.parametrize(
    ("path", "folder"),
    [
        ("fraud_reports/*", "fraud_reports"),
        ("fraud_reports/*.jsonl", "fraud_reports"),
        ("fraud_reports/day-*.jsonl", "fraud_reports"),
        ("fraud_reports/day-*", "fraud_reports"),
        ("a/b/*.json*", "a/b"),
        ("*", "."),
    ],
)
def test_files_match_the_glob_of_their_source(path: str, folder: str) -> None:
    found = place_of(Source("reports", Report, path=path), [".jsonl"])
    assert PurePosixPath(folder) == found.folder
    name = found.named("feedback-20180401T100000.000005Z-7-1")
    assert fnmatchcase(name, path.rsplit("/", 1)[-1])
    assert name.endswith(".jsonl")


@pytest.mark.parametrize(
    "path",
    ["reports/*.csv", "reports/all.jsonl", "*/reports/*", "reports/{delivered_at}-*.jsonl"],
)
def test_a_source_that_takes_no_such_file_is_refused_with_what_to_declare(path: str) -> None:
    with pytest.raises(NoPlace, match=r"declare a path such as 'reports/\*'"):
        place_of(Source("reports", Report, path=path), [".jsonl"])


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("sales/*", "a.jsonl"),
        ("sales/*.csv", "a.csv"),
        ("s-*.csv", "s-a.csv"),
        ("s/x*", "xa.jsonl"),
    ],
)
def test_of_several_kinds_the_first_is_taken_that_the_source_takes(path: str, name: str) -> None:
    found = place_of(Source("reports", Report, path=path), [".jsonl", ".csv"])
    assert name == found.named("a")
