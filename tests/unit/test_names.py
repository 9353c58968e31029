"""Participles name no module, class or parameter: a reader asks by whom, and of what."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PARTICIPLES = {"told", "asked", "found", "given", "placed"}
FOLDERS = ("lakehouse", "serving", "jobs", "feature_repo")


def _named(path: Path) -> Iterator[str]:
    """The modules, classes and parameters of a file, each as it is written."""
    yield path.stem
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ClassDef):
            yield node.name.lower().strip("_")
        elif isinstance(node, ast.arg):
            yield node.arg


def test_no_module_class_or_parameter_is_named_by_a_participle() -> None:
    named = {
        f"{path.relative_to(ROOT).as_posix()}: {name}"
        for folder in FOLDERS
        for path in sorted((ROOT / folder).rglob("*.py"))
        for name in (path.parent.name, *_named(path))
        if name in PARTICIPLES
    }

    assert set() == named
