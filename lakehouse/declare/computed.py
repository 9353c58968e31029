"""What is computed of a table's rows: criteria of views, and expressions that aggregates are of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from lakehouse.declare.operands import expression_column, is_column, operand_sql
from lakehouse.declare.tables import Table
from lakehouse.language.expressions.function import Evaluate


@dataclass(frozen=True)
class Computed:
    """The expressions over a table's columns that something needs, each as one column.

    `names` gives the column that holds an expression's values by its text. It is computed once for
    each row, also of rows that a criterion leaves out; an engine that computes it in SQL and a
    stream that computes it in plain Python give the same, or refuse the row alike.
    """

    table: Table
    names: Mapping[str, str]

    @staticmethod
    def of(table: Table, texts: Iterable[str]) -> Computed:
        """Name a column for each text, but for those that are columns of the table already."""
        distinct = dict.fromkeys(text for text in texts if not is_column(table, text))
        return Computed(table, {text: f"_computed_{n}" for n, text in enumerate(distinct)})

    def column(self, text: str) -> str:
        """Return the column that holds what a text says: a computed one, or the table's own."""
        return self.names.get(text, text)

    def sql(self, columns: Mapping[str, str]) -> list[str]:
        """Return the portable SQL that selects each; `columns` maps names to their SQL."""
        return [
            f"{operand_sql(self.table, text, columns)} AS `{name}`"
            for text, name in self.names.items()
        ]

    def evaluators(self, where: str) -> dict[str, Evaluate]:
        """Return what computes each of a row in plain Python, by its column.

        They raise ExpressionError, of which `where` is the subject, where there is no value.
        """
        kinds = {c.name: c.kind for c in self.table.columns}
        return {
            name: expression_column(self.table, text, where).evaluate(kinds, where)
            for text, name in self.names.items()
        }


def with_computed(row: Mapping[str, Any], evaluators: Mapping[str, Evaluate]) -> dict[str, Any]:
    """Return a row with what is computed of it."""
    return {**row, **{name: evaluate(row) for name, evaluate in evaluators.items()}}
