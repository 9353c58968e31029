"""Arrow columns as the arrays the window kernels take, and their results as Arrow columns.

Fixed-point amounts are 128-bit numbers in Arrow and scaled 64-bit integers in the kernels; the
buffers are read and written as they are.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from lakehouse.engines.arrow_tables import one_array
from lakehouse.engines.arrow_types import MICROSECONDS
from lakehouse.engines.kernels.ordering import Bool, Int64
from lakehouse.errors import LakehouseError
from lakehouse.language.kinds import MAX_DECIMAL_PRECISION


class ColumnTypeError(LakehouseError):
    """A column's type or a value of it does not fit what is computed from it."""


class Numbers(NamedTuple):
    """A column's values, undefined where not `valid`, in units of 10**-`scale`."""

    values: NDArray[Any]
    valid: Bool
    scale: int


def as_numbers(column: Any, where: str) -> Numbers:
    """Return a bool, integer, float or decimal column as an array; `where` is for errors."""
    array = one_array(column)
    valid = validity(array)
    kind = array.type
    if pa.types.is_decimal(kind):
        return Numbers(_scaled_integers(array, where), valid, kind.scale)
    if pa.types.is_floating(kind):
        widest = pa.float64()
    elif pa.types.is_integer(kind) or pa.types.is_boolean(kind):
        widest = pa.int64()
    else:
        raise ColumnTypeError(f"{where} is {kind}, not a number: convert it in the table.")
    return Numbers(without_nulls(array.cast(widest), 0), valid, 0)


def as_microseconds(column: Any, where: str) -> tuple[Int64, Bool]:
    """Return a timestamp column as UTC microseconds, and where it is not null.

    A time without a zone is one of UTC. Raises ColumnTypeError for another type, and for times
    finer than a microsecond.
    """
    array = one_array(column)
    kind = array.type
    if pa.types.is_null(kind):
        array = array.cast(MICROSECONDS)
    elif not pa.types.is_timestamp(kind):
        raise ColumnTypeError(f"{where} is {kind}, not a time: give UTC timestamps.")
    try:
        integers = array.cast(MICROSECONDS).cast(pa.int64())
    except pa.ArrowInvalid as error:
        raise ColumnTypeError(f"{where} does not fit whole microseconds: {error}.") from error
    return without_nulls(integers, 0), validity(array)


def as_flags(column: Any) -> Bool:
    """Return a boolean column's rows that are true: neither false nor null."""
    flags = without_nulls(one_array(column).cast(pa.bool_()), False)
    return flags.astype(np.bool_, copy=False)


def without_nulls(array: Any, instead: bool | int) -> NDArray[Any]:
    """Return an Arrow array's values, with something else where it is null."""
    if array.null_count:
        array = pc.fill_null(array, instead)
    return np.asarray(array.to_numpy(zero_copy_only=False))


def validity(column: Any) -> Bool:
    """Return where a column is not null."""
    if column.null_count == 0:
        return np.ones(len(column), dtype=np.bool_)
    flags = one_array(column.is_valid())
    return np.asarray(flags.to_numpy(zero_copy_only=False), dtype=np.bool_)


def from_integers(values: Int64, valid: Bool) -> Any:
    """Return an int64 column."""
    return pa.array(values, mask=_mask(valid))


def from_floats(values: NDArray[Any], valid: Bool) -> Any:
    """Return a float64 column, in which NaN is a number and not a null."""
    return pa.array(values.astype(np.float64, copy=False), mask=_mask(valid), from_pandas=False)


def from_scaled_integers(values: Int64, valid: Bool, scale: int, where: str) -> Any:
    """Return a decimal128(18, scale) column of units of 10**-scale, which are 0 where not valid.

    Raises ColumnTypeError naming how many values have more than 18 digits.
    """
    limit = 10**MAX_DECIMAL_PRECISION
    if max(int(values.max(initial=0)), -int(values.min(initial=0))) >= limit:
        wide = (values >= limit) | (values <= -limit)
        raise ColumnTypeError(
            f"{where}: {np.count_nonzero(wide)} values have more than {MAX_DECIMAL_PRECISION} "
            f"digits, for example {int(values[np.flatnonzero(wide)[0]])} of 10^-{scale}; declare "
            "the column with a smaller scale, a shorter window, or as a float."
        )
    known = None if valid.all() else pa.array(valid).buffers()[1]
    return from_units(values, known, pa.decimal128(MAX_DECIMAL_PRECISION, scale))


def from_units(values: NDArray[Any], known: Any, kind: Any) -> Any:
    """Return a decimal column of units of its scale, null where the bits `known` are not set."""
    words = np.empty((len(values), 2), dtype=np.int64)
    words[:, 0] = values
    np.right_shift(words[:, 0], 63, out=words[:, 1])  # the sign fills the upper half
    return pa.Array.from_buffers(kind, len(values), [known, pa.py_buffer(words)])


def units(array: Any) -> Int64:
    """Return the units of a decimal array of at most 18 digits, undefined where null."""
    return np.ascontiguousarray(_words(array)[:, 0])


def _words(array: Any) -> Int64:
    """The lower and the upper half of each 128-bit number, as they lie in memory."""
    end = array.offset + len(array)
    if not end:
        return np.empty((0, 2), dtype=np.int64)
    stored = np.frombuffer(array.buffers()[1], dtype=np.int64, count=2 * end)
    return stored.reshape(end, 2)[array.offset :]


def _scaled_integers(array: Any, where: str) -> Int64:
    kind = pa.decimal128(38, array.type.scale)
    array = array.cast(kind)
    words = _words(array)
    lost = (words[:, 0] >> 63 != words[:, 1]) & validity(array)
    if lost.any():
        first = array[int(np.flatnonzero(lost)[0])]
        raise ColumnTypeError(
            f"{where} holds {np.count_nonzero(lost)} amounts of more than "
            f"{MAX_DECIMAL_PRECISION} digits, for example {first}; declare fewer digits, or a "
            "float."
        )
    return np.ascontiguousarray(words[:, 0])


def _mask(valid: Bool) -> Bool | None:
    return None if valid.all() else ~valid
