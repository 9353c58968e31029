"""The pages for contributors tell of the code as it stands."""

from __future__ import annotations

import importlib
import re
import shutil
from pathlib import Path

import pytest

from tests.docs.architecture import PICTURE, picture
from tests.docs.pages import DOCS, ROOT, follow, shell

GUIDES = sorted((DOCS / "contributing").glob("add-*.md"))
"""Each adds one of its kind."""
PAGES = sorted((DOCS / "contributing").glob("*.md"))
_PLACE = re.compile(r"`((?:lakehouse|serving|jobs|feature_repo|tests|docs)/[\w/.<>-]*)`")
_NAME = re.compile(r"`((?:lakehouse|serving)(?:\.[a-z_]+)+)\.([A-Za-z_]+)`")


def test_the_picture_of_the_architecture_is_of_these_imports() -> None:
    assert picture() == PICTURE.read_text(), (
        "draw it anew: uv run python -m tests.docs.architecture"
    )


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_place_a_page_names_is_there(page: Path) -> None:
    places = [place for place in _PLACE.findall(page.read_text()) if "<" not in place]
    made = re.findall(r'title="([^"]+)"', page.read_text())
    assert [] == [p for p in places if not (ROOT / p).exists() and p not in made]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_function_a_page_names_is_there(page: Path) -> None:
    named = _NAME.findall(page.read_text())
    assert [] == [f"{m}.{n}" for m, n in named if not hasattr(importlib.import_module(m), n)]


@pytest.mark.parametrize("guide", GUIDES, ids=lambda page: page.stem)
def test_guide_adds_one_of_its_kind(guide: Path, tmp_path: Path) -> None:
    """Followed beside a copy of the code, which a guide may change."""
    work = tmp_path / "work"
    with shell(tmp_path, LAKEHOUSE_CODE_VERSION="test", PYTHONPATH=str(work)) as reader:
        for package in ("lakehouse", "serving", "jobs", "feature_repo", "tests", "docs"):
            shutil.copytree(
                ROOT / package, work / package, ignore=shutil.ignore_patterns("__pycache__")
            )
        follow(guide, reader)
