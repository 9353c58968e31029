"""Plug-ins are looked up in one place, which says what there is."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path

import pytest

from lakehouse import plugins
from lakehouse.errors import NotFound

ROOT = Path(__file__).parents[2]
DECLARED = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]
OURS = {
    group: sorted(points) for group, points in DECLARED.items() if group.startswith("lakehouse.")
}
LOOK_UPS = {
    "lakehouse/plugins.py",
    "lakehouse/sdk/code_version.py",  # asks which package brought a domain, and loads nothing
}


@pytest.mark.parametrize("group", sorted(OURS))
def test_what_the_platform_brings_is_found_by_name(group: str) -> None:
    assert OURS[group] == plugins.names(group)


@pytest.mark.parametrize("group", sorted(OURS))
def test_a_name_that_is_not_installed_is_refused_with_those_that_are(group: str) -> None:
    with pytest.raises(NotFound, match="has no toy 'abacus'") as refused:
        plugins.load(group, "toy", "abacus", "Install one.")
    assert set(OURS[group][:5]) <= set(
        str(refused.value).replace(",", " ").replace(".", " ").split()
    )
    assert str(refused.value).endswith(" Install one.")


def test_entry_points_are_read_in_one_place() -> None:
    found = {
        str(file.relative_to(ROOT))
        for room in ("lakehouse", "serving", "jobs")
        for file in (ROOT / room).rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("entry_points")
    }
    assert LOOK_UPS == found
