"""Aggregates over windows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from lakehouse.declare.windows import Windows

Function = Literal["count", "sum", "mean", "min", "max"]


@dataclass(frozen=True)
class Aggregate:
    """One aggregate over one or several windows; written as Count, Sum, Mean, Min or Max.

    `where` is an expression over the table's columns that selects the rows that count.
    """

    function: Function
    column: str | None
    over: Windows
    where: str | None = None


def Count(column: str | None = None, *, over: Windows, where: str | None = None) -> Aggregate:
    """Count rows, or the non-null values of a column."""
    return Aggregate("count", column, over, where)


def Sum(column: str, *, over: Windows, where: str | None = None) -> Aggregate:
    """Sum a numeric or boolean column; an empty window sums 0."""
    return Aggregate("sum", column, over, where)


def Mean(column: str, *, over: Windows, where: str | None = None) -> Aggregate:
    """Average a numeric or boolean column as a float; an empty window has none."""
    return Aggregate("mean", column, over, where)


def Min(column: str, *, over: Windows, where: str | None = None) -> Aggregate:
    """The least value of a numeric column; an empty window has none."""
    return Aggregate("min", column, over, where)


def Max(column: str, *, over: Windows, where: str | None = None) -> Aggregate:
    """The greatest value of a numeric column; an empty window has none."""
    return Aggregate("max", column, over, where)
