"""Functions that go by when rows happened: by event time, known time and the table's key."""

from __future__ import annotations

from typing import Any

from lakehouse.declare.aggregates.aggregate import Aggregate, Default
from lakehouse.declare.aggregates.facts import Facts, Kept, declared
from lakehouse.declare.calls import declares
from lakehouse.declare.windows import Windows
from lakehouse.errors import described

__all__ = ["First", "Last", "LastK", "Since"]

MOST_LAST = 100
"""The longest list that LastK gives."""

FIRST = declared(
    Facts(
        function="first",
        name="First",
        example="First('country', over=...)",
        column="needed",
        gives="column",
        ordered=True,
        events=(Kept("value"), Kept("count")),
        tiles=(Kept("earliest"),),
    )
)


@declares(FIRST.call)
def First(
    column: str, *, over: Windows, where: str | None = None, default: Default = None
) -> Aggregate:
    """The first value of a column that is not null; an empty window has none.

    Rows are ordered by event time, then known time, then the table's key.
    """
    return Aggregate(FIRST.function, column, over, where, default)


LAST = declared(
    Facts(
        function="last",
        name="Last",
        example="Last('country', over=...)",
        column="needed",
        gives="column",
        ordered=True,
        events=(Kept("value"), Kept("count")),
        tiles=(Kept("latest"),),
    )
)


@declares(LAST.call)
def Last(
    column: str, *, over: Windows, where: str | None = None, default: Default = None
) -> Aggregate:
    """The last value of a column that is not null; an empty window has none.

    Rows are ordered by event time, then known time, then the table's key.
    """
    return Aggregate(LAST.function, column, over, where, default)


def _too_many_or_none(k: Any) -> str | None:
    if isinstance(k, bool) or not isinstance(k, int) or not 1 <= k <= MOST_LAST:
        return f"k is {described(k)}; list 1 to {MOST_LAST} values, as in k=5"
    return None


LAST_K = declared(
    Facts(
        function="last_k",
        name="LastK",
        example="LastK('country', k=5, over=...)",
        column="needed",
        gives="column",
        lists=True,
        refused=_too_many_or_none,
        of_nothing="list",
        said_of_nothing="the last values of nothing are an empty list",
        ordered=True,
        events=(Kept("value"), Kept("count")),
        tiles=(Kept("latest"),),
    )
)


@declares(LAST_K.call)
def LastK(column: str, *, k: int, over: Windows, where: str | None = None) -> Aggregate:
    """The last values of a column that are not null, up to `k`, newest first; [] if there is none.

    Rows are ordered as for Last. `k` is 1 to 100.
    """
    return Aggregate(LAST_K.function, column, over, where, argument=k)


SINCE = declared(
    Facts(
        function="since",
        name="Since",
        example="Since(where=\"country <> 'DE'\", over=...)",
        column="none",
        gives="float",
        events=(Kept("max", of="event time"),),
        tiles=(Kept("max", of="event time"),),
    )
)


@declares(SINCE.call)
def Since(*, over: Windows, where: str | None = None, default: Default = None) -> Aggregate:
    """The seconds from the last row that counts to the moment asked, a float; else there is none.

    They are counted from the row's event time, to the microsecond. A view's delay moves the
    window, not the moment that they are counted to.
    """
    return Aggregate(SINCE.function, None, over, where, default)
