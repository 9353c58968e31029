"""Arrow tables put aside in a file one after the other, and taken out by number."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa


class Spilled:
    """Tables of one schema in a file, of which memory holds the pages that are looked at.

    Threads may put at the same time, until the first table is taken out; several may take at
    the same time. What is taken out refers to the file, also when its name is gone.
    """

    def __init__(self, schema: pa.Schema, file: Path) -> None:
        self.schema = schema
        self._file = str(file)
        self._sink = pa.OSFile(self._file, "wb")
        self._writer = pa.ipc.new_file(self._sink, schema)
        self._ends = [0]
        self._lock = threading.Lock()

    def put(self, table: pa.Table) -> int:
        """Put a table aside and return its number, counted from 0."""
        with self._lock:
            batches = table.to_batches()
            for batch in batches:
                self._writer.write_batch(batch)
            self._ends.append(self._ends[-1] + len(batches))
            return len(self._ends) - 2

    @contextmanager
    def opened(self) -> Iterator[Taken]:
        """Open the file; pages stay in memory for as long as what is taken out."""
        with self._lock:
            if not self._sink.closed:
                self._writer.close()
                self._sink.close()
        yield Taken(pa.ipc.open_file(pa.memory_map(self._file)), self._ends)

    def remove(self) -> None:
        """Take the file's name away: its room is free once nothing refers to what was taken out."""
        Path(self._file).unlink()


class Taken:
    """An open file of tables."""

    def __init__(self, file: Any, ends: list[int]) -> None:
        self._file = file
        self._ends = ends

    def table(self, number: int) -> pa.Table:
        """Return a table by its number, without a copy."""
        batches = range(self._ends[number], self._ends[number + 1])
        found = [self._file.get_batch(batch) for batch in batches]
        return pa.Table.from_batches(found, schema=self._file.schema)
