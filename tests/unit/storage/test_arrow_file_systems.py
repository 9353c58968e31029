"""Rows of tables are read through Arrow's own file system, never through delta-rs' Python one.

A thread of Arrow's that lets go of memory of a Python file system while the interpreter ends aborts
the process after the right answer; docs/how-to/open-tables.md tells how, and
tests/journeys/short_commands.py counts how processes end.
"""

import ast
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from textwrap import dedent

import pytest

from tests.docs.pages import DOCS, blocks

ROOT = Path(__file__).parents[3]
READERS = {"to_pyarrow_dataset", "to_pyarrow_table", "to_pandas"}
"""What of a `DeltaTable` reads through a file system."""


def risky(source: str) -> list[str]:
    """The calls and imports of a module that read a Delta table through Python."""
    tree = ast.parse(source)
    modules = set(_imported(tree))
    # Arrow's tables have a `to_pandas` too.
    delta = any(name.split(".")[0] == "deltalake" for name in modules)
    readers = READERS if delta else READERS - {"to_pandas"}
    return [
        *(name for name in modules if name == "deltalake.fs" or name.endswith("StorageHandler")),
        *(
            ast.unparse(node)
            for node in ast.walk(tree)
            if isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in readers
            and "filesystem" not in {keyword.arg for keyword in node.keywords}
        ),
    ]


def _imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def whole(block: str) -> str:
    """A page's block as Python that stands alone: entries of a list or a dict in their brackets."""
    text = dedent(block)
    for source in (text, f"[{text}]", f"{{{text}}}"):
        with suppress(SyntaxError):
            ast.parse(source)
            return source
    raise AssertionError(f"This is neither Python nor entries of a list or a dict:\n{text}")


def test_no_source_reads_a_table_through_python() -> None:
    found = {
        str(file.relative_to(ROOT)): calls
        for room in ("lakehouse", "serving", "jobs", "feature_repo")
        for file in sorted((ROOT / room).rglob("*.py"))
        if (calls := risky(file.read_text()))
    }
    assert found == {}


def test_no_page_reads_a_table_through_python() -> None:
    pages = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]
    found = {
        str(block): calls
        for page in pages
        for block in blocks(page)
        if block.language == "python" and (calls := risky(whole(block.text)))
    }
    assert found == {}


@pytest.mark.parametrize(
    "way",
    [
        "table.opened().to_pyarrow_dataset()",
        "table.opened(version).to_pyarrow_table(columns=['a'])",
        "from deltalake import DeltaTable\nDeltaTable(folder).to_pandas()",
        "import deltalake\ndeltalake.DeltaTable(folder).to_pandas(columns=['a'])",
        "from deltalake.fs import DeltaStorageHandler",
        "import deltalake.fs",
    ],
)
def test_a_table_that_is_read_through_python_is_noticed(way: str) -> None:
    assert risky(way)


def test_arrow_tables_and_arrows_own_file_system_are_no_risk() -> None:
    assert [] == risky("lake.table('shop.orders').to_pandas()")
    assert [] == risky("from deltalake import DeltaTable\nDeltaTable(a).to_pandas(filesystem=b)")


def test_entries_of_lists_and_dicts_on_pages_are_read() -> None:
    assert risky(whole("    table.to_pyarrow_table(),\n"))
    assert risky(whole('"rows": table.to_pyarrow_table(),\n'))
    with pytest.raises(AssertionError, match="neither Python"):
        whole("a table is read")
