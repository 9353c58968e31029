"""How large the numbers were that a float was summed of: what decides how exact it can be.

Sums of floats are rounded, by every engine in an order of its own, and so agree within a share of
the sum of absolute values, not of the sum: what cancels leaves its rounding behind.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lakehouse.declare import Count, Sum
from lakehouse.declare.features import Aggregate, Feature, FeatureView
from lakehouse.declare.tables import table_column
from lakehouse.declare.windows import Windows
from lakehouse.monitoring.consistency.declarations import View

_NAME = "magnitudes"

Floats = npt.NDArray[np.float64]


def summed(view: View) -> list[Feature]:
    """The features of a view that are made of rounded sums."""
    if not isinstance(view, FeatureView):
        return []
    return [f for f in view.features if _is_rounded(view, f.aggregate)]


def _is_rounded(view: FeatureView, aggregate: Aggregate | None) -> bool:
    if aggregate is None or aggregate.column is None:
        return False
    facts = aggregate.facts
    if facts.rounds == "never" or facts.among == "own":
        return False
    column = table_column(view.of, aggregate.column)
    return column.kind == "float" or facts.rounds == "always"


def magnitude_view(view: FeatureView, features: list[Feature]) -> FeatureView:
    """A view of the same windows: what is above zero, what is below, and how many there are."""
    aggregates: dict[str, Any] = {}
    for number, feature in enumerate(features):
        aggregate, window = feature.aggregate, feature.window
        assert aggregate is not None  # `summed` chose it
        assert window is not None
        column, over = str(aggregate.column), Windows((window,))
        given = "" if aggregate.where is None else f"({aggregate.where}) and "
        aggregates |= {
            f"above_{number}": Sum(column, over=over, where=f"{given}{column} > 0"),
            f"below_{number}": Sum(column, over=over, where=f"{given}{column} < 0"),
            f"count_{number}": Count(column, over=over, where=aggregate.where),
        }
    return FeatureView(_NAME, of=view.of, by=view.by, delay=view.delay, **aggregates)


def magnitude(feature: Feature, number: int, computed: Mapping[str, Any]) -> Floats:
    """The sum of absolute values of a feature's window, and of a mean's window their mean.

    `computed` are the values of `magnitude_view` by full name, `number` the feature's place.
    """
    window = feature.window
    assert window is not None  # `summed` chose it
    above, below, count = (
        np.array(
            computed[f"{_NAME}__{part}_{number}_{window.label}"]
            .cast(pa.float64(), safe=False)
            .to_numpy(zero_copy_only=False),
            dtype=np.float64,
        )
        for part in ("above", "below", "count")
    )
    total: Floats = above - below
    if feature.aggregate is not None and feature.aggregate.facts.among == "mean":
        return np.divide(total, count, out=np.zeros_like(total), where=count > 0)
    return total
