"""One in-memory DuckDB database: its limits, its functions, and how SQL is run on it."""

from __future__ import annotations

import itertools
import os
import shutil
import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

from lakehouse.engines.embedded.ansi import MACROS
from lakehouse.engines.embedded.frames import DuckFrame, exact_columns
from lakehouse.engines.failures import QueryError
from lakehouse.engines.temporary import temporary_folder

BATCH_ROWS = 65_536


class Session:
    """A database in memory, bounded, that spills to a temporary folder of its own.

    Every statement runs on a cursor of its own, so that a stream of rows that is still being read
    is not ended by the next statement, and threads may share a session.
    """

    def __init__(self, memory_limit: str, threads: int) -> None:
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
        for macro in MACROS:
            self._database.execute(macro)
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

    def arrow(self, frame: DuckFrame) -> Any:
        """Compute a frame as an Arrow table."""
        with self._run(frame.sql, frame.tables) as rows:
            return rows.to_arrow_table()

    @contextmanager
    def batches(self, frame: DuckFrame) -> Iterator[Any]:
        """Compute a frame as a stream of Arrow record batches."""
        with self._run(frame.sql, frame.tables) as rows:
            yield rows.to_arrow_reader(BATCH_ROWS)

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


def query_error(error: Exception) -> QueryError:
    """The platform's error for one of DuckDB's: its first paragraph, which says what is wrong."""
    said = str(error).strip().split("\n\n")[0].strip()
    return QueryError(said)


def _close(database: duckdb.DuckDBPyConnection, locked: int, folder: Path) -> None:
    database.close()
    shutil.rmtree(folder, ignore_errors=True)
    os.close(locked)
