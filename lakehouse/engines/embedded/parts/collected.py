"""An answer that is put together while it is read: batch by batch, as often as one likes."""

from __future__ import annotations

import shutil
import weakref
from collections.abc import Iterator, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa

from lakehouse.engines.embedded.parts.answers import Answers
from lakehouse.engines.embedded.parts.streamed import Streamed
from lakehouse.engines.embedded.threads import in_order


class Collected:
    """The rows of a spine, in its order, with its columns and the features asked for.

    `held` is the spine, if it lies in memory anyway. All else is in a folder that goes with this.
    DuckDB scans it like an Arrow table, through Arrow's protocol for streams.
    """

    def __init__(
        self,
        spine: Streamed,
        held: pa.Table | None,
        answers: Sequence[Answers],
        names: Sequence[str],
        folder: Path,
    ) -> None:
        self.num_rows = spine.rows
        self._spine, self._held, self._answers = spine, held, answers
        own = spine.schema if held is None else held.schema
        fields = [*own, *(field for answer in answers for field in answer.schema)]
        self._given = [field.name for field in fields]
        self.schema = pa.schema([fields[self._given.index(name)] for name in names])
        self.remove = weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the answer's batches."""
        work = [partial(self._batch, number) for number in range(len(self._spine.ends))]
        with closing(in_order(work)) as tables:
            for table in tables:
                yield from table.to_batches()

    def read_all(self) -> pa.Table:
        """Return the answer as a table in memory."""
        return pa.Table.from_batches(self.batches(), schema=self.schema)

    def __arrow_c_schema__(self) -> Any:
        return self.schema.__arrow_c_schema__()

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        reader = pa.RecordBatchReader.from_batches(self.schema, self.batches())
        return reader.__arrow_c_stream__(requested_schema)

    def _batch(self, number: int) -> pa.Table:
        columns = dict(zip(self._given, self._columns(number), strict=True))
        return pa.table([columns[name] for name in self.schema.names], schema=self.schema)

    def _columns(self, number: int) -> list[Any]:
        columns = [column for answer in self._answers for column in answer.of_batch(number)]
        if self._held is not None:
            begin, end = (0, *self._spine.ends)[number], self._spine.ends[number]
            return [*self._held.slice(begin, end - begin).columns, *columns]
        if self._spine.own is None:
            return columns
        with self._spine.own.opened() as own:
            return [*own.table(number).columns, *columns]
