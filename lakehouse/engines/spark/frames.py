"""Spark's DataFrames with the lake's types, and the Arrow schemas they stand for."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
from pyspark.sql import types as spark_types
from pyspark.sql.pandas.types import from_arrow_schema, from_arrow_type, to_arrow_schema

from lakehouse.language.kinds import MAX_DECIMAL_PRECISION
from lakehouse.language.sql.types import SqlType

SparkFrame = Any
"""A `pyspark.sql.DataFrame`, of this process's JVM or of a Connect server."""


def lake_frame(frame: SparkFrame) -> SparkFrame:
    """Return a frame whose columns have the lake's types.

    Decimals beyond 18 digits and times without a zone are cast, which raises where a value does
    not fit; a column of nulls alone is text.
    """
    from pyspark.sql.functions import col

    wanted = {f.name: _lake_type(f.dataType) for f in frame.schema.fields}
    if all(wanted[f.name] == f.dataType for f in frame.schema.fields):
        return frame
    return frame.select(
        *(
            col(quoted(f.name))
            if wanted[f.name] == f.dataType
            else col(quoted(f.name)).cast(wanted[f.name]).alias(f.name)
            for f in frame.schema.fields
        )
    )


def frame_of(session: Any, table: pa.Table) -> SparkFrame:
    """Return an Arrow table as a frame; over Connect an empty one has to bring its schema."""
    if table.num_rows:
        return session.createDataFrame(table)
    return session.createDataFrame([], from_arrow_schema(table.schema))


def plain_frame(frame: SparkFrame) -> SparkFrame:
    """Return a frame whose text columns are plain text to its server, to write a table from.

    What a function is declared to give over Connect names the collation of each text, even of
    those that have none; a table with such columns opens in Spark alone.
    """
    from pyspark.sql.functions import col

    if not type(frame).__module__.startswith("pyspark.sql.connect."):
        return frame
    kinds = {f.name: f.dataType.simpleString() for f in frame.schema.fields}
    return frame.select(
        *(
            col(quoted(name)).cast(kind).alias(name) if "string" in kind else col(quoted(name))
            for name, kind in kinds.items()
        )
    )


def arrow_schema_of(frame: SparkFrame) -> Any:
    """Return the Arrow schema that a frame's rows have when they leave Spark."""
    return as_arrow(frame.schema)


def as_arrow(schema: Any) -> Any:
    """Return a Spark schema as the Arrow schema of such rows."""
    made: pa.Schema = to_arrow_schema(schema, timezone="UTC")
    return made


def spark_type(kind: Any) -> Any:
    """Return the Spark type of an Arrow type.

    >>> spark_type(pa.decimal128(18, 2)).simpleString()
    'decimal(18,2)'
    """
    return from_arrow_type(kind)


_PORTABLE = {
    "int": "INT",
    "bigint": "BIGINT",
    "double": "DOUBLE",
    "string": "STRING",
    "boolean": "BOOLEAN",
    "date": "DATE",
    "timestamp": "TIMESTAMP",
}


def portable_types(frame: SparkFrame) -> dict[str, SqlType | None]:
    """Return the types of portable SQL of a frame's columns, under names in small letters."""
    return {field.name.lower(): _portable_type(field.dataType) for field in frame.schema.fields}


def _portable_type(kind: Any) -> SqlType | None:
    if isinstance(kind, spark_types.DecimalType):
        return SqlType("DECIMAL", kind.precision, kind.scale)
    name = _PORTABLE.get(kind.simpleString().split(" collate ")[0])
    return SqlType(name) if name is not None else None


def quoted(name: str) -> str:
    """A name as Spark writes it.

    >>> print(quoted("the `key` column"))
    `the ``key`` column`
    """
    return "`" + name.replace("`", "``") + "`"


def _lake_type(kind: Any) -> Any:
    if isinstance(kind, spark_types.DecimalType) and kind.precision > MAX_DECIMAL_PRECISION:
        scale = min(kind.scale, MAX_DECIMAL_PRECISION)
        return spark_types.DecimalType(MAX_DECIMAL_PRECISION, scale)
    if isinstance(kind, spark_types.TimestampNTZType):
        return spark_types.TimestampType()
    if isinstance(kind, spark_types.NullType):
        return spark_types.StringType()
    return kind
