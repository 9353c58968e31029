"""How the tests are spread over processes: file by file, and the files of one Spark session as one.

A session costs eleven seconds to start and as much again until its JVM has compiled what tests
use, so all tests that share one run in one process, from the beginning; the other process meanwhile
takes the files of the other folders.
"""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from xdist.scheduler import LoadFileScheduling

OF_THE_SPARK_SESSION = frozenset(
    {
        "tests/integration/test_concurrent_writers.py",
        "tests/journeys/test_consistency.py",
        "tests/journeys/test_one_meaning.py",
        "tests/journeys/test_scoring.py",
        "tests/journeys/test_training_on_spark.py",
        "tests/journeys/test_two_engines.py",
        "tests/unit/engines/test_hot_keys.py",
    }
)
"""The files with a test that uses the Spark session of its process, beside `ON_EVERY_ENGINE`."""
ON_EVERY_ENGINE = "tests/conformance/"
"""The folder whose tests run on every engine."""
WITH_SPARK_ELSEWHERE = frozenset(
    {
        "tests/conformance/test_connect.py",
        "tests/docs/test_how_to.py",
        "tests/journeys/test_cluster.py",
    }
)
"""The files that ask for Spark's settings only to start it as processes of their own."""


class ByFileAndSession(LoadFileScheduling):
    """Gives a process whole files, and the files of the Spark session all together."""

    def _split_scope(self, nodeid: str) -> str:
        file: str = super()._split_scope(nodeid)
        return "the Spark session" if uses_the_session(file) else file


def uses_the_session(file: str) -> bool:
    """Whether a file, by its path in the checkout, is one of the Spark session's."""
    named = file in OF_THE_SPARK_SESSION or file.startswith(ON_EVERY_ENGINE)
    return named and file not in WITH_SPARK_ELSEWHERE


def unnamed(items: Iterable[pytest.Item]) -> set[str]:
    """The files of tests that use the Spark session and are not named above."""
    files = {
        f"tests/{item.path.as_posix().rpartition('/tests/')[2]}" for item in items if _asks(item)
    }
    return {file for file in files - WITH_SPARK_ELSEWHERE if not uses_the_session(file)}


def _asks(item: pytest.Item) -> bool:
    if not isinstance(item, pytest.Function):
        return False
    chosen = item.callspec.params.get("engine") if hasattr(item, "callspec") else None
    return chosen == "spark" or bool({"spark", "spark_settings"} & set(item.fixturenames))
