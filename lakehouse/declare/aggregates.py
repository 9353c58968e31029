"""Aggregates over windows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from lakehouse.declare.constants import as_declared
from lakehouse.declare.windows import Windows

Function = Literal[
    "count",
    "sum",
    "mean",
    "std",
    "min",
    "max",
    "first",
    "last",
    "distinct",
    "share",
    "last_k",
]
Default = Any
"""A constant of the feature's kind: int, float, Decimal, str, bool, datetime or date."""
MOST_LAST = 100
"""The longest list that LastK gives."""
ORDERED: tuple[Function, ...] = ("first", "last", "last_k")
"""Functions that ask for the order of rows: by event time, known time and the table's key."""
OF_ANY_KIND: tuple[Function, ...] = ("count", "distinct", "share", *ORDERED)
"""Functions of columns of any kind; the others take numbers."""
NULL_OF_NOTHING: tuple[Function, ...] = ("mean", "std", "min", "max", "first", "last", "share")
"""Functions that are null over a window of nothing, where they have no default."""


@dataclass(frozen=True)
class Aggregate:
    """One aggregate over one or several windows; written as Count, Sum, Mean, and so on.

    `where` is an expression over the table's columns that selects the rows that count. `default`
    is given instead of null; times and dates are kept as their ISO text. `k` is how many values
    LastK lists.
    """

    function: Function
    column: str | None
    over: Windows
    where: str | None = None
    default: Default = None
    k: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "default", as_declared(self.default))


def Count(column: str | None = None, *, over: Windows, where: str | None = None) -> Aggregate:
    """Count rows, or the non-null values of a column."""
    return Aggregate("count", column, over, where)


def Sum(column: str, *, over: Windows, where: str | None = None) -> Aggregate:
    """Sum a numeric or boolean column; an empty window sums 0."""
    return Aggregate("sum", column, over, where)


def Mean(
    column: str, *, over: Windows, where: str | None = None, default: Default = None
) -> Aggregate:
    """Average a numeric or boolean column as a float; an empty window has none."""
    return Aggregate("mean", column, over, where, default)


def Std(
    column: str, *, over: Windows, where: str | None = None, default: Default = None
) -> Aggregate:
    """The sample standard deviation of a numeric column, a float; none of fewer than two values.

    The sum of squared distances from the mean is divided by n - 1.
    """
    return Aggregate("std", column, over, where, default)


def Min(
    column: str, *, over: Windows, where: str | None = None, default: Default = None
) -> Aggregate:
    """The least value of a numeric column; an empty window has none."""
    return Aggregate("min", column, over, where, default)


def Max(
    column: str, *, over: Windows, where: str | None = None, default: Default = None
) -> Aggregate:
    """The greatest value of a numeric column; an empty window has none."""
    return Aggregate("max", column, over, where, default)


def First(
    column: str, *, over: Windows, where: str | None = None, default: Default = None
) -> Aggregate:
    """The first value of a column that is not null; an empty window has none.

    Rows are ordered by event time, then known time, then the table's key.
    """
    return Aggregate("first", column, over, where, default)


def Last(
    column: str, *, over: Windows, where: str | None = None, default: Default = None
) -> Aggregate:
    """The last value of a column that is not null; an empty window has none.

    Rows are ordered by event time, then known time, then the table's key.
    """
    return Aggregate("last", column, over, where, default)


def LastK(column: str, *, k: int, over: Windows, where: str | None = None) -> Aggregate:
    """The last values of a column that are not null, up to `k`, newest first; [] if there is none.

    Rows are ordered as for Last. `k` is 1 to 100.
    """
    return Aggregate("last_k", column, over, where, k=k)


def Distinct(column: str, *, over: Windows, where: str | None = None) -> Aggregate:
    """Count the different values of a column that are not null, exactly; windows have no edge.

    A float that is NaN equals NaN, and -0.0 equals 0.0.
    """
    return Aggregate("distinct", column, over, where)


def Share(
    column: str | None = None, *, over: Windows, where: str, default: Default = None
) -> Aggregate:
    """The share of rows for which `where` is true, 0.0 to 1.0; an empty window has none.

    With a `column`, only rows where it is not null take part, above and below the line.
    """
    return Aggregate("share", column, over, where, default)
