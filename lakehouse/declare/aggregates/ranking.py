"""Functions that pick one of a column's values: by its place among them, or how often it comes."""

from __future__ import annotations

from lakehouse.declare.aggregates.aggregate import Aggregate, Default
from lakehouse.declare.aggregates.facts import Facts, Kept, declared
from lakehouse.declare.windows import Windows
from lakehouse.language.kinds import NUMBERS

__all__ = ["Max", "Min", "Mode"]

MIN = declared(
    Facts(
        function="min",
        name="Min",
        example="Min('amount_eur', over=...)",
        column="needed",
        takes=NUMBERS,
        gives="column",
        events=(Kept("min"), Kept("count")),
        tiles=(Kept("min"), Kept("count")),
    )
)


def Min(
    column: str, *, over: Windows, where: str | None = None, default: Default = None
) -> Aggregate:
    """The least value of a numeric column; an empty window has none."""
    return Aggregate(MIN.function, column, over, where, default)


MAX = declared(
    Facts(
        function="max",
        name="Max",
        example="Max('amount_eur', over=...)",
        column="needed",
        takes=NUMBERS,
        gives="column",
        events=(Kept("max"), Kept("count")),
        tiles=(Kept("max"), Kept("count")),
    )
)


def Max(
    column: str, *, over: Windows, where: str | None = None, default: Default = None
) -> Aggregate:
    """The greatest value of a numeric column; an empty window has none."""
    return Aggregate(MAX.function, column, over, where, default)


MODE = declared(
    Facts(
        function="mode",
        name="Mode",
        example="Mode('country', over=...)",
        column="needed",
        gives="column",
        ordered=True,
        events=(Kept("value"), Kept("count")),
        untiled=("the most frequent value", "take it"),
    )
)


def Mode(
    column: str, *, over: Windows, where: str | None = None, default: Default = None
) -> Aggregate:
    """The most frequent value of a column that is not null, exactly; an empty window has none.

    Of values that come equally often, the one that came last, by event time, known time and the
    table's key. A float that is NaN equals NaN, and -0.0 equals 0.0. Windows have no edge.
    """
    return Aggregate(MODE.function, column, over, where, default)
