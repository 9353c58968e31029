"""Point-in-time features with the embedded engine: the kernels over whole Arrow tables.

A frame shared by several views is loaded once, with the columns they need and one flag for each
distinct `where`.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import numpy as np

from lakehouse.engines.kernels.arrow_numbers import as_microseconds
from lakehouse.engines.kernels.asked import by_entity, by_frame, check_moments, check_spine
from lakehouse.engines.kernels.point_in_time import entity_features
from lakehouse.engines.kernels.view_rows import ViewRows, selection
from lakehouse.engines.protocol import BoundView, Engine, Frame

_THREADS = 2
"""Entities of one table computed at once; each holds some arrays of the spine's length."""


def historical_features(engine: Engine, spine: Frame, at: str, views: Sequence[BoundView]) -> Frame:
    """Add every feature of the views as `view__name`, at each spine row's moment `at`.

    Every row of the spine comes back once, in its order, with all its columns; the types are
    those of `kernels.point_in_time`. A moment without a zone is one of UTC. Raises SpineError for
    a null moment or a missing column, ColumnTypeError for a sum of more than 18 digits,
    EntityKeyError for keys that cannot be compared.
    """
    asked = engine.to_arrow(spine)
    check_spine(asked.column_names, at, [bound.view for bound in views])
    _, present = as_microseconds(asked.column(at), f"Spine column '{at}'")
    check_moments(int(np.count_nonzero(~present)), len(present), at)
    found: dict[str, Any] = {}
    with ThreadPoolExecutor(_THREADS) as pool:
        for frame, on_frame in by_frame(views):
            selected = selection(on_frame, engine.columns(frame))
            table = engine.to_arrow(engine.query(selected.sql, {"rows": frame}))
            compute = partial(entity_features, ViewRows(selected, table), asked, at)
            for features in pool.map(compute, by_entity(on_frame)):
                found |= features
    for bound in views:
        for feature in bound.view.features:
            asked = asked.append_column(feature.full_name, found[feature.full_name])
    return engine.from_arrow(asked)
