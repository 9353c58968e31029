"""Functions that pick one of a column's values by how it compares with the others."""

from __future__ import annotations

from lakehouse.declare.aggregates.aggregate import Aggregate, Default
from lakehouse.declare.aggregates.facts import Facts, Kept, declared
from lakehouse.declare.windows import Windows
from lakehouse.language.kinds import NUMBERS

__all__ = ["Max", "Min"]

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
