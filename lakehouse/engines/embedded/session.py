"""One in-memory DuckDB database: its limits, its functions, and how SQL is run on it."""

from __future__ import annotations

import itertools
import os
import shutil
import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from lakehouse.engines.arrow_tables import lake_table
from lakehouse.engines.arrow_types import MICROSECONDS
from lakehouse.engines.embedded.allocation import keep_freed_memory
from lakehouse.engines.embedded.frames import DuckFrame, exact_columns, quoted
from lakehouse.engines.failures import QueryError
from lakehouse.engines.temporary import temporary_folder
from lakehouse.language.kinds import MAX_DECIMAL_PRECISION

BATCH_ROWS = 65_536


class Session:
    """A database in memory, bounded, that spills to a temporary folder of its own.

    Every statement runs on a cursor of its own, so that a stream of rows that is still being read
    is not ended by the next statement, and threads may share a session.
    """

    def __init__(self, memory_limit: str, threads: int) -> None:
        keep_freed_memory()
        self.folder, locked = temporary_folder()
        self._database = duckdb.connect(
            ":memory:",
            config={
                "memory_limit": memory_limit,
                "threads": str(threads),
                "temp_directory": str(self.folder / "duckdb"),
            },
        )
        for setting in (
            "TimeZone = 'UTC'",
            "python_enable_replacements = false",  # a name in SQL is never a Python variable
            "autoinstall_known_extensions = false",
            "autoload_known_extensions = false",
        ):
            self._database.execute(f"SET GLOBAL {setting}")
        self._numbers = itertools.count(1)
        self.close = weakref.finalize(self, _close, self._database, locked, self.folder)

    def new_name(self, what: str) -> str:
        """A name for a table or folder that nothing else in this session has."""
        return f"_{what}_{next(self._numbers)}"

    def frame(self, sql: str, tables: Mapping[str, Any], holds: tuple[Any, ...]) -> DuckFrame:
        """Bind SQL and give its result the lake's types; raises QueryError if it does not bind."""
        with self._run(f"DESCRIBE {sql}", tables) as rows:
            columns = [(row[0], row[1]) for row in rows.fetchall()]
        projection, changed = exact_columns(columns)
        if changed:
            sql = f"SELECT {', '.join(projection)} FROM ({sql})"
            with self._run(f"DESCRIBE {sql}", tables) as rows:
                columns = [(row[0], row[1]) for row in rows.fetchall()]
        return DuckFrame(sql, tuple(columns), dict(tables), holds)

    def held(self, table: Any) -> DuckFrame:
        """Take Arrow rows of the lake's types as a frame: a table, or what DuckDB scans like one.

        They are given back as they are where DuckDB would not change their types.
        """
        name = self.new_name("arrow")
        frame = self.frame(f"SELECT * FROM {quoted(name)}", {name: table}, ())
        kinds = table.schema.types
        if frame.names != table.schema.names or not all(map(is_same_in_duckdb, kinds)):
            return frame
        if isinstance(table, pa.Table):
            table = pa.table(table.columns, frame.names)  # without notes on its columns
        return replace(frame, computed=table)

    def arrow(self, frame: DuckFrame) -> pa.Table:
        """Compute a frame as an Arrow table of the lake's types."""
        if frame.computed is not None:
            held = frame.computed
            return held if isinstance(held, pa.Table) else held.read_all()
        with self._run(frame.sql, frame.tables) as rows:
            return lake_table(rows.to_arrow_table())

    def count(self, frame: DuckFrame) -> int:
        """Return how many rows a frame has."""
        if frame.computed is not None:
            return int(frame.computed.num_rows)
        with self._run(f"SELECT count(*) FROM ({frame.sql})", frame.tables) as rows:
            ((count,),) = rows.fetchall()
            return int(count)

    @contextmanager
    def batches(self, frame: DuckFrame, most: int = BATCH_ROWS) -> Iterator[Any]:
        """Compute a frame as a stream of Arrow record batches of at most so many rows."""
        with self._run(frame.sql, frame.tables) as rows:
            yield rows.to_arrow_reader(most)

    @contextmanager
    def _run(self, sql: str, tables: Mapping[str, Any]) -> Iterator[Any]:
        cursor = self._database.cursor()
        try:
            for name, table in tables.items():
                cursor.register(name, table)
            yield cursor.sql(sql)
        except duckdb.Error as error:
            raise query_error(error) from error
        finally:
            cursor.close()


def is_same_in_duckdb(kind: pa.DataType) -> bool:
    """Whether DuckDB gives a column of this Arrow type back as it was given."""
    types = pa.types
    if types.is_list(kind):
        return is_same_in_duckdb(kind.value_type)
    if types.is_decimal128(kind):
        return bool(kind.precision <= MAX_DECIMAL_PRECISION)
    exact = (types.is_boolean, types.is_signed_integer, types.is_string, types.is_binary)
    others = (types.is_float32, types.is_float64, types.is_date32)
    return kind == MICROSECONDS or any(test(kind) for test in (*exact, *others))


def query_error(error: Exception) -> QueryError:
    """The platform's error for one of DuckDB's: its first paragraph, which says what is wrong."""
    said = str(error).strip().split("\n\n")[0].strip()
    return QueryError(said)


def _close(database: duckdb.DuckDBPyConnection, locked: int, folder: Path) -> None:
    database.close()
    shutil.rmtree(folder, ignore_errors=True)
    os.close(locked)
