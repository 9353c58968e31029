"""The how-to guides do what they say."""

from __future__ import annotations

import shutil
from pathlib import Path

from lakehouse.engines.spark.settings import SparkSettings
from tests.docs.pages import DOCS, ROOT, follow, shell

GUIDES = DOCS / "how-to"
OF_DATA = ("land-a-source", "mend-quarantine", "change-a-contract")
WITHOUT_A_LAKE = ("test-a-feature",)
OF_MODELS = (
    "read-the-past",
    "train-and-promote",
    "score-a-table",
    "reproduce-a-model",
    "serve",
    "measure-consistency",
    "maintain",
)
NOT_FOLLOWED = ("deploy",)
"""Needs containers; tests/unit/infra holds what it says against what is there."""
ELSEWHERE = ("use-feast", "open-tables")
"""Followed by tests/journeys, which go on from there: test_feast.py and test_short_commands.py."""


def test_guides_about_data_work_one_after_the_other(tmp_path: Path) -> None:
    with shell(tmp_path, LAKEHOUSE_HOME=str(tmp_path / "work" / "lake")) as reader:
        for name in OF_DATA:
            follow(GUIDES / f"{name}.md", reader)


def test_guides_that_need_no_lake_work(tmp_path: Path) -> None:
    with shell(tmp_path) as reader:
        for name in WITHOUT_A_LAKE:
            follow(GUIDES / f"{name}.md", reader)


def test_guides_about_models_and_operation_work(world: Path, tmp_path: Path) -> None:
    lake = shutil.copytree(world, tmp_path / "lake")
    with shell(tmp_path, LAKEHOUSE_HOME=str(lake), LAKEHOUSE_CODE_VERSION="test") as reader:
        for name in OF_MODELS:
            follow(GUIDES / f"{name}.md", reader)


def test_guide_about_spark_works(
    world: Path, spark_settings: SparkSettings, tmp_path: Path
) -> None:
    lake = shutil.copytree(world, tmp_path / "lake")
    with shell(
        tmp_path,
        LAKEHOUSE_HOME=str(lake),
        LAKEHOUSE_CODE_VERSION="test",
        LAKEHOUSE_SPARK_JARS=str(spark_settings.jars),
    ) as reader:
        (reader.folder / "jobs").symlink_to(ROOT / "jobs")
        follow(GUIDES / "run-on-spark.md", reader)


def test_every_guide_is_followed() -> None:
    assert {page.stem for page in GUIDES.glob("*.md")} == {
        "index",
        *OF_DATA,
        *WITHOUT_A_LAKE,
        *OF_MODELS,
        *NOT_FOLLOWED,
        *ELSEWHERE,
        "run-on-spark",
    }
