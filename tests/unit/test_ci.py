from __future__ import annotations

import os
import re
import subprocess
import tomllib
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).parents[2]
RUN = ROOT / ".ci" / "run"


def test_the_readmes_test_command_is_what_is_run() -> None:
    commands = re.findall(r"^(uv run pytest.*)$", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert ["uv run pytest"] == commands
    assert "step tests uv run pytest\n" in RUN.read_text()


def test_the_run_is_a_program_that_bash_understands() -> None:
    assert os.access(RUN, os.X_OK)
    assert 0 == subprocess.run(["bash", "-n", RUN]).returncode


def test_no_address_of_a_registry_is_printed() -> None:
    (masked,) = re.findall(r"^without_hosts\(\) \{\n.*?^\}\n", RUN.read_text(), re.S | re.M)
    told = (
        "Looking in indexes: https://me:secret@registry.example:8443/simple, ftp://other.example\n"
        "HTTPSConnectionPool(host='registry.example', port=443): Max retries exceeded\n"
        "error: Failed to fetch: `https://registry.example/simple/duckdb/`\n"
    )
    answer = subprocess.run(
        ["bash", "-c", f"{masked}without_hosts"],
        input=told,
        capture_output=True,
        text=True,
        check=True,
    )
    assert answer.stdout == (
        "Looking in indexes: (address) (address)\n"
        "HTTPSConnectionPool(host=(address), port=443): Max retries exceeded\n"
        "error: Failed to fetch: `(address)`\n"
    )


def test_every_package_that_is_pinned_stands_here_as_it_is_pinned() -> None:
    pins = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["uv"]
    listed = pins["constraint-dependencies"]
    assert sorted(listed) == listed
    stated = dict(pin.split("==") for pin in listed)
    assert stated == {name: version(name) for name in stated}
