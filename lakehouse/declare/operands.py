"""What an aggregate is of: a column of its table, or an expression over its columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from lakehouse.declare.aggregates import Aggregate
from lakehouse.declare.columns import Column
from lakehouse.declare.tables import Table, table_column
from lakehouse.errors import DeclarationError
from lakehouse.language import expressions
from lakehouse.language.expressions.column import ExpressionColumn, approximate


def operand(table: Table, text: str, where: str = "") -> Column:
    """Return what a text stands for in the place of a column: its name, type, and whose it is.

    The name of a column is that column, whatever it looks like; anything else is an expression
    over the table's columns. What is computed of a personal column is personal. `where` is the
    subject of errors.

    Raises DeclarationError for an unknown column and a wrong expression, and for one that is the
    same for every row.
    """
    if is_column(table, text):
        return table_column(table, text, where)
    subject = where or f"Table '{table.name}'"
    node = expressions.parse(text, subject)
    if isinstance(node, expressions.Name):
        return table_column(table, node.name, where)
    named = [table_column(table, name, where) for name in expressions.names(node)]
    if not named:
        raise DeclarationError(
            f'{subject}: "{text}" names no column, and is the same for every row; write a column '
            "or an expression over columns, or count rows with Count."
        )
    column = expression_column(table, text, subject)
    personal = any(c.personal for c in named)
    return Column(text, column.kind, nullable=True, scale=column.scale, personal=personal)


def expression_column(table: Table, text: str, where: str) -> ExpressionColumn:
    """Return a text as an expression over a table's columns."""
    kinds = {c.name: c.kind for c in table.columns}
    scales = {c.name: c.scale for c in table.columns}
    return ExpressionColumn.of(expressions.parse(text, where), kinds, scales, where)


def operand_sql(table: Table, text: str, columns: Mapping[str, str]) -> str:
    """Return the portable SQL of a column or an expression; `columns` maps names to their SQL."""
    if is_column(table, text):
        return columns[text]
    return expression_column(table, text, f"Table '{table.name}'").sql(columns)


def is_column(table: Table, text: str) -> bool:
    """Whether a text is the name of one of a table's columns."""
    return any(c.name == text for c in table.columns)


def names_of(table: Table, text: str) -> list[str]:
    """Return the columns that a column's name or an expression is computed from."""
    if is_column(table, text):
        return [text]
    return list(expressions.names(expressions.parse(text)))


def approximate_in(table: Table, text: str) -> str | None:
    """Return the function by which an operand is the same everywhere to some digits only.

    None for what is the same to the bit, as a column is.
    """
    return None if is_column(table, text) else approximate(expressions.parse(text))


def in_one_spelling(table: Table, aggregate: Aggregate, where: str) -> Aggregate:
    """Return an aggregate whose expression is spelt as every equal text is; a column stays.

    Raises DeclarationError for what is neither a column nor an expression.
    """
    text = aggregate.column
    if text is None or is_column(table, text):
        return aggregate
    node = expressions.parse(text, where)
    if isinstance(node, expressions.Name):
        return replace(aggregate, column=node.name)
    return replace(aggregate, column=expressions.in_one_spelling(text, where))
