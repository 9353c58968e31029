"""The value that exactly some rows make, in plain Python: what explains a number."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from statistics import stdev
from typing import Any

from lakehouse.declare.features import Aggregate, Feature
from lakehouse.features.online.read.rows import float_sum
from lakehouse.language.expressions.values import ordered


def made_of(aggregate: Aggregate, count: int) -> slice:
    """Which of so many rows that count, in their order, a value is made of."""
    if aggregate.function == "first":
        return slice(0, min(count, 1))
    if aggregate.function in ("last", "last_k"):
        return slice(max(count - (aggregate.k or 1), 0), count)
    return slice(0, count)


def value_of(feature: Feature, aggregate: Aggregate, values: Sequence[Any]) -> Any:
    """Return the aggregate of the values of the rows it is made of, None where it has none.

    A share is of booleans, which say for each row that takes part whether it is counted.
    """
    function = aggregate.function
    if function == "count":
        return len(values)
    if function == "sum":
        return _total(values, feature)
    if function == "distinct":
        return len({ordered(value) for value in values})
    if function == "last_k":
        return list(values[::-1])
    if not values:
        return None
    if function == "share":
        return sum(value is True for value in values) / len(values)
    if function == "mean":
        return float(_total(values, feature)) / len(values)
    if function == "std":
        return _deviation(values)
    if function in ("first", "last"):
        return values[0]
    return (min if function == "min" else max)(values, key=ordered)


def _total(values: Sequence[Any], feature: Feature) -> Any:
    if values and isinstance(values[0], float):
        return float_sum(values)
    if feature.kind == "decimal":
        return sum(values, Decimal(0).scaleb(-(feature.scale or 0)))
    return sum(values) if values or feature.kind != "float" else 0.0


def _deviation(values: Sequence[Any]) -> float | None:
    if len(values) < 2:
        return None
    if not all(math.isfinite(value) for value in values):
        return math.nan
    try:
        return float(stdev(Fraction(value) for value in values))
    except OverflowError:
        return math.inf
