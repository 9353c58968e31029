"""The digest of rows that stream by in order: that of `zones.digest`, in bounded memory.

The hash takes column after column, the stream brings all of them row by row, so each column's
bytes wait in a temporary file of their own: about as many as the rows have uncompressed.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lakehouse.errors import LakehouseError
from lakehouse.zones.digest import canonical, column_line, parts, rows_line

SLICE_ROWS = 200_000
"""About so many rows are put in their last order and written at a time."""


def streamed_digest(
    batches: Iterator[pa.RecordBatch],
    sort_by: Sequence[str],
    columns: Sequence[str],
    slice_rows: int = SLICE_ROWS,
) -> str:
    """The digest of at least one row that streams in ascending order of `sort_by`'s first column.

    That column holds times, none null; rows of equal times may come in any order, and are held
    together. Raises LakehouseError for a stream that is empty or out of order.
    """
    rows = 0
    kinds: dict[str, Any] = {}
    with ExitStack() as stack:
        waiting: dict[str, list[_Part]] = {}
        for piece in _slices(batches, sort_by[0], slice_rows):
            ordered = canonical(piece, sort_by, columns)
            rows += ordered.num_rows
            for column in columns:
                values = ordered.column(column).combine_chunks()
                found = parts(values)
                if column not in waiting:
                    kinds[column] = values.type
                    files = [stack.enter_context(tempfile.TemporaryFile()) for _ in found]
                    waiting[column] = [_Part(file) for file in files]
                for part, data in zip(waiting[column], found, strict=True):
                    part.add(data)
        if not rows:
            raise LakehouseError("A stream without a row has no digest.")
        hashed = hashlib.sha256(rows_line(rows))
        for column in columns:
            hashed.update(column_line(column, kinds[column]))
            for part in waiting[column]:
                part.hash_into(hashed)
        return hashed.hexdigest()


class _Part:
    """One part of a column on its way: bytes as they come, flags packed across slices."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self._left: npt.NDArray[np.bool_] = np.empty(0, dtype=bool)

    def add(self, data: bytes | npt.NDArray[np.bool_]) -> None:
        if not isinstance(data, np.ndarray):
            self._file.write(data)
            return
        flags = np.concatenate([self._left, data])
        whole = len(flags) // 8 * 8
        self._file.write(np.packbits(flags[:whole]).tobytes())
        self._left = flags[whole:]

    def hash_into(self, hashed: Any) -> None:
        self._file.write(np.packbits(self._left).tobytes())
        self._file.seek(0)
        shutil.copyfileobj(self._file, _Hashing(hashed), 1 << 20)


class _Hashing:
    """A hash as a file to copy into."""

    def __init__(self, hashed: Any) -> None:
        self.write = hashed.update


def _slices(batches: Iterator[pa.RecordBatch], at: str, slice_rows: int) -> Iterator[pa.Table]:
    """Join batches to slices such that rows of one time stand in one slice."""
    held: list[pa.RecordBatch] = []
    count, last = 0, None
    for batch in batches:
        held.append(batch)
        count += batch.num_rows
        if count < slice_rows:
            continue
        piece = pa.Table.from_batches(held)
        times = _times(piece, at)
        cut = int(np.searchsorted(times, times[-1]))
        if cut == 0:
            continue
        last = _check_order(times, last, at)
        yield piece.slice(0, cut)
        held = piece.slice(cut).combine_chunks().to_batches()
        count = piece.num_rows - cut
    if count:
        piece = pa.Table.from_batches(held)
        _check_order(_times(piece, at), last, at)
        yield piece


def _times(piece: pa.Table, at: str) -> npt.NDArray[np.int64]:
    return np.asarray(piece.column(at).cast(pa.int64()).to_numpy(), dtype=np.int64)


def _check_order(times: npt.NDArray[np.int64], last: int | None, at: str) -> int:
    if np.any(np.diff(times) < 0) or (last is not None and times[0] < last):
        raise LakehouseError(f"Rows stream out of the order of '{at}', so they have no digest.")
    return int(times[-1])
