"""A column put together from pieces, each value at the row it belongs to."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from lakehouse.engines.kernels.arrow_numbers import from_units, units, validity
from lakehouse.engines.kernels.ordering import Bool, Int64

_WIDTHS: dict[int, Any] = {32: np.int32, 64: np.int64}
"""What values of so many bits are moved as: numbers of that width do for all."""


def narrow(column: Any) -> Any:
    """Return an array as it is put aside until it is placed: whole numbers in 32 bits if they fit.

    Decimals are the whole numbers of their units.
    """
    kind = column.type
    if pa.types.is_decimal(kind):
        values = units(column)
    elif pa.types.is_int64(kind):
        values = _stored(column)
    else:
        return column
    if values.min(initial=0) >= -(2**31) and values.max(initial=0) < 2**31:
        values = values.astype(np.int32)
    return pa.array(values, mask=None if column.null_count == 0 else ~validity(column))


class Scatter:
    """A column of so many rows; its pieces, as `narrow` gives them, hold each row's value once.

    Values of fixed width are written to where they belong at once; texts and lists wait for the
    last piece.

    >>> column = Scatter(pa.int64(), 3)
    >>> column.put(np.array([2, 0]), pa.array([7, None]))
    >>> column.put(np.array([1]), pa.array([8]))
    >>> column.array().to_pylist()
    [None, 8, 7]
    """

    def __init__(self, kind: Any, size: int) -> None:
        self._kind = kind
        self._size = size
        self._whole = pa.types.is_decimal(kind) or pa.types.is_int64(kind)
        self._values: NDArray[Any] | None = None
        self._valid: Bool | None = None
        self._pieces: list[Any] = []
        self._rows: list[Int64] = []
        if pa.types.is_boolean(kind):
            self._values = np.empty(size, dtype=np.bool_)
        elif self._whole:
            self._values = np.empty(size, dtype=np.int32)
        elif pa.types.is_primitive(kind) and kind.bit_width in _WIDTHS:
            self._values = np.empty(size, dtype=_WIDTHS[kind.bit_width])

    def put(self, rows: Int64, piece: Any) -> None:
        """Take the values of some rows."""
        if self._values is None:
            self._pieces.append(piece)
            self._rows.append(rows)
            return
        if piece.null_count:
            if self._valid is None:
                self._valid = np.ones(self._size, dtype=np.bool_)
            self._valid[rows] = validity(piece)
        if pa.types.is_boolean(self._kind):
            self._values[rows] = piece.fill_null(False).to_numpy(zero_copy_only=False)
            return
        stored = _stored(piece)
        if stored.itemsize > self._values.itemsize:
            self._values = self._values.astype(stored.dtype)
        self._values[rows] = stored

    def array(self) -> Any:
        """Return the column, once every row has its value."""
        if self._values is None:
            return self._from_pieces()
        if pa.types.is_boolean(self._kind):
            mask = None if self._valid is None else ~self._valid
            return pa.array(self._values, self._kind, mask=mask)
        known = None if self._valid is None else pa.array(self._valid).buffers()[1]
        if pa.types.is_decimal(self._kind):
            return from_units(self._values, known, self._kind)
        if self._whole:
            self._values = self._values.astype(np.int64, copy=False)
        buffers = [known, pa.py_buffer(self._values)]
        return pa.Array.from_buffers(self._kind, self._size, buffers)

    def _from_pieces(self) -> Any:
        if not self._pieces:
            return pa.array([], self._kind)
        place = np.empty(self._size, dtype=np.int64)
        place[np.concatenate(self._rows)] = np.arange(self._size)
        return pa.concat_arrays(self._pieces).take(pa.array(place))


def _stored(array: Any) -> NDArray[Any]:
    """The values of an array of fixed width as they lie in memory, undefined where null."""
    count = array.offset + len(array)
    kind = _WIDTHS[array.type.bit_width]
    return np.frombuffer(array.buffers()[1], kind, count=count)[array.offset :]
