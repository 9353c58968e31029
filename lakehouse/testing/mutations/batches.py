"""Mistakes with rows in batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pyarrow as pa

from lakehouse.engines.protocol import Engine, Fitted, Frame, MapBatches
from lakehouse.testing.mutations.wrapping import Wrapped


class MapsTheFirstBatch(Wrapped):
    """Puts one batch through a function and forgets the others."""

    def map_arrow(self, frame: Frame, function: MapBatches, schema: Any) -> Frame:
        rows = self.engine.to_arrow(frame)
        first = self.engine.from_arrow(rows.slice(0, 50_000))
        return self.engine.map_arrow(first, function, schema)


class TakesAnyAnswer(Wrapped):
    """Does not look at what a function gives: what is missing becomes null."""

    def map_arrow(self, frame: Frame, function: MapBatches, schema: Any) -> Frame:
        def padded(batches: Iterator[Any]) -> Iterator[Any]:
            for batch in function(batches):
                held = dict(zip(batch.schema.names, batch.columns, strict=True))
                nulls = [pa.nulls(batch.num_rows, f.type) for f in schema]
                columns = [held.get(f.name, n) for f, n in zip(schema, nulls, strict=True)]
                yield pa.RecordBatch.from_arrays(columns, schema.names)

        return self.engine.map_arrow(frame, padded, schema)


class StreamsByTheFirstColumn(Wrapped):
    """Orders a stream by the first of its columns only."""

    def batches(self, frame: Frame, by: Sequence[str]) -> Iterator[Any]:
        yield from self.engine.batches(frame, by[:1])


class FitsMissingAsZero(Wrapped):
    """Takes a missing input for the number 0."""

    def fit(
        self,
        estimator: Any,
        frame: Frame,
        inputs: Sequence[str],
        label: str,
        by: Sequence[str],
        workers: int | None = None,
    ) -> Fitted:
        rows = self.engine.to_arrow(frame)
        for name in inputs:
            filled = rows.column(name).fill_null(0)
            rows = rows.set_column(rows.schema.get_field_index(name), name, filled)
        held = self.engine.from_arrow(rows)
        return self.engine.fit(estimator, held, inputs, label, by, workers)


class FitsOneShare(Wrapped):
    """Fits to the rows of one worker out of two."""

    def fit(
        self,
        estimator: Any,
        frame: Frame,
        inputs: Sequence[str],
        label: str,
        by: Sequence[str],
        workers: int | None = None,
    ) -> Fitted:
        rows = self.engine.to_arrow(frame)
        share = self.engine.from_arrow(rows.slice(0, rows.num_rows // 2 + 5))
        return self.engine.fit(estimator, share, inputs, label, by, workers)


BATCH_MUTATIONS: dict[str, Callable[[Engine], Engine]] = {
    "only one batch is mapped": MapsTheFirstBatch,
    "any answer of a function is taken": TakesAnyAnswer,
    "a stream is ordered by one column": StreamsByTheFirstColumn,
    "a missing input is fitted as 0": FitsMissingAsZero,
    "half of the rows are fitted": FitsOneShare,
}
