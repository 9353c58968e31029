"""A small world that went once around the circle, and copies of it to disturb."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from typer.testing import CliRunner

from lakehouse.cli.app import app

SMALL = {"customers": 100, "terminals": 200, "days": 60, "radius": 20.0}
"""Enough frauds to train on: about 10,400 payments, 2,900 frauds."""


def lakehouse(home: Path, *arguments: str, expect: int = 0) -> str:
    """Run a command in this process, which spares its imports; what it printed."""
    with mock.patch.dict(os.environ, environment()):
        done = CliRunner().invoke(app, ["--home", str(home), *arguments], catch_exceptions=False)
    assert done.exit_code == expect, f"{arguments}: {done.output}"
    return done.stdout


def environment() -> dict[str, str]:
    """The test's environment with a code version of its own, whatever the checkout's state.

    The online store keeps all of the past, so that any moment of it can be compared.
    """
    own = {"LAKEHOUSE_CODE_VERSION": "test", "LAKEHOUSE_ONLINE_KEEP": "all", "COLUMNS": "160"}
    return {**os.environ, **own}


def versions(home: Path) -> dict[str, int]:
    """The newest version of every table of a lake."""
    from deltalake import DeltaTable

    root = home / "tables"
    return {
        str(log.parent.relative_to(root)): DeltaTable(str(log.parent)).version()
        for log in sorted(root.glob("*/*/*/_delta_log"))
    }


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A lake after one `lakehouse demo` of a small world, and what that printed."""
    home = tmp_path_factory.mktemp("journey") / "lake"
    return home, lakehouse(home, "demo", "--options", json.dumps(SMALL))


@pytest.fixture
def copy(demo: tuple[Path, str], tmp_path: Path) -> Path:
    """A copy of that lake, to change at will."""
    home = tmp_path / "lake"
    shutil.copytree(demo[0], home)
    return home


@pytest.fixture
def open_context() -> Callable[[Path], Any]:
    """`open_context(home)`: payments_fraud in a lake, as the command line opens it."""
    from lakehouse.records.store import CodeVersion
    from lakehouse.sdk import composition

    def opened(home: Path) -> Any:
        import dataclasses

        ctx = composition.open_context(composition.open_home(home), "payments_fraud")
        return dataclasses.replace(ctx, code=CodeVersion("test"))

    return opened
