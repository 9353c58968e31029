"""Functions that are made of sums: of numbers, which are exact but for floats."""

from __future__ import annotations

from lakehouse.declare.aggregates.aggregate import Aggregate, Default
from lakehouse.declare.aggregates.facts import Facts, Kept, declared
from lakehouse.declare.calls import declares
from lakehouse.declare.windows import Windows
from lakehouse.language.kinds import NUMBERS

__all__ = ["Mean", "Std", "Sum", "Trend"]

SUM = declared(
    Facts(
        function="sum",
        name="Sum",
        example="Sum('amount_eur', over=...)",
        column="needed",
        takes=(*NUMBERS, "bool"),
        gives="total",
        of_nothing="zero",
        said_of_nothing="a sum of nothing is 0",
        rounds="floats",
        events=(Kept("sum"),),
        tiles=(Kept("sum"),),
    )
)


@declares(SUM.call)
def Sum(column: str, *, over: Windows, where: str | None = None) -> Aggregate:
    """Sum a numeric or boolean column; an empty window sums 0."""
    return Aggregate(SUM.function, column, over, where)


MEAN = declared(
    Facts(
        function="mean",
        name="Mean",
        example="Mean('amount_eur', over=...)",
        column="needed",
        takes=(*NUMBERS, "bool"),
        gives="float",
        rounds="floats",
        among="mean",
        events=(Kept("sum"), Kept("count")),
        tiles=(Kept("sum"), Kept("count")),
    )
)


@declares(MEAN.call)
def Mean(
    column: str, *, over: Windows, where: str | None = None, default: Default = None
) -> Aggregate:
    """Average a numeric or boolean column as a float; an empty window has none."""
    return Aggregate(MEAN.function, column, over, where, default)


STD = declared(
    Facts(
        function="std",
        name="Std",
        example="Std('amount_eur', over=...)",
        column="needed",
        takes=NUMBERS,
        gives="float",
        rounds="always",
        events=(Kept("sum"), Kept("count")),
        tiles=(Kept("sum"), Kept("count"), Kept("squares")),
    )
)


@declares(STD.call)
def Std(
    column: str, *, over: Windows, where: str | None = None, default: Default = None
) -> Aggregate:
    """The sample standard deviation of a numeric column, a float; none of fewer than two values.

    The sum of squared distances from the mean is divided by n - 1.
    """
    return Aggregate(STD.function, column, over, where, default)


TREND = declared(
    Facts(
        function="trend",
        name="Trend",
        example="Trend('amount_eur', over=...)",
        column="needed",
        takes=NUMBERS,
        gives="float",
        rounds="always",
        among="slope",
        events=(Kept("sum"), Kept("count")),
        tiles=(Kept("line"),),
    )
)


@declares(TREND.call)
def Trend(
    column: str, *, over: Windows, where: str | None = None, default: Default = None
) -> Aggregate:
    """The slope of the least-squares line through a numeric column's values over time, by the day.

    A float, in the column's unit for each 24 hours. There is none of fewer than two values, nor
    where all are of one event time; it is NaN with a NaN or an infinity among them.
    """
    return Aggregate(TREND.function, column, over, where, default)
