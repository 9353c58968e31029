"""The digest of a table's rows: equal rows have equal digests, however they are stored.

`zones.streamed_digest` gives the same for rows that are more than one process holds.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from lakehouse.errors import LakehouseError, unknown

_TEXT = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)


def digest(table: pa.Table, sort_by: Sequence[str], columns: Sequence[str]) -> str:
    """SHA-256 over the rows of an Arrow table, sorted by `sort_by`, columns in the order given.

    Rows that agree in `sort_by` are ordered by all other columns. Each column is hashed in one
    canonical form of Arrow's layout: its name and type, a bitmap of what is there, then values as
    64-bit integers (integers, times in microseconds, unscaled decimals), 64-bit floats or text
    with its lengths; where a value is null the form holds zero. So chunks, dictionaries, 32- or
    64-bit offsets, slices and a decimal's precision make no difference, while a decimal's scale
    does. Every NaN is the same, and so are 0.0 and -0.0.

    Raises LakehouseError for a column that is not there or whose type has no canonical form.

    >>> one = pa.table({"k": [2, 1], "v": ["b", None]})
    >>> two = pa.table({"v": [None, "b"], "k": pa.array([1, 2], "int8")})
    >>> digest(one, ["k"], ["k", "v"]) == digest(two, ["k"], ["k", "v"])
    True
    """
    ordered = canonical(table, sort_by, columns)
    hashed = hashlib.sha256(rows_line(ordered.num_rows))
    for column in columns:
        values = ordered.column(column).combine_chunks()
        hashed.update(column_line(column, values.type))
        for part in parts(values):
            hashed.update(np.packbits(part).tobytes() if isinstance(part, np.ndarray) else part)
    return hashed.hexdigest()


def canonical(table: pa.Table, sort_by: Sequence[str], columns: Sequence[str]) -> pa.Table:
    """The columns of both lists in their canonical types, the rows in their canonical order."""
    for column in (*columns, *sort_by):
        if column not in table.column_names:
            raise LakehouseError(unknown("column", column, table.column_names, "The table"))
    wanted = list(dict.fromkeys((*columns, *sort_by)))
    held = pa.table({c: _canonical(c, table.column(c)) for c in wanted})
    return _sorted(held, sort_by, wanted)


def rows_line(rows: int) -> bytes:
    """What the hash begins with."""
    return f"rows {rows}\n".encode()


def column_line(column: str, kind: Any) -> bytes:
    """What the hash says of a column before its parts."""
    return f"column {len(column.encode())} {column} {kind}\n".encode()


def _canonical(name: str, values: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = values.type
    if pa.types.is_dictionary(kind):
        return _canonical(name, values.cast(kind.value_type))
    if any(is_text(kind) for is_text in _TEXT):
        return values.cast(pa.large_string())
    if pa.types.is_integer(kind):
        return values.cast(pa.int64())
    if pa.types.is_floating(kind):
        return values.cast(pa.float64())
    if pa.types.is_timestamp(kind):
        return values.cast(pa.timestamp("us", tz=kind.tz)).cast(pa.timestamp("us", tz="UTC"))
    if pa.types.is_decimal(kind):
        return values.cast(pa.decimal128(38, kind.scale))
    if pa.types.is_boolean(kind) or pa.types.is_date32(kind):
        return values
    if pa.types.is_null(kind):
        return values.cast(pa.large_string())
    raise LakehouseError(
        f"Column '{name}' of type {kind} has no canonical form; leave it out of the digest or cast "
        "it to text."
    )


def _sorted(table: pa.Table, sort_by: Sequence[str], columns: Sequence[str]) -> pa.Table:
    if not table.num_rows:
        return table
    ordered = _order(table, sort_by) if sort_by else table
    if sort_by and table.num_rows == 1:
        return ordered
    if not sort_by or _has_ties(ordered.select(list(dict.fromkeys(sort_by)))):
        ordered = _order(table, list(dict.fromkeys((*sort_by, *columns))))
    return ordered


def _order(table: pa.Table, by: Sequence[str]) -> pa.Table:
    return table.take(pc.sort_indices(table, sort_keys=[(c, "ascending") for c in by]))


def _has_ties(ordered: pa.Table) -> bool:
    equal = None
    for column in ordered.columns:
        before, after = column.slice(0, len(column) - 1), column.slice(1)
        both_null = pc.and_(pc.is_null(before), pc.is_null(after))
        same = pc.or_(pc.fill_null(pc.equal(before, after), False), both_null)
        equal = same if equal is None else pc.and_(equal, same)
    return bool(pc.any(equal).as_py())


def parts(values: Any) -> list[bytes | npt.NDArray[np.bool_]]:
    """The canonical form of one contiguous array, part by part; flags are to be packed as bits."""
    present = np.asarray(pc.is_valid(values).to_numpy(zero_copy_only=False))
    kind = values.type
    if pa.types.is_large_string(kind):
        lengths = pc.fill_null(pc.binary_length(values), 0).to_numpy(zero_copy_only=False)
        return [present, lengths.astype("<i8").tobytes(), _text_bytes(values)]
    if pa.types.is_boolean(kind):
        return [present, np.asarray(pc.fill_null(values, False).to_numpy(zero_copy_only=False))]
    if pa.types.is_decimal(kind):
        return [present, _decimal_bytes(values, present)]
    if pa.types.is_floating(kind):
        numbers = pc.fill_null(values, 0.0).to_numpy(zero_copy_only=False).astype("<f8")
        numbers = np.where(np.isnan(numbers), np.nan, numbers + 0.0)
        return [present, numbers.tobytes()]
    if not pa.types.is_integer(kind):
        values = values.cast(pa.int32() if pa.types.is_date32(kind) else pa.int64())
    return [present, pc.fill_null(values, 0).to_numpy(zero_copy_only=False).astype("<i8").tobytes()]


def _text_bytes(values: Any) -> bytes:
    joined = pc.binary_join(
        pa.LargeListArray.from_arrays(
            pa.array([0, len(values)], pa.int64()), pc.fill_null(values, "")
        ),
        pa.scalar("", pa.large_string()),
    )
    buffer = joined.cast(pa.large_binary())[0].as_buffer()
    return bytes(buffer)


def _decimal_bytes(values: Any, present: Any) -> bytes:
    """The unscaled values as 128-bit integers, little-endian, zero where null."""
    words = np.frombuffer(values.buffers()[1], dtype="<i8").reshape(-1, 2)
    own = words[values.offset : values.offset + len(values)].copy()
    own[~present] = 0
    return own.tobytes()
