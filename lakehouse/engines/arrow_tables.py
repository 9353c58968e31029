"""Arrow tables of the lake's types: UTC microseconds, plain strings, no dictionaries."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from lakehouse.engines.arrow_types import MICROSECONDS
from lakehouse.errors import LakehouseError


def lake_table(table: pa.Table) -> pa.Table:
    """Return the table with the lake's types; raises LakehouseError for times finer than 1 µs.

    Times without a zone are times of UTC.

    >>> lake_table(pa.table({"at": pa.array([0], pa.timestamp("ms"))})).schema.types
    [TimestampType(timestamp[us, tz=UTC])]
    """
    for position, field in enumerate(table.schema):
        wanted = _lake_type(field.type)
        if not wanted.equals(field.type):
            try:
                column = table.column(position).cast(wanted)
            except pa.ArrowInvalid as error:
                raise LakehouseError(
                    f"Column '{field.name}' is {field.type} and does not fit {wanted}: {error}"
                ) from error
            table = table.set_column(position, field.name, column)
    return table.replace_schema_metadata(None)


def one_array(column: Any) -> Any:
    """A column as one array, without a copy where it is one."""
    if not isinstance(column, pa.ChunkedArray):
        return column
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def _lake_type(kind: Any) -> Any:
    types = pa.types
    if types.is_timestamp(kind):
        return MICROSECONDS
    if types.is_large_string(kind) or types.is_string_view(kind):
        return pa.string()
    if types.is_dictionary(kind):
        return _lake_type(kind.value_type)
    if types.is_list(kind) or types.is_large_list(kind):
        inner = _lake_type(kind.value_type)
        return pa.list_(inner) if types.is_large_list(kind) or inner != kind.value_type else kind
    return kind
