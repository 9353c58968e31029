"""The tests of one Spark session run in one process."""

from __future__ import annotations

from pathlib import Path

from tests.distribution import (
    OF_THE_SPARK_SESSION,
    WITH_SPARK_ELSEWHERE,
    ByFileAndSession,
)

ROOT = Path(__file__).parents[2]


def scope(nodeid: str) -> str:
    return ByFileAndSession.__new__(ByFileAndSession)._split_scope(nodeid)


def test_files_of_the_session_are_one_piece_of_work_and_every_other_file_is_its_own() -> None:
    files = {*OF_THE_SPARK_SESSION, "tests/conformance/test_engines.py"}
    assert 1 == len({scope(f"{file}::test_it[spark]") for file in files})
    others = {*WITH_SPARK_ELSEWHERE, "tests/unit/test_errors.py"}
    assert others == {scope(f"{file}::test_it") for file in others}


def test_every_file_that_is_named_is_there() -> None:
    named = OF_THE_SPARK_SESSION | WITH_SPARK_ELSEWHERE
    assert [] == sorted(file for file in named if not (ROOT / file).exists())
