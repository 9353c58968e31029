"""A column put together from pieces, each value at the row it belongs to."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from lakehouse.engines.kernels.arrow_numbers import validity
from lakehouse.engines.kernels.ordering import Bool, Int64

_WIDTHS: dict[int, Any] = {32: np.int32, 64: np.int64, 128: np.complex128}
"""What numbers of so many bits are moved as: any type of that width does."""


class Placed:
    """A column of so many rows; its pieces give each row one value.

    Values of fixed width are written to where they belong at once; texts and lists wait for the
    last piece.

    >>> column = Placed(pa.int64(), 3)
    >>> column.put(np.array([2, 0]), pa.array([7, None]))
    >>> column.put(np.array([1]), pa.array([8]))
    >>> column.array().to_pylist()
    [None, 8, 7]
    """

    def __init__(self, kind: Any, size: int) -> None:
        self._kind = kind
        self._size = size
        self._values: Any = None
        self._valid: Bool | None = None
        self._pieces: list[Any] = []
        self._rows: list[Int64] = []
        if pa.types.is_boolean(kind):
            self._values = np.empty(size, dtype=np.bool_)
        elif _is_fixed(kind) and kind.bit_width in _WIDTHS:
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
        count = piece.offset + len(piece)
        stored = np.frombuffer(piece.buffers()[1], self._values.dtype, count=count)
        self._values[rows] = stored[piece.offset :]

    def array(self) -> Any:
        """Return the column, once every row has its value."""
        if self._values is None:
            return self._from_pieces()
        if pa.types.is_boolean(self._kind):
            mask = None if self._valid is None else ~self._valid
            return pa.array(self._values, self._kind, mask=mask)
        known = None if self._valid is None else pa.array(self._valid).buffers()[1]
        buffers = [known, pa.py_buffer(self._values)]
        return pa.Array.from_buffers(self._kind, self._size, buffers)

    def _from_pieces(self) -> Any:
        if not self._pieces:
            return pa.array([], self._kind)
        place = np.empty(self._size, dtype=np.int64)
        place[np.concatenate(self._rows)] = np.arange(self._size)
        return pa.concat_arrays(self._pieces).take(pa.array(place))


def _is_fixed(kind: Any) -> bool:
    return bool(pa.types.is_primitive(kind) or pa.types.is_decimal(kind))
