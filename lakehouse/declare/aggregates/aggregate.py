"""One aggregate, as a view declares it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lakehouse.declare.aggregates.facts import Facts, facts_of
from lakehouse.declare.constants import as_declared
from lakehouse.declare.fields import set_fields
from lakehouse.declare.windows import Windows

Default = Any
"""A constant of the feature's kind: int, float, Decimal, str, bool, datetime or date."""


@dataclass(frozen=True)
class Aggregate:
    """One aggregate over one or several windows; written as Count, Sum, Mean, and so on.

    `column` is a column of the view's table or an expression over its columns; a view keeps it in
    one spelling (see `declare.operands`).
    `where` is an expression over the table's columns that selects the rows that count. `default`
    is given instead of null; times and dates are kept as their ISO text. `argument` is what a
    function takes beside its column: how many values LastK lists.

    Raises DeclarationError for a function that there is not.
    """

    function: str
    column: str | None
    over: Windows
    where: str | None = None
    default: Default = None
    argument: Any = None

    def __post_init__(self) -> None:
        facts_of(self.function)
        set_fields(self, default=as_declared(self.default))

    @property
    def facts(self) -> Facts:
        """What is true of its function."""
        return facts_of(self.function)

    @property
    def counted_where(self) -> str | None:
        """The criterion of the rows that a window of so many rows counts, None for all of them."""
        return None if self.facts.compares else self.where
