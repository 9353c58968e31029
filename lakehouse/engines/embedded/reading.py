"""A Delta table's version as DuckDB SQL over its Parquet files."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from lakehouse.engines.embedded.frames import listed, quoted, text
from lakehouse.errors import LakehouseError, NotFound, unknown
from lakehouse.storage.tables import TableRef

_TYPES = {
    "string": "VARCHAR",
    "long": "BIGINT",
    "integer": "INTEGER",
    "short": "SMALLINT",
    "byte": "TINYINT",
    "float": "FLOAT",
    "double": "DOUBLE",
    "boolean": "BOOLEAN",
    "binary": "BLOB",
    "date": "DATE",
    "timestamp": "TIMESTAMPTZ",
    "timestamp_ntz": "TIMESTAMP",
}


def open_table(table: TableRef, version: int | None) -> DeltaTable:
    """Open a Delta table at a version, the newest by default; raises NotFound without one."""
    if not table.exists():
        raise NotFound(f"There is no table {table}.")
    try:
        return table.opened(version)
    except DeltaError as error:
        newest = table.version()
        raise NotFound(
            f"Table {table} cannot be read at version {version}; its newest version is {newest} "
            f"({error})."
        ) from error


def table_sql(table: TableRef, opened: DeltaTable, columns: Sequence[str] | None) -> str:
    """Return the SELECT of columns of a Delta table, `opened` at the version to read.

    The table's own schema decides: a file that lacks a column gives nulls, folder names are never
    columns. Raises NotFound for a column that does not exist.
    """
    partitions = opened.metadata().partition_columns
    if partitions:
        raise LakehouseError(
            f"Table {table} is partitioned by {', '.join(partitions)}; this engine reads tables "
            "without partitions, as the platform writes them."
        )
    fields = {field.name: duckdb_type(field.type) for field in opened.schema().fields}
    wanted = list(fields) if columns is None else list(columns)
    for name in wanted:
        if name not in fields:
            raise NotFound(unknown("column", name, fields, f"Table {table}"))
    folder = table.folder
    files = [folder / name for name in table.files_of(opened)]
    return f"SELECT {listed(wanted)} FROM ({parquet_sql(files, fields)})"


def parquet_sql(files: Sequence[Path], types: Mapping[str, str]) -> str:
    """Return the SELECT of columns of given DuckDB types from Parquet files that may lack some."""
    if not files:
        nulls = ", ".join(f"CAST(NULL AS {kind}) AS {quoted(n)}" for n, kind in types.items())
        return f"SELECT {nulls} WHERE false"
    schema = ", ".join(
        f"{text(name)}: {{name: {text(name)}, type: {text(kind)}, default_value: NULL}}"
        for name, kind in types.items()
    )
    paths = ", ".join(_literal_path(file) for file in files)
    return (
        f"SELECT {listed(types)} FROM read_parquet([{paths}], "
        f"schema = MAP {{{schema}}}, hive_partitioning = false)"
    )


def _literal_path(path: Path) -> str:
    """A file's path as an SQL text in which no character is a wildcard."""
    return text(re.sub(r"([\[*?])", r"[\1]", str(path)))


def duckdb_type(kind: Any) -> str:
    """The DuckDB type of a Delta type.

    >>> from deltalake.schema import ArrayType, PrimitiveType
    >>> duckdb_type(ArrayType(PrimitiveType("decimal(18,2)"), True))
    'DECIMAL(18,2)[]'
    """
    if kind.type == "array":
        return f"{duckdb_type(kind.element_type)}[]"
    if kind.type == "map":
        return f"MAP({duckdb_type(kind.key_type)}, {duckdb_type(kind.value_type)})"
    if kind.type == "struct":
        inner = (f"{quoted(f.name)} {duckdb_type(f.type)}" for f in kind.fields)
        return f"STRUCT({', '.join(inner)})"
    return kind.type.upper() if kind.type.startswith("decimal") else _TYPES[kind.type]
