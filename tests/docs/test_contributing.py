"""The pages for contributors tell of the code as it stands."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

from tests.docs.architecture import PICTURE, picture
from tests.docs.pages import DOCS, ROOT

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
