"""Record batches on their way through a function, and the numbers that models are given."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lakehouse.engines.arrow_tables import lake_table
from lakehouse.engines.failures import QueryError
from lakehouse.engines.protocol import MapBatches


def through(
    function: MapBatches, batches: Iterator[pa.RecordBatch], schema: pa.Schema
) -> Iterator[pa.RecordBatch]:
    """Hand batches of the lake's types to a function, and give its answer in the schema's types.

    Raises QueryError for an answer with other columns, or with values that do not fit.
    """
    for answer in function(lake_batches(batches)):
        if answer.schema.names != schema.names:
            raise QueryError(
                f"The function gave the columns {', '.join(answer.schema.names)} where "
                f"{', '.join(schema.names)} were declared; give these, in this order."
            )
        try:
            columns = [c.cast(f.type) for c, f in zip(answer.columns, schema, strict=True)]
        except pa.ArrowException as error:
            raise QueryError(f"What the function gave does not fit its schema: {error}") from error
        yield pa.RecordBatch.from_arrays(columns, schema=schema)


def lake_batches(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Give batches in the lake's types, without those that hold no row."""
    for batch in batches:
        yield from lake_table(pa.Table.from_batches([batch])).to_batches()


def float32(column: Any) -> npt.NDArray[np.float32]:
    """A column as a model takes it: numbers and booleans as float32, null as NaN.

    It goes through float64, as the service does with a request's numbers: one rounding for both.
    """
    numbers = column.cast(pa.float64(), safe=False).cast(pa.float32(), safe=False)
    held = numbers.to_numpy() if isinstance(numbers, pa.ChunkedArray) else numbers
    return np.asarray(
        held if isinstance(held, np.ndarray) else held.to_numpy(zero_copy_only=False),
        dtype=np.float32,
    )


def matrix(rows: Any, inputs: Sequence[str]) -> npt.NDArray[np.float32]:
    """The inputs of an Arrow table or batch as one float32 matrix [rows, inputs]."""
    if not inputs:
        return np.empty((rows.num_rows, 0), dtype=np.float32)
    return np.column_stack([float32(rows.column(name)) for name in inputs])


def targets(label: Any) -> npt.NDArray[Any]:
    """A label column as models learn it: a boolean as 0 and 1, a number as float64."""
    if pa.types.is_boolean(label.type):
        return np.asarray(label.cast(pa.int8()).to_numpy())
    return np.asarray(label.cast(pa.float64(), safe=False).to_numpy())
