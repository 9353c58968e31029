"""Keys that are computed in slices of time give what they give in one piece."""

from __future__ import annotations

from pathlib import Path

import pytest

from lakehouse.engines.spark.engine import SparkEngine
from lakehouse.engines.spark.settings import SparkSettings
from lakehouse.testing.conformance import CHECKS

TOUCHED = [
    "check_random_histories",
    "check_edges",
    "check_latest_late_rows",
    "check_several_views_at_once",
]


@pytest.mark.parametrize("check", TOUCHED)
def test_slices_of_a_key_make_no_difference(
    check: str, spark_settings: SparkSettings, tmp_path: Path
) -> None:
    CHECKS[check](SparkEngine(spark_settings, most_rows_a_key=4), tmp_path)
