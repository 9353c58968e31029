"""Point-in-time features with the embedded engine: few rows in one piece, many in parts.

A frame shared by several views is read once, with the columns they need and one for each distinct
criterion and expression.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import pyarrow as pa

from lakehouse.engines.embedded.frames import DuckFrame
from lakehouse.engines.embedded.limits import Limits
from lakehouse.engines.embedded.on_table import OnTable
from lakehouse.engines.embedded.parts.collected import Collected
from lakehouse.engines.embedded.parts.features import features_in_parts
from lakehouse.engines.embedded.parts.streamed import ToRead
from lakehouse.engines.embedded.session import Session
from lakehouse.engines.embedded.threads import in_order
from lakehouse.engines.kernels.arrow_numbers import as_microseconds
from lakehouse.engines.kernels.entity_features import entity_features
from lakehouse.engines.kernels.spines import by_entity, by_frame, check_moments, check_spine
from lakehouse.engines.kernels.view_rows import ViewRows, selection
from lakehouse.engines.protocol import BoundView, Engine


def historical_features(
    engine: Engine,
    session: Session,
    limits: Limits,
    spine: DuckFrame,
    at: str,
    views: Sequence[BoundView],
) -> pa.Table | Collected:
    """Return the spine with every feature of the views as `view__name`, at its moments `at`.

    Every row of the spine comes back once, in its order, with all its columns; the types are
    those of `kernels.entity_features`. A moment without a zone is one of UTC. Raises SpineError for
    a null moment or a missing column, ColumnTypeError for a sum of more than 18 digits,
    EntityKeyError for keys that cannot be compared.
    """
    check_spine(spine.names, at, [bound.view for bound in views])
    tables = []
    for frame, on_frame in by_frame(views):
        selected = selection(on_frame, frame.names)
        rows = engine.query(selected.sql, {"rows": frame})
        if not selected.computed.names:
            rows = replace(rows, read=frame.read)
        tables.append(OnTable(on_frame, selected, rows))
    features = [feature.full_name for bound in views for feature in bound.view.features]
    names = [*spine.names, *features]
    if tables:
        moments = {key: [*key, at] for table in tables for key in table.needed()}
        asked = ToRead.of(spine, moments, is_spine=True)
        reads = [ToRead.of(table.rows, table.needed()) for table in tables]
        if sum(read.rows(session) for read in (asked, *reads)) > limits.one_piece:
            of_tables = list(zip(tables, reads, strict=True))
            return features_in_parts(session, asked, at, of_tables, names, limits)
    return _in_one_piece(session, spine, at, tables).select(names)


def _in_one_piece(
    session: Session, spine: DuckFrame, at: str, tables: Sequence[OnTable]
) -> pa.Table:
    read = in_order([partial(session.arrow, frame) for frame in (spine, *(t.rows for t in tables))])
    asked = next(read)
    _, present = as_microseconds(asked.column(at), f"Spine column '{at}'")
    check_moments(int(np.count_nonzero(~present)), len(present), at)
    entities = [
        partial(entity_features, rows, asked, at, views)
        for table, arrow in zip(tables, read, strict=True)
        for rows in [ViewRows(table.selected, arrow)]
        for views in by_entity(table.views)
    ]
    columns = {name: asked.column(name) for name in asked.column_names}
    for features in in_order(entities):
        columns |= features
    return pa.table(columns)
