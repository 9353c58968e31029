"""The tutorial does what it says, in no more code than it promises."""

from __future__ import annotations

import json
from pathlib import Path

from tests.docs.pages import DOCS, blocks, follow, shell

PAGE = DOCS / "tutorials" / "first-domain.md"
MOST_LINES = 100


def test_tutorial_leads_to_a_decision(tmp_path: Path, released: Path) -> None:
    with shell(tmp_path, PYTHONPATH=str(released)) as reader:
        follow(PAGE, reader)
    champion = tmp_path / "work/lake/releases/coffee/tip/champion.json"
    assert json.loads(champion.read_text()) == {"version": 1}


def test_tutorial_takes_at_most_a_hundred_lines() -> None:
    """Files, commands and data alike; blank lines are none, nor is what is printed."""
    written = [b for b in blocks(PAGE) if b.title or b.language == "console"]
    lines = [line for block in written for line in block.text.splitlines() if line.strip()]
    assert len(lines) <= MOST_LINES
