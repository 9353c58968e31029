"""Functions that say how many: of any column, whatever it holds."""

from __future__ import annotations

from lakehouse.declare.aggregates.aggregate import Aggregate, Default
from lakehouse.declare.aggregates.facts import Facts, Kept, declared
from lakehouse.declare.calls import declares
from lakehouse.declare.windows import Windows

__all__ = ["Count", "Distinct", "Share"]

COUNT = declared(
    Facts(
        function="count",
        name="Count",
        example="Count(over=...)",
        column="optional",
        gives="int",
        counts=True,
        of_nothing="zero",
        said_of_nothing="a count of nothing is 0",
        events=(Kept("count"),),
        tiles=(Kept("count"),),
    )
)


@declares(COUNT.call)
def Count(column: str | None = None, *, over: Windows, where: str | None = None) -> Aggregate:
    """Count rows, or the non-null values of a column."""
    return Aggregate(COUNT.function, column, over, where)


DISTINCT = declared(
    Facts(
        function="distinct",
        name="Distinct",
        example="Distinct('country', over=...)",
        column="needed",
        gives="int",
        counts=True,
        tells_apart=True,
        of_nothing="zero",
        said_of_nothing="nothing has 0 distinct values",
        events=(Kept("value"), Kept("count")),
        untiled=("distinct values", "count them"),
    )
)


@declares(DISTINCT.call)
def Distinct(column: str, *, over: Windows, where: str | None = None) -> Aggregate:
    """Count the different values of a column that are not null, exactly; windows have no edge.

    A float that is NaN equals NaN, and -0.0 equals 0.0.
    """
    return Aggregate(DISTINCT.function, column, over, where)


SHARE = declared(
    Facts(
        function="share",
        name="Share",
        example="Share(where=\"country <> 'DE'\", over=...)",
        column="optional",
        gives="float",
        compares=True,
        counts=True,
        events=(Kept("count"), Kept("count", whatever_where=True)),
        tiles=(Kept("count"), Kept("count", whatever_where=True)),
    )
)


@declares(SHARE.call)
def Share(
    column: str | None = None, *, over: Windows, where: str, default: Default = None
) -> Aggregate:
    """The share of rows for which `where` is true, 0.0 to 1.0; an empty window has none.

    With a `column`, only rows where it is not null take part, above and below the line.
    """
    return Aggregate(SHARE.function, column, over, where, default)
