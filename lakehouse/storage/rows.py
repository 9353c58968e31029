"""Rows put into a table that is no lake's: by no engine, without a transaction."""

from __future__ import annotations

from typing import Any, Literal

from deltalake import write_deltalake

from lakehouse.storage.tables import TableRef


def put_rows(table: TableRef, rows: Any, mode: Literal["append", "overwrite"]) -> None:
    """Commit an Arrow table; "overwrite" also gives the table its columns."""
    write_deltalake(
        table.address, rows, mode=mode, schema_mode="overwrite" if mode == "overwrite" else None
    )
