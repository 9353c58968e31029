"""Delta commits of the Spark engine, each with its application transaction."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

from lakehouse.engines import protocol
from lakehouse.engines.failures import QueryError
from lakehouse.engines.spark.failures import as_ours
from lakehouse.engines.spark.frames import SparkFrame, arrow_schema_of, quoted
from lakehouse.engines.table_schema import check_fits
from lakehouse.language.provenance import DELETE
from lakehouse.storage.tables import TableRef

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_FRESH = protocol.TABLE_PROPERTIES | {"delta.enableDeletionVectors": "false"}


def write(
    table: TableRef,
    frame: SparkFrame,
    mode: Literal["append", "overwrite"],
    transaction: protocol.Transaction,
    metadata: Mapping[str, str],
) -> int:
    """Commit a frame's rows and return the table's version after it."""
    made = not table.exists()
    if not made and mode == "append":
        check_fits(table, arrow_schema_of(frame))
    options = {
        "txnAppId": transaction.application,
        "txnVersion": str(transaction.version),
        "userMetadata": json.dumps(dict(metadata)),
        "mergeSchema" if mode == "append" else "overwriteSchema": "true",
        **(_FRESH if made else {}),
    }
    with as_ours():
        frame.write.format("delta").mode(mode).options(**options).save(str(table.folder))
    return _version(table)


def merge(
    session: SparkSession,
    table: TableRef,
    frame: SparkFrame,
    keys: Sequence[str],
    transaction: protocol.Transaction,
    metadata: Mapping[str, str],
) -> int:
    """Merge rows into a table by keys: `_delete` removes, another row replaces or is added."""
    from pyspark.sql.functions import col

    with as_ours():
        twice = frame.groupBy(*(col(quoted(k)) for k in keys)).count().where("count > 1").count()
    if twice:
        raise QueryError(
            f"{twice} keys ({', '.join(keys)}) stand in several rows to merge into {table}; "
            "give each key once."
        )
    names = [name for name in frame.columns if name != DELETE]
    deletes = DELETE in frame.columns
    if not table.exists():
        kept = frame.where(f"{DELETE} IS NOT TRUE") if deletes else frame
        columns = [col(quoted(name)) for name in names]
        return write(table, kept.select(*columns), "append", transaction, metadata)
    check_fits(table, arrow_schema_of(frame))
    matched = " AND ".join(f"target.{quoted(k)} = source.{quoted(k)}" for k in keys)
    updates = ", ".join(f"target.{quoted(n)} = source.{quoted(n)}" for n in names)
    values = ", ".join(f"source.{quoted(n)}" for n in names)
    kept_too = f" AND source.{DELETE} IS NOT TRUE" if deletes else ""
    removed = f"WHEN MATCHED AND source.{DELETE} THEN DELETE " if deletes else ""
    statement = (
        f"MERGE WITH SCHEMA EVOLUTION INTO delta.{quoted(str(table.folder))} AS target "
        f"USING {{source}} AS source ON {matched} {removed}"
        f"WHEN MATCHED{kept_too} THEN UPDATE SET {updates} "
        f"WHEN NOT MATCHED{kept_too} THEN INSERT ({', '.join(map(quoted, names))}) "
        f"VALUES ({values})"
    )
    with as_ours(), _committing(session, transaction, metadata):
        escaped = statement.replace("{", "{{").replace("}", "}}")
        session.sql(escaped.replace("{{source}}", "{source}"), source=frame).collect()
    return _version(table)


@contextmanager
def _committing(
    session: SparkSession, transaction: protocol.Transaction, metadata: Mapping[str, str]
) -> Iterator[None]:
    """Set what an SQL statement's commit carries: it has no options of its own."""
    said: dict[str, Any] = {
        "spark.databricks.delta.write.txnAppId": transaction.application,
        "spark.databricks.delta.write.txnVersion": str(transaction.version),
        "spark.databricks.delta.commitInfo.userMetadata": json.dumps(dict(metadata)),
    }
    for name, value in said.items():
        session.conf.set(name, value)
    try:
        yield
    finally:
        for name in said:
            session.conf.unset(name)


def _version(table: TableRef) -> int:
    found = table.version()
    if found is None:
        raise QueryError(f"Spark committed to {table}, and there is no table.")
    return found
