"""What a reader of delivered files gives: blocks of text rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from lakehouse.language.provenance import ROW, UNPARSED

BLOCK_ROWS = 16_384


def block(
    names: Sequence[str], columns: Sequence[Any], unparsed: Any | None, numbers: Any
) -> pa.RecordBatch:
    """Text columns of a file, the text of lines that do not parse, and the number of each row."""
    if unparsed is None:
        unparsed = pa.nulls(len(numbers), pa.string())
    return pa.RecordBatch.from_arrays(
        [*columns, unparsed, pa.array(numbers, pa.int64())], names=[*names, UNPARSED, ROW]
    )


def text_column(values: Sequence[str | None], empty_is_null: bool) -> Any:
    """An Arrow column of texts; in CSV an empty field is null."""
    column = pa.array(values, pa.string())
    if not empty_is_null:
        return column
    return pc.if_else(pc.equal(column, ""), pa.scalar(None, pa.string()), column)


def unparsed_block(names: Sequence[str], lines: Sequence[str], numbers: Any) -> pa.RecordBatch:
    """Lines that do not parse: every column is null."""
    nulls = pa.nulls(len(lines), pa.string())
    return block(names, [nulls] * len(names), pa.array(lines, pa.string()), numbers)
