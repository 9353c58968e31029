"""The Spark engine over Spark Connect: a server of its own, and a client without a JVM.

Every check, with the server a program on a standalone cluster of two workers:

    python -m tests.conformance.test_connect
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lakehouse.engines.spark.settings import SparkSettings, from_environment
from tests.spark_processes import cluster, connect_server

CLAIMS = (
    "check_window_boundaries_to_the_microsecond",
    "check_empty_tables_and_spines",
    "check_wrong_spines_are_refused",
    "check_values_come_back_as_written",
    "check_a_new_column_widens_the_table",
    "check_merge_replaces_adds_and_removes",
    "check_queries_over_frames",
    "check_every_row_is_mapped_once",
    "check_rows_stream_in_order",
    "fit_is_refused",
    "stages_give_the_same_tables",
)
"""What goes another way over Connect: rows in, rows out, functions, commits and errors."""


@pytest.fixture(scope="module")
def outcomes(
    spark_settings: SparkSettings, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    """What the client printed of each claim."""
    folder = tmp_path_factory.mktemp("connect")
    with connect_server(folder, spark_settings) as reached:
        return {said["claim"]: said for said in _client(reached, folder / "work", CLAIMS)}


@pytest.mark.parametrize("claim", CLAIMS)
def test_connect_passes(claim: str, outcomes: dict[str, Any]) -> None:
    assert outcomes[claim]["wrong"] is None, outcomes[claim]["wrong"]


def _client(settings: SparkSettings, folder: Path, claims: Sequence[str]) -> list[dict[str, Any]]:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "tests.conformance.connect_client"),
            *(str(settings.master), str(settings.jars), str(folder), *claims),
        ],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def main() -> int:
    """Hold all checks over Connect against a cluster, and print how each ended."""
    with tempfile.TemporaryDirectory() as folder, cluster(Path(folder) / "cluster") as made:
        settings = replace(from_environment(), master=made.url)
        with connect_server(Path(folder), settings) as reached:
            found = _client(reached, Path(folder) / "work", ())
    for said in found:
        print(f"{said['seconds']:6.1f} s  {said['claim']}: {said['wrong'] or 'passed'}")
    return int(any(said["wrong"] for said in found))


if __name__ == "__main__":
    sys.exit(main())
