"""A released platform to follow pages with, and a small lake as `lakehouse demo` leaves it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, shell

WORLD = {"customers": 100, "terminals": 200, "days": 150, "radius": 20.0}
"""Some 26,000 payments from April to August, so that the handbook's weeks are among them."""


@pytest.fixture(scope="session")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The platform as an installation has it: in no checkout, so that it is never dirty."""
    folder = tmp_path_factory.mktemp("installed") / "site-packages"
    for package in ("lakehouse", "serving"):
        shutil.copytree(
            ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__")
        )
    return folder


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The lake of a small world, made by code of a version of its own."""
    folder = tmp_path_factory.mktemp("world")
    with shell(folder, LAKEHOUSE_CODE_VERSION="test") as reader:
        reader.run(f"lakehouse --home {folder}/lake demo --options '{json.dumps(WORLD)}'")
    return folder / "lake"
