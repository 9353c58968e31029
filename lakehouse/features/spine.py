"""Entity rows as people hold them, brought to the types that an engine takes."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from lakehouse.declare.features import View
from lakehouse.engines.arrow_types import MICROSECONDS, arrow_type
from lakehouse.errors import LakehouseError, unknown

CONVERTED = ("string", "int", "timestamp", "decimal")
"""The kinds that notebooks hold in other types: text as objects, times without a zone."""


def typed(table: pa.Table, at: str, views: Sequence[View]) -> pa.Table:
    """Entity rows with moments in UTC microseconds, keys and request columns as declared.

    A time without a zone is one of UTC. Raises LakehouseError for a column that the views need
    and is not there, or that does not fit its declared type.
    """
    wanted: dict[str, pa.DataType] = {at: MICROSECONDS}
    for view in views:
        wanted |= {
            c.name: arrow_type(c.kind, c.scale) for c in view.spine_columns if c.kind in CONVERTED
        }
    for name, kind in wanted.items():
        if name not in table.column_names:
            raise LakehouseError(unknown("column", name, table.column_names, "The entity rows"))
        column = table.column(name)
        if column.type == kind:
            continue
        try:
            table = table.set_column(table.column_names.index(name), name, column.cast(kind))
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise LakehouseError(
                f"Column '{name}' of the entity rows is {column.type} and does not fit {kind} "
                f"({error}); convert it before asking."
            ) from error
    return table
