"""An online store behind an engine's verbs, so that it is asked what engines are asked.

Joining the family of engines inherits their checks: each view is put into the store, and every
row of the spine is answered by one read from it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import pyarrow as pa

from lakehouse.declare.features import StoredView
from lakehouse.declare.operands import expression_column
from lakehouse.engines.arrow_types import MICROSECONDS, arrow_type, feature_type
from lakehouse.engines.protocol import BoundView, Transaction
from lakehouse.features.online.layout.slots import Layout, computed_for, layout_of
from lakehouse.features.online.read.reader import FeatureReader
from lakehouse.features.online.stores.protocol import OnlineStore, Stored
from lakehouse.features.online.write.packing import pack
from lakehouse.features.online.write.push import push

Mode = Literal["materialised", "one by one", "pushed"]
MODES: tuple[Mode, ...] = ("materialised", "one by one", "pushed")
AT_ONCE = 7


class StoreAsEngine:
    """The part of an engine that features are asked of, answered by an online store.

    `mode` is how rows come into the store: packed at once, packed at once and read for one entity
    at a time, or pushed, a few at a time in the order of the table.
    """

    name = "online"

    def __init__(self, make_store: Callable[[], OnlineStore], mode: Mode) -> None:
        self._make_store = make_store
        self._mode = mode

    def from_arrow(self, table: pa.Table) -> pa.Table:
        return table

    def to_arrow(self, frame: pa.Table) -> pa.Table:
        return frame

    def historical_features(self, spine: pa.Table, at: str, views: Sequence[BoundView]) -> pa.Table:
        """Add every feature of the views as `view__name`, at each row's moment `at`."""
        store = self._make_store()
        for bound in views:
            self._fill(store, bound.view, bound.rows)
        reader = FeatureReader(store, [bound.view for bound in views])
        asked = spine.to_pylist()
        moments = spine.column(at).cast(MICROSECONDS).cast(pa.int64()).to_pylist()
        for bound in views:
            if self._mode == "one by one":
                found = [
                    reader.get(bound.view, row, at) for row, at in zip(asked, moments, strict=True)
                ]
            else:
                found = reader.get_many(bound.view, asked, moments)
            for feature in bound.view.features:
                values = [answer[feature.full_name] for answer in found]
                typed = pa.array(values, feature_type(feature))
                spine = spine.append_column(feature.full_name, typed)
        store.close()
        return spine

    def _fill(self, store: OnlineStore, view: StoredView, rows: pa.Table) -> None:
        layout = layout_of(view)
        stored = Stored(view.name, 1, "digest", layout, rows.num_rows, 0)
        rows = with_computed(view, layout, rows)
        texts: dict[int, bytes] = {}
        if self._mode != "pushed":
            store.replace(stored, pack(view, layout, rows, texts), texts)
            return
        store.replace(stored, pack(view, layout, rows.slice(0, 0), texts), texts)
        given = rows.to_pylist()
        for first in range(0, len(given), AT_ONCE):
            push(store, view, given[first : first + AT_ONCE], Transaction("rows", first))


def with_computed(view: StoredView, layout: Layout, rows: pa.Table) -> pa.Table:
    """Add what is computed of each row, evaluated in plain Python."""
    computed = computed_for(view.of, layout)
    given: list[Mapping[str, Any]] = rows.to_pylist()
    for text, name in computed.names.items():
        column = expression_column(view.of, text, view.name)
        evaluate = computed.evaluators(view.name)[name]
        kind = arrow_type(column.kind, column.scale)
        rows = rows.append_column(name, pa.array([evaluate(row) for row in given], kind))
    return rows
