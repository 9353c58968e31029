"""The two forms of a function outside of the engines: of stored numbers, and of plain rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from lakehouse.declare.features import Aggregate, WindowedFeature
from lakehouse.features.online.read.parts import Evaluate, Places


class ExplainedRows(NamedTuple):
    """The rows that a value is made of, in their order: what the function is of in each of them.

    Without a column that is True; of a function that compares, whether `where` is true. Times are
    UTC microseconds; `at_us` is the moment asked.
    """

    feature: WindowedFeature
    values: Sequence[Any]
    event_us: Sequence[int]
    at_us: int


def all_rows(_: Aggregate, count: int) -> slice:
    """A value is made of every row that counts."""
    return slice(0, count)


Together = Callable[..., list[Any] | None]
"""From a feature, its first slot and lists of sums, one for each slot, to the values."""


@dataclass(frozen=True)
class Form:
    """How a function's value comes out of what the online store keeps, and out of rows.

    `online` makes the function from a window's parts to a value; `explained` gives the value of
    rows, None where there is none, and `made_of` says which of so many rows that count, in their
    order, it is made of. `together` merges whole numbers of many entities at once: where it is
    None, or gives None, they are asked one by one.
    """

    online: Callable[[WindowedFeature, Places], Evaluate]
    explained: Callable[[ExplainedRows], Any]
    made_of: Callable[[Aggregate, int], slice] = all_rows
    together: Together | None = None
