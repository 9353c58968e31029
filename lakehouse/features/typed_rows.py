"""Rows as people write them: columns by name, amounts and times as values or as their text."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from lakehouse.declare.columns import Column
from lakehouse.declare.constants import as_declared, constant
from lakehouse.declare.tables import Table
from lakehouse.errors import DeclarationError, LakehouseError, described, unknown
from lakehouse.language.provenance import KNOWN_AT

Row = Mapping[str, Any]


def typed_row(table: Table, row: Row, where: str) -> dict[str, Any]:
    """Return what a row gives of a table's columns and `_known_at`, in the declared types.

    Raises LakehouseError, with `where` as its subject, for a column that the table does not have,
    or a value that its column cannot hold.
    """
    if not isinstance(row, Mapping):
        raise LakehouseError(f"{where} is {described(row)}; give its columns by name.")
    places = {c.name: c for c in table.columns} | {KNOWN_AT: Column(KNOWN_AT, "timestamp")}
    for name in row:
        if name not in places:
            raise LakehouseError(unknown("column", name, places, where))
    return {name: typed_value(places[name], value, where) for name, value in row.items()}


def never_null(column: Column, values: Row, where: str) -> None:
    """Raise LakehouseError where a row lacks a column that is never null."""
    if values.get(column.name) is None and not column.nullable:
        raise LakehouseError(f"{where} has no '{column.name}', which is never null; add it.")


def typed_value(column: Column, value: Any, where: str) -> Any:
    """Return a value as its column holds it: amounts and times from their text, too."""
    if value is None or (column.kind == "float" and isinstance(value, float)):
        return value  # NaN and infinity are floats that no contract's constant may be
    value = as_declared(value)
    try:
        if column.kind == "decimal" and isinstance(value, str):
            value = Decimal(value)
        return constant(column, value)
    except InvalidOperation:
        raise LakehouseError(f"{where}, '{column.name}': {value!r} is no number.") from None
    except DeclarationError as error:
        raise LakehouseError(f"{where}, '{column.name}': {error}") from None
