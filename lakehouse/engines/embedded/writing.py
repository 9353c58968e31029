"""Delta commits of the embedded engine: streamed, and applied once per transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import pyarrow as pa
from deltalake import (
    CommitProperties,
    PostCommitHookProperties,
    Transaction,
    write_deltalake,
)
from deltalake.exceptions import CommitFailedError, DeltaError

from lakehouse.engines import protocol
from lakehouse.engines.embedded.frames import quoted
from lakehouse.engines.failures import WriteConflict, WriteError
from lakehouse.engines.table_schema import check_fits
from lakehouse.language.provenance import DELETE
from lakehouse.storage.tables import TableRef


def write(
    table: TableRef,
    batches: Any,
    mode: Literal["append", "overwrite"],
    transaction: protocol.Transaction,
    metadata: Mapping[str, str],
) -> int:
    """Commit a stream of record batches and return the table's version after it."""
    made = not table.exists()
    if made:
        table.folder.mkdir(parents=True, exist_ok=True)
    elif mode == "append":
        check_fits(table, batches.schema)
    try:
        write_deltalake(
            table.address,
            batches,
            mode=mode,
            schema_mode=None if made else ("merge" if mode == "append" else "overwrite"),
            configuration=protocol.TABLE_PROPERTIES if made else None,
            commit_properties=_properties(transaction, metadata),
            post_commithook_properties=_HOOKS,
        )
    except CommitFailedError as error:
        raise WriteConflict(f"Table {table}: another writer was there first: {error}") from error
    except (DeltaError, pa.ArrowException) as error:
        raise WriteError(f"Table {table} could not be written: {error}") from error
    return table.opened().version()


def merge(
    table: TableRef,
    rows: Any,
    keys: Sequence[str],
    transaction: protocol.Transaction,
    metadata: Mapping[str, str],
) -> int:
    """Merge rows into a table by keys: `_delete` removes, another row replaces or is added."""
    target = table.opened()
    names = [name for name in rows.schema.names if name != DELETE]
    has_deletes = DELETE in rows.schema.names
    check_fits(table, rows.schema)
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
    except CommitFailedError as error:
        raise WriteConflict(f"Table {table}: another writer was there first: {error}") from error
    except (DeltaError, pa.ArrowException) as error:
        raise WriteError(f"Table {table} could not be merged into: {error}") from error
    return table.opened().version()


# Old log entries stay until `lakehouse maintain` removes what nothing names.
_HOOKS = PostCommitHookProperties(create_checkpoint=True, cleanup_expired_logs=False)


def _properties(transaction: protocol.Transaction, metadata: Mapping[str, str]) -> CommitProperties:
    return CommitProperties(
        custom_metadata=dict(metadata),
        app_transactions=[Transaction(transaction.application, transaction.version)],
    )
