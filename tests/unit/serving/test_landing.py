"""Where outcomes land."""

from __future__ import annotations

from datetime import datetime
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

import pytest

from lakehouse.declare import Contract, Source, key, known_at
from serving.landing import NoPlace, place


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
    found, template = place(Source("reports", Report, path=path))
    assert found == PurePosixPath(folder)
    name = template.replace("{stem}", "feedback-20180401T100000.000005Z-7-1")
    assert fnmatchcase(name, path.rsplit("/", 1)[-1])
    assert name.endswith(".jsonl")


@pytest.mark.parametrize(
    "path",
    ["reports/*.csv", "reports/all.jsonl", "*/reports/*", "reports/{delivered_at}-*.jsonl"],
)
def test_a_source_that_takes_no_such_file_is_refused_with_what_to_declare(path: str) -> None:
    with pytest.raises(NoPlace, match=r"declare a path such as 'reports/\*'"):
        place(Source("reports", Report, path=path))
