"""The features of one entity's views, computed part by part and collected batch by batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa

from lakehouse.declare.features import StoredView
from lakehouse.engines.arrow_tables import one_array
from lakehouse.engines.arrow_types import feature_type
from lakehouse.engines.embedded.on_table import check_keys
from lakehouse.engines.embedded.parts.buckets import even_ends
from lakehouse.engines.embedded.parts.clustered import Make
from lakehouse.engines.embedded.parts.scatter import Scatter, narrow
from lakehouse.engines.embedded.parts.streamed import Streamed
from lakehouse.engines.kernels.entity_features import entity_features
from lakehouse.engines.kernels.view_rows import Selection, ViewRows


@dataclass(frozen=True)
class Question:
    """What is asked for: views of one entity on one table, their rows, and moments `at`."""

    views: Sequence[StoredView]
    selected: Selection
    rows: Streamed
    spine: Streamed
    at: str


class Answers:
    """The values of what is asked for, first by part, then by batch of the spine.

    A part has about `most` rows, of the table and the spine together: more, if one bucket has.
    """

    def __init__(self, question: Question, most: int, make: Make) -> None:
        check_keys(question.views, question.rows.types, question.spine.types)
        keys = question.views[0].by.keys
        self._question = question
        self._rows, self._moments = question.rows.by[keys], question.spine.by[keys]
        self._ends = even_ends(self._rows.counts + self._moments.counts, most)
        # Of each batch of the spine (a row) in each part (a column).
        self._sizes = self._moments.sizes(self._ends)
        self._offsets = np.cumsum(self._sizes, axis=0) - self._sizes
        features = [feature for view in question.views for feature in view.features]
        self.schema = pa.schema([(f.full_name, feature_type(f)) for f in features])
        self._spilled = make()
        self._numbers: dict[int, int] = {}

    def parts(self) -> Iterator[Callable[[], None]]:
        """Yield the computation of each part; they may be done in any order."""
        begins = [0, *self._ends.tolist()]
        for part, end in enumerate(self._ends.tolist()):
            yield partial(self._compute, part, begins[part], end)

    def of_batch(self, number: int) -> list[Any]:
        """Return the columns of a batch of the spine, in its order, once all parts are computed."""
        sizes, offsets = self._sizes[number].tolist(), self._offsets[number].tolist()
        rows = self._moments.order(number)
        columns = [Scatter(kind, len(rows)) for kind in self.schema.types]
        begin = 0
        with self._spilled.opened() as opened:
            for part, (offset, size) in enumerate(zip(offsets, sizes, strict=True)):
                if size:
                    values = opened.table(self._numbers[part]).slice(offset, size)
                    for column, piece in zip(columns, values.columns, strict=True):
                        column.put(rows[begin : begin + size], one_array(piece))
                    begin += size
            return [column.array() for column in columns]

    def _compute(self, part: int, first: int, end: int) -> None:
        rows = ViewRows(self._question.selected, self._rows.rows(first, end))
        moments = self._moments.rows(first, end)
        found = entity_features(rows, moments, self._question.at, self._question.views)
        columns = [narrow(one_array(found[name])) for name in self.schema.names]
        self._numbers[part] = self._spilled.put(pa.table(columns, self.schema.names))
