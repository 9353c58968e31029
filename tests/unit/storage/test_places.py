import ast
from collections.abc import Iterator
from pathlib import Path

from lakehouse.storage.catalog import ZONES

ROOT = Path(__file__).parents[3]
BELOW = (ROOT / "lakehouse" / "storage", ROOT / "lakehouse" / "engines")
"""The rooms that know where a table lies and what its folder holds."""


def constants(tree: ast.AST) -> Iterator[ast.Constant]:
    """The constants of a module, but for texts that only explain."""
    explaining = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and id(node) not in explaining:
            yield node


def joined_by_hand(source: str) -> list[str]:
    """The texts of a module that name a folder of tables: parts of a path, or one as a whole."""
    tree = ast.parse(source)
    named = {"tables", "_delta_log", *ZONES}
    parts = {
        id(node.right)
        for node in ast.walk(tree)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div)
    }
    return [
        text.value
        for text in constants(tree)
        if isinstance(text.value, str)
        and (
            "_delta_log" in text.value
            or text.value.startswith("tables/")
            or (id(text) in parts and text.value in named)
        )
    ]


def test_no_room_above_the_engines_names_the_folders_of_tables() -> None:
    found = {
        str(file.relative_to(ROOT)): texts
        for room in ("lakehouse", "serving", "jobs", "feature_repo")
        for file in sorted((ROOT / room).rglob("*.py"))
        if not any(file.is_relative_to(below) for below in BELOW)
        and (texts := joined_by_hand(file.read_text()))
    }
    assert found == {}


def test_a_folder_that_is_joined_by_hand_is_noticed() -> None:
    """The test above finds each way in which tables were named before."""
    ways = [
        'home.path / "tables"',
        'home.path.glob("tables/*/*/*")',
        'root.glob(f"*/{domain}/*/_delta_log")',
        'root / "curated" / name',
        'f"tables/{zone}/{name}"',
    ]
    assert all(joined_by_hand(way) for way in ways)
    assert joined_by_hand('{"tables": ctx.table("curated", name)}') == []
