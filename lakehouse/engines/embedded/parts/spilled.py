"""Arrow tables put aside in a file one after the other, and taken out by number."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa


class Spilled:
    """Tables in a file, of which memory holds the pages that are looked at.

    Each has a schema of its own. Threads may put at the same time, until the first table is taken
    out; several may take at the same time. What is taken out refers to the file, also when its
    name is gone.
    """

    def __init__(self, file: Path) -> None:
        self._file = str(file)
        self._sink = pa.OSFile(self._file, "wb")
        self._starts: list[int] = []
        self._lock = threading.Lock()

    def put(self, table: pa.Table) -> int:
        """Put a table aside and return its number, counted from 0."""
        with self._lock:
            self._starts.append(self._sink.tell())
            with pa.ipc.new_stream(self._sink, table.schema) as stream:
                stream.write_table(table)
            return len(self._starts) - 1

    @contextmanager
    def opened(self) -> Iterator[Taken]:
        """Open the file; pages stay in memory for as long as what is taken out."""
        with self._lock:
            if not self._sink.closed:
                self._sink.close()
        yield Taken(pa.memory_map(self._file).read_buffer(), self._starts)

    def remove(self) -> None:
        """Take the file's name away: its room is free once nothing refers to what was taken out."""
        Path(self._file).unlink()


class Taken:
    """An open file of tables."""

    def __init__(self, held: Any, starts: Sequence[int]) -> None:
        self._held = held
        self._starts = starts

    def table(self, number: int) -> pa.Table:
        """Return a table by its number, without a copy."""
        with pa.ipc.open_stream(self._held.slice(self._starts[number])) as stream:
            return stream.read_all()
