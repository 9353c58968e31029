"""Which columns an expression of a query sees."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlglot import exp

from lakehouse.language.sql.types import SqlType

Columns = Mapping[str, SqlType | None]
"""The types of columns by their names in small letters; None where a type is not known."""


class Scope:
    """The sources of a SELECT under their aliases, and what the query around it sees.

    `selected` are the types of what the SELECT has named so far, which later parts may name.
    """

    def __init__(self, sources: Sequence[tuple[str, Columns]], outer: Scope | None = None) -> None:
        self._sources = [(alias.lower(), columns) for alias, columns in sources]
        self._outer = outer
        self.selected: dict[str, SqlType | None] = {}

    def type_of(self, column: exp.Column) -> SqlType | None:
        """The type of a column; None where no source is known to have it."""
        table, name = column.table.lower(), column.name.lower()
        for alias, columns in self._sources:
            if table in ("", alias) and name in columns:
                return columns[name]
        if not table and name in self.selected:
            return self.selected[name]
        return self._outer.type_of(column) if self._outer is not None else None

    def star(self, table: str) -> list[tuple[str, SqlType | None]]:
        """The columns that a star stands for."""
        return [
            column
            for alias, columns in self._sources
            if table.lower() in ("", alias)
            for column in columns.items()
        ]
