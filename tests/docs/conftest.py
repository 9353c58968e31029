"""A released platform to follow the pages with, and a small lake as `lakehouse demo` leaves it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, shell

WORLD = {"customers": 60, "terminals": 120, "days": 150, "radius": 20.0}
"""About 15,000 payments."""


@pytest.fixture(scope="session")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packages as an installation has them: in no checkout, so that they are never dirty."""
    folder = tmp_path_factory.mktemp("installed") / "site-packages"
    for package in ("lakehouse", "feature_repo", "jobs", "serving"):
        shutil.copytree(
            ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__")
        )
    return folder


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory, released: Path) -> Path:
    """The lake of a small world until the end of August, so that the handbook's weeks are in it."""
    folder = tmp_path_factory.mktemp("world")
    with shell(folder, PYTHONPATH=str(released)) as reader:
        reader.run(f"lakehouse --home {folder}/lake demo --options '{json.dumps(WORLD)}'")
    return folder / "lake"
