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
import pyarrow.compute as pc

from lakehouse.declare import Count, First, Last, Max, Min, Sum
from lakehouse.declare.durations import DAY
from lakehouse.declare.features import Aggregate, FeatureView, WindowedFeature
from lakehouse.declare.operands import operand
from lakehouse.declare.windows import Windows
from lakehouse.engines.arrow_types import MICROSECONDS
from lakehouse.errors import DeclarationError

_NAME = "magnitudes"
_ENDS = ("first", "last")

Floats = npt.NDArray[np.float64]


def summed(view: FeatureView) -> list[WindowedFeature]:
    """The features of a view that are made of rounded sums."""
    return [f for f in view.features if _is_rounded(view, f.aggregate)]


def _is_rounded(view: FeatureView, aggregate: Aggregate) -> bool:
    if aggregate.column is None:
        return False
    facts = aggregate.facts
    if facts.rounds == "never":
        return False
    column = operand(view.of, aggregate.column)
    if facts.among == "slope" and not _can_be_named(view, aggregate):
        return False
    return column.kind == "float" or facts.rounds == "always"


def _can_be_named(view: FeatureView, aggregate: Aggregate) -> bool:
    """Whether an expression can hold the column: the letters of its names are a few."""
    try:
        operand(view.of, f"({aggregate.column}) is null")
    except DeclarationError:
        return False
    return True


def magnitude_view(view: FeatureView, features: list[WindowedFeature]) -> FeatureView:
    """A view of the same windows: what is above zero, what is below, and how many there are.

    Of a window of so many rows, which another `where` would make one of other rows, and of a column
    that no expression can name, it is the least and the greatest value. Of a slope it is these, and
    when the first and the last value happened.
    """
    aggregates: dict[str, Any] = {}
    for number, feature in enumerate(features):
        aggregate, window = feature.aggregate, feature.window
        column, over, where = str(aggregate.column), Windows((window,)), aggregate.where
        aggregates[f"count_{number}"] = Count(column, over=over, where=where)
        slope = aggregate.facts.among == "slope"
        if slope:
            happened = f"case when ({column}) is not null then {view.of.event_time} end"
            aggregates[f"first_{number}"] = First(happened, over=over, where=where)
            aggregates[f"last_{number}"] = Last(happened, over=over, where=where)
        if slope or window.rows is not None or not _can_be_named(view, aggregate):
            aggregates[f"least_{number}"] = Min(column, over=over, where=where)
            aggregates[f"most_{number}"] = Max(column, over=over, where=where)
            continue
        given = "" if where is None else f"({where}) and "
        for part, sign in (("above", ">"), ("below", "<")):
            aggregates[f"{part}_{number}"] = Sum(
                column, over=over, where=f"{given}({column}) {sign} 0"
            )
    return FeatureView(_NAME, of=view.of, by=view.by, delay=view.delay, **aggregates)


def magnitude(feature: WindowedFeature, number: int, computed: Mapping[str, Any]) -> Floats:
    """The sum of absolute values of a feature's window, and of a mean's window their mean.

    Where there are the least and the greatest value it is as much at most: as if all were the
    largest. Of a slope it is
    how steep one could be at most if nothing in it cancelled. `computed` are the values of
    `magnitude_view` by full name, `number` the feature's place.
    """
    window, among = feature.window, feature.aggregate.facts.among
    of_mean = among == "mean"

    def held(name: str) -> Any:
        return computed[f"{_NAME}__{name}_{number}_{window.label}"]

    def part(name: str) -> Floats:
        values = held(name).cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
        return np.asarray(values, dtype=np.float64)

    count = part("count")
    if f"{_NAME}__least_{number}_{window.label}" in computed:
        largest = np.maximum(np.abs(part("least")), np.abs(part("most")))
        largest = np.where(count > 0, largest, 0.0)
        if among == "slope":
            first, last = (held(name).cast(MICROSECONDS).cast(pa.int64()) for name in _ENDS)
            return _steepest(largest, count, pc.subtract(last, first))
        return largest if of_mean else largest * count
    total: Floats = part("above") - part("below")
    return np.divide(total, count, out=np.zeros_like(total), where=count > 0) if of_mean else total


def _steepest(largest: Floats, count: Floats, apart_us: Any) -> Floats:
    """No less than the sum of |time apart from the mean| |value|, by that of squared times, a day.

    By the inequality of Cauchy and Schwarz the first is at most the largest value times the root
    of n times the second, which is no less than half of the square of what lies between the ends.
    """
    between = np.asarray(pc.fill_null(apart_us, 0).to_numpy(zero_copy_only=False), np.float64)
    steepest = largest * np.sqrt(2 * count) * DAY
    return np.divide(steepest, between, out=np.zeros_like(steepest), where=between > 0)
