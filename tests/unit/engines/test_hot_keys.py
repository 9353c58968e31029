"""Keys that are computed in slices of time give what they give in one piece."""

from __future__ import annotations

from pathlib import Path

import pytest

from lakehouse.declare import Count, FeatureView, LatestView, ever, last
from lakehouse.declare.windows import Windows
from lakehouse.engines.spark.engine import SparkEngine
from lakehouse.engines.spark.hot_keys import can_split
from lakehouse.engines.spark.settings import SparkSettings
from lakehouse.testing.conformance import CHECKS
from lakehouse.testing.conformance.world import card, movements

TOUCHED = [
    "check_random_histories",
    "check_edges",
    "check_latest_late_rows",
    "check_several_views_at_once",
    "check_windows_of_every_kind_in_one_view",
]


def test_a_key_is_not_split_where_rows_of_any_age_count() -> None:
    assert can_split([LATEST, of_windows(last("30d") + last("365d", edge="1d"))])
    for over in (last(rows=3), ever(), last("1d") + last(rows=3)):
        assert not can_split([LATEST, of_windows(over)])


def of_windows(over: Windows) -> FeatureView:
    return FeatureView("v", of=movements, by=card, n=Count(over=over))


LATEST = LatestView("latest", of=movements, by=card, columns=("points",))


@pytest.mark.parametrize("check", TOUCHED)
def test_slices_of_a_key_make_no_difference(
    check: str, spark_settings: SparkSettings, tmp_path: Path
) -> None:
    CHECKS[check](SparkEngine(spark_settings, most_rows_a_key=4), tmp_path)
