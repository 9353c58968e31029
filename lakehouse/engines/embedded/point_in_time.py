"""Point-in-time features with the embedded engine: few rows in one piece, many in parts.

A frame shared by several views is read once, with the columns they need and one flag for each
distinct `where`.
"""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from lakehouse.engines.embedded.collected import Collected
from lakehouse.engines.embedded.frames import DuckFrame
from lakehouse.engines.embedded.in_files import features_in_files
from lakehouse.engines.embedded.in_memory import features_in_one_piece, features_in_parts
from lakehouse.engines.embedded.limits import Limits
from lakehouse.engines.embedded.on_table import OnTable
from lakehouse.engines.embedded.session import Session
from lakehouse.engines.kernels.asked import by_frame, check_spine
from lakehouse.engines.kernels.view_rows import selection
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
    those of `kernels.point_in_time`. A moment without a zone is one of UTC. Raises SpineError for
    a null moment or a missing column, ColumnTypeError for a sum of more than 18 digits,
    EntityKeyError for keys that cannot be compared.
    """
    check_spine(spine.names, at, [bound.view for bound in views])
    tables = []
    for frame, on_frame in by_frame(views):
        selected = selection(on_frame, frame.names)
        rows = engine.query(selected.sql, {"rows": frame})
        tables.append(OnTable(on_frame, selected, rows))
    features = [feature.full_name for bound in views for feature in bound.view.features]
    names = [*spine.names, *features]
    rows = sum(session.count(frame) for frame in (spine, *(table.rows for table in tables)))
    if rows <= limits.part or not tables:
        return features_in_one_piece(session, spine, at, tables).select(names)
    if rows <= limits.in_memory:
        return features_in_parts(session, spine, at, tables, limits.part).select(names)
    return features_in_files(session, spine, at, tables, names, limits)
