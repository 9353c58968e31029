"""SQL on a lake's records stands in one room."""

from __future__ import annotations

import ast
import re
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lakehouse.records.store import Records

ROOT = Path(__file__).parents[3]
ROOM = ROOT / "lakehouse" / "records"
OWN_DATABASES = (
    ROOT / "lakehouse" / "features" / "online" / "stores" / "sqlite",
    ROOT / "lakehouse" / "adapters" / "feast",
)
"""What else opens SQLite files: the online store's, and Feast's."""


@pytest.fixture
def tables(tmp_path: Path) -> list[str]:
    path = tmp_path / "records.db"
    Records(path, lambda: datetime(2026, 1, 1, tzinfo=UTC))
    with sqlite3.connect(path) as db:
        found = [name for (name,) in db.execute("SELECT name FROM sqlite_master")]
    db.close()
    return [name for name in found if not name.startswith("sqlite_")]


def texts(tree: ast.AST) -> Iterator[str]:
    """Every text of a module, those with values in them with a mark for each value."""
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(
                part.value if isinstance(part, ast.Constant) else "?"  # type: ignore[misc]
                for part in node.values
            )
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def statements(source: str, tables: list[str]) -> list[str]:
    """The statements of a module whose first table is one of the records.

    An engine's SQL names its own frames, some of them like a table of the records: in a join, or
    after a WITH.
    """
    first = re.compile(
        r"\s*(SELECT\b((?!\bFROM\b).)*\bFROM|DELETE\s+FROM|UPDATE|(INSERT(\s+OR\s+\w+)?|REPLACE)"
        rf"\s+INTO)[\s\"'`]+({'|'.join(tables)})\b",
        re.DOTALL | re.IGNORECASE,
    )
    return [text for text in texts(ast.parse(source)) if first.match(text)]


def accesses(source: str) -> list[str]:
    """Where a module asks for a connection to records, or has them run a statement."""
    return [
        ast.unparse(node)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Attribute)
        and node.attr in ("select", "connection")
        and re.search(r"records(\(.*\))?$", ast.unparse(node.value), re.IGNORECASE)
    ]


def opens_databases(source: str) -> list[str]:
    """Where a module opens a SQLite file by itself."""
    return [
        ast.unparse(node)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Attribute)
        and node.attr == "connect"
        and ast.unparse(node.value) == "sqlite3"
    ]


def test_no_sql_on_the_records_stands_outside_their_room(tables: list[str]) -> None:
    found = {}
    for room in ("lakehouse", "serving", "jobs", "feature_repo"):
        for file in sorted((ROOT / room).rglob("*.py")):
            if file.is_relative_to(ROOM):
                continue
            source = file.read_text()
            here = [*statements(source, tables), *accesses(source)]
            if not any(file.is_relative_to(own) for own in OWN_DATABASES):
                here += opens_databases(source)
            if here:
                found[str(file.relative_to(ROOT))] = here
    assert {} == found


def test_a_statement_on_the_records_is_noticed(tables: list[str]) -> None:
    """The test above finds each way in which records were read and written before."""
    ways = [
        'ctx.records.select("SELECT version, pins FROM models WHERE domain = ?", name)',
        'open_records(home).select("SELECT 1 FROM runs")',
        'f"SELECT {columns} FROM deliveries WHERE delivery IN ({marks})"',
        'db.execute("INSERT INTO models VALUES (?, ?)")',
        'f"INSERT OR REPLACE INTO deliveries ({columns}) VALUES (?)"',
        "\"UPDATE models SET status = 'retired'\"",
        '"DELETE FROM keys WHERE label = ?"',
    ]
    assert ways == [way for way in ways if statements(way, tables)]
    handles = ["self._records.connection()", "session.records().select(sql)", "ctx.records.select"]
    assert handles == [handle for handle in handles if accesses(handle)]
    assert ["sqlite3.connect"] == opens_databases("db = sqlite3.connect(path)")


def test_an_engines_own_frames_are_no_records(tables: list[str]) -> None:
    own = 'f"SELECT {columns} FROM crowd c LEFT JOIN deliveries d ON d.`_delivery` = c.`_delivery`"'
    assert [] == statements(own, tables)
    assert [] == accesses("frame.select(names)") + accesses("files.connection()")
