"""The shape of a cleaned table on disk against the contract of today."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from lakehouse.context import Context
from lakehouse.declare.tables import Cleaned
from lakehouse.engines.arrow_types import MICROSECONDS, arrow_schema
from lakehouse.engines.protocol import Frame
from lakehouse.errors import LakehouseError
from lakehouse.language.provenance import BATCH, DELIVERY, KNOWN_AT, ROW
from lakehouse.zones.checks import cleaned_columns


def as_declared(ctx: Context, table: Cleaned) -> Frame | None:
    """The cleaned rows in the contract's columns (one not there yet is null); None before any.

    Raises LakehouseError where a column stands there with another type than the contract gives.
    """
    ref = ctx.table("cleaned", table.name)
    if not ref.exists():
        return None
    rows = ctx.engine.read(ref)
    types = _types(ctx, rows)
    for field in arrow_schema(table.columns):
        found = types.get(field.name)
        if found is not None and not _equal(found, field.type):
            raise LakehouseError(
                f"Table cleaned/{ctx.domain.name}/{table.name} holds '{field.name}' as {found}, "
                f"its contract {table.contract.name} now says {field.type}; make the table anew "
                "from raw with clean(ctx, table, from_start=True)."
            )
    return ctx.engine.query(
        f"SELECT {cleaned_columns(table.contract, types)} FROM cleaned", {"cleaned": rows}
    )


def lacks(ctx: Context, table: Cleaned) -> list[str]:
    """The columns that the contract names and the table on disk does not have."""
    there = ctx.engine.columns(ctx.engine.read(ctx.table("cleaned", table.name)))
    return [c.name for c in table.columns if c.name not in there]


def empty(ctx: Context, table: Cleaned) -> Frame:
    """No rows, in the shape of the contract."""
    fields = [*arrow_schema(table.columns)]
    fields += [pa.field(DELIVERY, pa.string()), pa.field(ROW, pa.int64())]
    fields += [pa.field(BATCH, pa.int64()), pa.field(KNOWN_AT, MICROSECONDS)]
    return ctx.engine.from_arrow(pa.schema(fields).empty_table())


def _types(ctx: Context, rows: Frame) -> dict[str, Any]:
    none = ctx.engine.query("SELECT * FROM given WHERE FALSE", {"given": rows})
    return {field.name: field.type for field in ctx.engine.to_arrow(none).schema}


def _equal(stored: Any, declared: Any) -> bool:
    if pa.types.is_string(declared):
        return str(stored) in ("string", "large_string")
    same: bool = stored == declared
    return same
