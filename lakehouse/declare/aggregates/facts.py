"""What is true of each function that a window is aggregated by: one row of facts for each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from lakehouse.errors import DeclarationError, unknown
from lakehouse.language.kinds import Kind

Merged = Literal["count", "sum", "squares", "min", "max", "value", "earliest", "latest", "line"]
"""How numbers that the online store keeps of rows become one (see `features.online.layout`)."""
ANY_KIND: tuple[Kind, ...] = ("string", "int", "float", "decimal", "bool", "timestamp", "date")


@dataclass(frozen=True)
class Kept:
    """One number that the online store keeps of a row, or of all rows of a tile.

    It is of the aggregate's column or of the table's event time, and of the rows for which `where`
    is true, or of all of them.
    """

    merged: Merged
    of: Literal["column", "event time"] = "column"
    whatever_where: bool = False


@dataclass(frozen=True)
class Facts:
    """What declarations, engines and stores have to know of a function.

    `function` is its name in data, `name` the constructor's, and `example` how that is written.
    `column` says whether it takes a column, `takes` of which kinds. The value is of the kind
    `gives`: the column's own with "column", and with "total" too, but for truths, which are added
    up. `lists` says that it is a list of up to `argument` values.

    `of_nothing` is the value over no rows; where that is not null no default stands in for it, and
    `said_of_nothing` says why. `refused` says of a function's own argument what is wrong with it.

    `ordered` functions depend on the order of rows, down to their keys. One that `compares` needs
    a `where`, and is of the rows for which it is not true too. One that `counts` gives away
    nothing of its column's values. One that `tells_apart` which values are equal takes none that
    engines agree in to some digits only. `rounds` says when sums are rounded on the way, and
    `among` what the rounding is a share of: the sum or the mean of absolute values, or the
    slope by the day that they could have if nothing cancelled.

    `events` and `tiles` are what the online store keeps. Where `untiled` is given instead of
    tiles, the function takes no windows with an edge, as they would need every value: it holds
    what those values are, and what to do with them instead.
    """

    function: str
    name: str
    example: str
    column: Literal["needed", "optional", "none"]
    gives: Kind | Literal["column", "total"]
    events: tuple[Kept, ...]
    takes: tuple[Kind, ...] = ANY_KIND
    tiles: tuple[Kept, ...] = ()
    untiled: tuple[str, str] | None = None
    of_nothing: Literal["null", "zero", "list"] = "null"
    said_of_nothing: str = ""
    refused: Callable[[Any], str | None] | None = None
    lists: bool = False
    ordered: bool = False
    compares: bool = False
    counts: bool = False
    tells_apart: bool = False
    rounds: Literal["never", "floats", "always"] = "never"
    among: Literal["sum", "mean", "slope"] = "sum"

    @property
    def call(self) -> str:
        """`example` as it can be written, over a window."""
        return self.example.replace("over=...", "over=last('7d')")


FACTS: dict[str, Facts] = {}
"""The facts of each function by its name; `declared` adds to them."""


def declared(facts: Facts) -> Facts:
    """Make a function known; raises DeclarationError if another has its name."""
    if facts.function in FACTS:
        raise DeclarationError(
            f"Function '{facts.function}' is declared twice; give the other another name."
        )
    if bool(facts.tiles) == (facts.untiled is not None):
        raise DeclarationError(
            f"Function '{facts.function}': give tiles=(...) for windows with an edge, or say in "
            "untiled=(...) why it takes none."
        )
    FACTS[facts.function] = facts
    return facts


def facts_of(function: str) -> Facts:
    """The facts of a function; raises DeclarationError if there is none of that name."""
    if function not in FACTS:
        raise DeclarationError(unknown("aggregate", function, FACTS, "lakehouse.declare"))
    return FACTS[function]
