"""Functions that pick one of a column's values: by its place among them, or how often it comes."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from lakehouse.declare.aggregates.aggregate import Aggregate, Default
from lakehouse.declare.aggregates.facts import Facts, Kept, declared
from lakehouse.declare.calls import declares
from lakehouse.declare.windows import Windows
from lakehouse.errors import described
from lakehouse.language.kinds import NUMBERS

__all__ = ["Max", "Min", "Mode", "Quantile"]

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


@declares(MIN.call)
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


@declares(MAX.call)
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
        tells_apart=True,
        events=(Kept("value"), Kept("count")),
        untiled=("the most frequent value", "take it"),
    )
)


@declares(MODE.call)
def Mode(
    column: str, *, over: Windows, where: str | None = None, default: Default = None
) -> Aggregate:
    """The most frequent value of a column that is not null, exactly; an empty window has none.

    Of values that come equally often, the one that came last, by event time, known time and the
    table's key. A float that is NaN equals NaN, and -0.0 equals 0.0. Windows have no edge.
    """
    return Aggregate(MODE.function, column, over, where, default)


FINEST_Q = 6
"""The digits after its point that a quantile's q may have."""


def _no_share(q: Any) -> str | None:
    wrong = f"q is {described(q)}; write a share from 0 to 1, as in q=0.5 for the median"
    if isinstance(q, bool) or not isinstance(q, int | float) or not 0 <= q <= 1:
        return wrong
    if Decimal(str(q)) != round(Decimal(str(q)), FINEST_Q):
        return f"q is {q}; write at most {FINEST_Q} digits after its point"
    return None


QUANTILE = declared(
    Facts(
        function="quantile",
        name="Quantile",
        example="Quantile('amount_eur', q=0.9, over=...)",
        column="needed",
        takes=NUMBERS,
        gives="column",
        refused=_no_share,
        events=(Kept("value"), Kept("count")),
        untiled=("a quantile", "take it"),
    )
)


@declares(QUANTILE.call)
def Quantile(
    column: str, *, q: float, over: Windows, where: str | None = None, default: Default = None
) -> Aggregate:
    """The least value of a numeric column that at least the share `q` of values does not exceed.

    It is one of the values, exactly, and of the column's kind: with q=0.5 the (lower) median, with
    0 the least and with 1 the greatest. NaN is greater than every number. `q` is 0 to 1 with at
    most six digits after its point, and is taken as it is written. An empty window has none;
    windows have no edge.
    """
    return Aggregate(QUANTILE.function, column, over, where, default, argument=q)
