"""Every command that a page shows is one that the command line understands."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer

from lakehouse.cli.app import app
from tests.docs.pages import DOCS, ROOT, blocks, commands

MADE_THERE = DOCS / "contributing" / "add-a-verb.md"
"""Adds the command that it shows; test_contributing.py follows it."""
PAGES = [
    *(ROOT / "README.md", ROOT / "CHANGELOG.md"),
    *(page for page in sorted(DOCS.rglob("*.md")) if page != MADE_THERE),
]
PLACEHOLDERS = {"VERSION": "1"}
GLOBAL = {"--json": 0, "--home": 1}


def understood(words: list[str], mentioned: bool = False) -> None:
    """Parse a command without running it; click's UsageError says what is wrong with it.

    One that is only `mentioned` may go without its arguments.
    """
    command: Any = typer.main.get_command(app)
    given = [PLACEHOLDERS.get(word, word) for word in words]
    while given and given[0] in GLOBAL:
        given = given[1 + GLOBAL[given[0]] :]
    while hasattr(command, "commands"):
        assert given, f"lakehouse {' '.join(words)} is no whole command"
        assert given[0] in command.commands, f"lakehouse {' '.join(words)}: no {given[0]}"
        command = command.commands[given[0]]
        given = given[1:]
    if given or not mentioned:
        command.make_context("lakehouse", given)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_of_a_page_are_understood(page: Path) -> None:
    for block in blocks(page):
        if block.language == "console":
            for words in commands(block):
                understood(words)
    prose = re.sub(r"^```.*?^```$|^#.*?$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    for text in re.findall(r"`lakehouse ([^`]+)`", prose):
        understood(shlex.split(text), mentioned=True)


def test_a_command_that_is_not_there_is_noticed() -> None:
    with pytest.raises(AssertionError):
        understood(["models", "demote"])
    with pytest.raises(Exception, match="No such option"):
        understood(["run", "payments_fraud", "--as_of", "2018-09-30"])
    with pytest.raises(Exception, match="unexpected extra argument"):
        understood(["train", "payments_fraud", "fraud"])
