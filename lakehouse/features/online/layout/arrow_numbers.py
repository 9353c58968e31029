"""Arrow columns as the 64-bit numbers that the online store keeps."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from lakehouse.engines.arrow_tables import one_array
from lakehouse.engines.arrow_types import arrow_type
from lakehouse.features.online.layout.stored_numbers import NotStorable
from lakehouse.language.kinds import Kind

Int64 = NDArray[np.int64]
Bool = NDArray[np.bool_]


def numbers(column: Any, kind: Kind, scale: int = 0) -> Int64:
    """A column as the numbers that `stored_numbers.writer` gives for each value, 0 for null.

    Raises NotStorable for a column of another type than it is declared with.
    """
    array = one_array(column)
    try:
        array = array.cast(arrow_type(kind, scale))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise NotStorable(f"Column of {array.type} is declared as {kind}: {error}.") from error
    if kind == "decimal":
        return _scaled(array)
    if kind == "float":
        return _numpy(pc.fill_null(array, 0.0)).view(np.int64)
    if kind == "date":
        array = array.cast(pa.int32())
    return _numpy(pc.fill_null(array.cast(pa.int64()), 0))


def present(column: Any) -> Bool:
    """Where a column is not null."""
    return np.asarray(_numpy(one_array(column.is_valid())), dtype=np.bool_)


def true(column: Any) -> Bool:
    """Where a boolean column is true: neither false nor null."""
    return np.asarray(_numpy(pc.fill_null(one_array(column), False)), dtype=np.bool_)


def row_order(table: pa.Table, names: Iterable[str]) -> Int64:
    """The order of rows by these columns, the first one first: null least, NaN greatest.

    >>> row_order(pa.table({"x": [1.5, None, float("nan"), 0.5]}), ["x"]).tolist()
    [1, 3, 0, 2]
    """
    keyed: dict[str, pa.Array] = {}
    for number, name in enumerate(names):
        values = one_array(table.column(name))
        keyed[f"present {number}"] = pc.cast(values.is_valid(), pa.int8())
        keyed[f"value {number}"] = values
    by = [(name, "ascending") for name in keyed]
    return np.asarray(_numpy(pc.sort_indices(pa.table(keyed), sort_keys=by)), dtype=np.int64)


def _scaled(array: Any) -> Int64:
    """Amounts of at most 18 digits: the lower half of their 128 bits, which holds them."""
    words = np.frombuffer(array.buffers()[1] or b"", dtype=np.int64).reshape(-1, 2)
    units = words[array.offset : array.offset + len(array), 0]
    return np.where(present(array), units, 0)


def _numpy(array: Any) -> NDArray[Any]:
    found: NDArray[Any] = array.to_numpy(zero_copy_only=False)
    return found
