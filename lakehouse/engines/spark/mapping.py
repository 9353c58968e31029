"""Record batches of Spark's rows: through a function on the workers, or in order to the driver."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pyarrow as pa

from lakehouse.engines.batches import lake_batches, through
from lakehouse.engines.protocol import MapBatches
from lakehouse.engines.spark.failures import as_ours
from lakehouse.engines.spark.frames import SparkFrame, lake_frame, quoted, spark_type
from lakehouse.engines.spark.packing import Batches, as_binaries

STREAMED = 200_000
"""About so many rows are streamed at a time: a partition of the ordered rows."""


def map_arrow(frame: SparkFrame, function: MapBatches, schema: pa.Schema) -> SparkFrame:
    """Put every partition through a function, lazily."""
    from pyspark.sql.types import StructField, StructType

    declared = StructType([StructField(f.name, spark_type(f.type)) for f in schema])
    with as_ours():
        return lake_frame(frame.mapInArrow(_mapped(function, schema), declared))


def _mapped(function: MapBatches, schema: pa.Schema) -> Callable[[Batches], Batches]:
    def mapped(batches: Batches) -> Batches:
        return through(function, batches, schema)

    return mapped


def batches(frame: SparkFrame, by: Sequence[str]) -> Batches:
    """Stream rows in order: sorted in ranges by the workers, brought one range at a time.

    The rows are computed about three times: counted, sampled for the ranges, and sorted. Give rows
    that are read from a table rather than such as cost much.
    """
    from pyspark.sql.functions import col

    order = [col(quoted(name)).asc_nulls_first() for name in by]
    with as_ours():
        ranges = max(1, -(-frame.count() // STREAMED))
        ordered = frame.repartitionByRange(ranges, *order).sortWithinPartitions(*order)
        for row in ordered.mapInArrow(_written, "batch binary").toLocalIterator():
            yield from lake_batches(iter(pa.ipc.open_stream(row["batch"])))


def _written(parts: Batches) -> Batches:
    """Each batch as one value, in Arrow's stream format: Spark streams rows, not batches."""
    for part in parts:
        written = as_binaries([pa.Table.from_batches([part])])
        yield pa.RecordBatch.from_arrays([written], names=["batch"])
