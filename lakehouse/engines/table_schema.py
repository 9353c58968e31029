"""Which rows fit a table: those whose columns have its types, or narrower ones."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from lakehouse.engines.failures import WriteError
from lakehouse.storage.tables import TableRef


def check_fits(table: TableRef, schema: pa.Schema) -> None:
    """Refuse columns of another type than the table's: writers would cast 5.5 to 5 unasked.

    Raises WriteError naming the first column that does not fit.
    """
    held = table.opened().schema().to_arrow()
    there = {field.name: field.type for field in pa.schema(held)}
    for field in schema:
        if field.name in there and not _fits(field.type, there[field.name]):
            raise WriteError(
                f"Table {table} could not be written: column '{field.name}' is {field.type} here "
                f"and {there[field.name]} in the table; CAST it."
            )


def _fits(new: Any, held: Any) -> bool:
    types = pa.types
    if new == held or types.is_null(new) or (types.is_nested(new) and new.id == held.id):
        return True
    if types.is_integer(new) and types.is_integer(held):
        return bool(new.bit_width <= held.bit_width)
    if types.is_decimal(new) and types.is_decimal(held):
        return bool(new.scale == held.scale and new.precision <= held.precision)
    if types.is_string(new) or types.is_large_string(new):
        return bool(types.is_string(held) or types.is_large_string(held))
    return bool(types.is_float32(new) and types.is_float64(held))
