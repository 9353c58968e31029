"""Delta commits of the embedded engine: streamed, and applied once per transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
from deltalake import (
    CommitProperties,
    DeltaTable,
    PostCommitHookProperties,
    Transaction,
    write_deltalake,
)
from deltalake.exceptions import DeltaError

from lakehouse.engines import delta, protocol
from lakehouse.engines.embedded.frames import quoted
from lakehouse.errors import LakehouseError

DELETE = "_delete"


class WriteError(LakehouseError):
    """A commit that could not be made; the table is as it was."""


def write(
    table: Path,
    batches: Any,
    mode: Literal["append", "overwrite"],
    transaction: protocol.Transaction,
    metadata: Mapping[str, str],
) -> int:
    """Commit a stream of record batches and return the table's version after it."""
    made = not delta.exists(table)
    if made:
        table.mkdir(parents=True, exist_ok=True)
    elif mode == "append":
        _check_fits(table, DeltaTable(str(table)), batches.schema)
    try:
        write_deltalake(
            str(table),
            batches,
            mode=mode,
            schema_mode=None if made else ("merge" if mode == "append" else "overwrite"),
            configuration=protocol.TABLE_PROPERTIES if made else None,
            commit_properties=_properties(transaction, metadata),
            post_commithook_properties=_HOOKS,
        )
    except (DeltaError, pa.ArrowException) as error:
        raise WriteError(f"Table {table} could not be written: {error}") from error
    return DeltaTable(str(table)).version()


def merge(
    table: Path,
    rows: Any,
    keys: Sequence[str],
    transaction: protocol.Transaction,
    metadata: Mapping[str, str],
) -> int:
    """Merge rows into a table by keys: `_delete` removes, another row replaces or is added."""
    target = DeltaTable(str(table))
    names = [name for name in rows.schema.names if name != DELETE]
    has_deletes = DELETE in rows.schema.names
    _check_fits(table, target, rows.schema)
    matched = " AND ".join(f"target.{quoted(key)} = source.{quoted(key)}" for key in keys)
    values = {quoted(name): f"source.{quoted(name)}" for name in names}
    kept = f"source.{quoted(DELETE)} IS NOT TRUE" if has_deletes else None
    try:
        merger = target.merge(
            rows,
            predicate=matched,
            source_alias="source",
            target_alias="target",
            merge_schema=True,
            commit_properties=_properties(transaction, metadata),
            post_commithook_properties=_HOOKS,
        )
        if has_deletes:
            merger = merger.when_matched_delete(predicate=f"source.{quoted(DELETE)}")
        merger.when_matched_update(values, predicate=kept).when_not_matched_insert(
            values, predicate=kept
        ).execute()
    except (DeltaError, pa.ArrowException) as error:
        raise WriteError(f"Table {table} could not be merged into: {error}") from error
    return DeltaTable(str(table)).version()


def _check_fits(table: Path, target: DeltaTable, schema: pa.Schema) -> None:
    """Refuse columns of another type than the table's: delta-rs would cast 5.5 to 5 unasked."""
    there = {field.name: field.type for field in pa.schema(target.schema().to_arrow())}
    for field in schema:
        if field.name in there and not _fits(field.type, there[field.name]):
            raise WriteError(
                f"Table {table} could not be written: column '{field.name}' is {field.type} here "
                f"and {there[field.name]} in the table; CAST it."
            )


def _fits(given: Any, held: Any) -> bool:
    types = pa.types
    if given == held or types.is_null(given) or (types.is_nested(given) and given.id == held.id):
        return True
    if types.is_integer(given) and types.is_integer(held):
        return bool(given.bit_width <= held.bit_width)
    if types.is_decimal(given) and types.is_decimal(held):
        return bool(given.scale == held.scale and given.precision <= held.precision)
    if types.is_string(given) or types.is_large_string(given):
        return bool(types.is_string(held) or types.is_large_string(held))
    return bool(types.is_float32(given) and types.is_float64(held))


# Old log entries stay until `lakehouse maintain` removes what nothing names.
_HOOKS = PostCommitHookProperties(create_checkpoint=True, cleanup_expired_logs=False)


def _properties(transaction: protocol.Transaction, metadata: Mapping[str, str]) -> CommitProperties:
    return CommitProperties(
        custom_metadata=dict(metadata),
        app_transactions=[Transaction(transaction.application, transaction.version)],
    )
