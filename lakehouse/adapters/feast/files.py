"""The files of Feast's file sources: where they are, their rows, and writing them.

A source of the declarations lies in the lake's folder, one of the user's own in the repository's.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet
from feast.data_format import DeltaFormat
from feast.data_source import DataSource
from feast.infra.offline_stores.file_source import FileSource

from lakehouse.adapters.feast import declarations
from lakehouse.engines.table_files import arrow_dataset
from lakehouse.errors import LakehouseError, NotFound
from lakehouse.sdk import composition
from lakehouse.storage.rows import put_rows
from lakehouse.storage.tables import TableRef


def connection() -> duckdb.DuckDBPyConnection:
    """A DuckDB session of its own, in UTC."""
    db = duckdb.connect(config={"threads": os.cpu_count() or 1})
    db.execute("SET TimeZone = 'UTC'")
    return db


def file_source(source: DataSource | None) -> FileSource:
    """The source as one of files; raises LakehouseError for any other."""
    if not isinstance(source, FileSource):
        raise LakehouseError(
            f"Source '{getattr(source, 'name', source)}' is a {type(source).__name__}; this "
            "offline store reads FileSource, with Parquet or DeltaFormat."
        )
    return source


def place(source: FileSource, repo_path: Path | None) -> Path:
    """Where a source's file or table is."""
    if declarations.TABLE in source.tags:
        return composition.home_folder() / source.path
    return Path(FileSource.get_uri_for_file_path(repo_path, source.path).removeprefix("file://"))


def dataset(source: FileSource, repo_path: Path | None) -> pa.dataset.Dataset:
    """A source's rows, unread; raises NotFound where there are none."""
    path = place(source, repo_path)
    if not path.exists():
        raise NotFound(f"Source '{source.name}' has no file {path}; write it, or mend its path.")
    if isinstance(source.file_format, DeltaFormat):
        table = TableRef.in_folder(path)
        return arrow_dataset(table.opened(), table)
    return pa.dataset.dataset(path, format="parquet")


def relation(
    db: duckdb.DuckDBPyConnection, name: str, source: FileSource, repo_path: Path | None
) -> None:
    """Make a source's rows known to a session, its columns by their mapped names."""
    db.register(f"{name}_file", dataset(source, repo_path))
    renamed = ", ".join(
        f'"{column}" AS "{mapped}"' for column, mapped in (source.field_mapping or {}).items()
    )
    star = f"* RENAME ({renamed})" if renamed else "*"
    db.execute(f'CREATE VIEW "{name}" AS SELECT {star} FROM "{name}_file"')


def write(source: FileSource, path: Path, table: pa.Table) -> None:
    """Put rows in the place of a source's, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(source.file_format, DeltaFormat):
        put_rows(TableRef.in_folder(path), table, "overwrite")
        return
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    pa.parquet.write_table(table, partial)
    partial.replace(path)


def append(source: FileSource, path: Path, table: pa.Table) -> None:
    """Add rows to a source's; a Parquet file is written anew with them."""
    if isinstance(source.file_format, DeltaFormat):
        put_rows(TableRef.in_folder(path), table, "append")
        return
    if path.is_dir():
        raise LakehouseError(
            f"Source '{source.name}' is a folder of files ({path}); add a file to it, or let the "
            "source be one file or a Delta table."
        )
    before: Any = pa.parquet.read_table(path) if path.exists() else table.slice(0, 0)
    write(source, path, pa.concat_tables([before, table.cast(before.schema)]))
