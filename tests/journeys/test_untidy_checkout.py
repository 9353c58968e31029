"""The README's first command, in a checkout that holds a note and an edited file."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.docs.pages import ROOT
from tests.journeys.conftest import SMALL

EDITED = "feature_repo/payments_fraud/training.py"


def checkout(folder: Path) -> Path:
    """This code in a checkout of its own, committed, with the bytecode there is of it."""
    for package in ("lakehouse", "feature_repo", "serving"):
        shutil.copytree(ROOT / package, folder / package)
    (folder / ".gitignore").write_text("__pycache__/\n")
    for arguments in (["init"], ["add", "."], ["commit", "-m", "All of it"]):
        identity = ["-c", "user.name=Ada", "-c", "user.email=ada@bank.example"]
        subprocess.run(
            ["git", "-C", str(folder), *identity, *arguments], check=True, capture_output=True
        )
    return folder


def test_demo_ends_with_a_served_decision_and_says_what_would_not_be_promoted(
    tmp_path: Path,
) -> None:
    folder = checkout(tmp_path / "checkout")
    (folder / "out.txt").write_text("a note")
    with open(folder / EDITED, "a") as file:
        file.write("# to be thought about\n")
    without = ("LAKEHOUSE_CODE_VERSION", "LAKEHOUSE_HOME")
    own = {k: v for k, v in os.environ.items() if k not in without}
    done = subprocess.run(
        [sys.executable, "-m", "lakehouse.cli", "demo", "--options", json.dumps(SMALL)],
        env={
            **own,
            "PYTHONPATH": str(folder),
            "LAKEHOUSE_HOME": str(folder / "lake"),
            "COLUMNS": "160",
        },
        cwd=folder,
        capture_output=True,
        text=True,
    )
    assert 0 == done.returncode, done.stdout + done.stderr
    assert "A request over HTTP" in done.stdout
    assert f"fraud version 1 was made by code that is not committed ({EDITED})" in done.stdout
