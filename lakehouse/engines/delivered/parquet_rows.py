"""Parquet as text rows: each typed value in one canonical form.

Times are ISO 8601 with as many digits as they need, `Z` behind those that carry a zone; decimals
are plain, floats in their shortest form (`5.0` as `5`), booleans `true` and `false`, nested values
JSON.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lakehouse.engines.delivered.names import LakeNames
from lakehouse.engines.delivered.rows import block

_BLOCK_ROWS = 65_536


def parquet_rows(path: Path, names: LakeNames) -> Iterator[pa.RecordBatch]:
    """Read a Parquet file as blocks of text rows; the first block names its columns."""
    with pq.ParquetFile(path) as file:
        columns = names.of(file.schema_arrow.names, "the file's schema")
        yield block(columns, [pa.nulls(0, pa.string())] * len(columns), None, [])
        following = 1
        for batch in file.iter_batches(_BLOCK_ROWS, use_threads=False):
            end = following + batch.num_rows
            found = [text_of(column) for column in batch.columns]
            yield block(columns, found, None, range(following, end))
            following = end


def text_of(column: Any) -> Any:
    """A typed column as texts.

    >>> text_of(pa.array([1_500_000], pa.timestamp("us", "Europe/Berlin"))).to_pylist()
    ['1970-01-01T00:00:01.5Z']
    """
    kind, types = column.type, pa.types
    if types.is_dictionary(kind):
        return text_of(column.dictionary_decode())
    if types.is_timestamp(kind):
        utc = column.cast(pa.timestamp(kind.unit, "UTC")) if kind.tz else column
        text = pc.replace_substring(utc.cast(pa.string()), " ", "T")
        text = pc.replace_substring_regex(text, r"(\.[0-9]*[1-9])0+(Z?)$", r"\1\2")
        return pc.replace_substring_regex(text, r"\.0+(Z?)$", r"\1")
    if types.is_decimal(kind) and kind.scale < 0:
        column = column.cast(pa.decimal128(38, 0))
    if types.is_nested(kind):
        return pa.array([_json(value) for value in column.to_pylist()], pa.string())
    return column.cast(pa.string())


def _json(value: Any) -> str | None:
    return None if value is None else json.dumps(value, default=str, ensure_ascii=False)
