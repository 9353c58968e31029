"""The embedded engine's lazy table: DuckDB SQL, and the Arrow tables it reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from lakehouse.engines.table_files import Read
from lakehouse.language.sql.types import SqlType


@dataclass(frozen=True, eq=False)
class DuckFrame:
    """A SELECT that names no table but its own Arrow tables, and the columns it gives.

    A frame is text, so nothing has to stay registered in the connection for it to live: the
    Arrow tables, under names no other frame uses, are registered where the text is run. `holds`
    are things that must live as long as the frame, such as a folder of spilled rows. `computed`
    is its answer where that is at hand: an Arrow table, or what gives one by `read_all()`. `read`
    is how its rows were read, where they are columns of a table that `Engine.read` returned.
    """

    sql: str
    columns: tuple[tuple[str, str], ...]
    tables: Mapping[str, Any] = field(default_factory=dict, repr=False)
    holds: tuple[Any, ...] = field(default=(), repr=False)
    computed: Any = field(default=None, repr=False)
    read: Read | None = None

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.columns]


def quoted(name: str) -> str:
    """A name as an SQL identifier.

    >>> print(quoted('the "key" column'))
    "the ""key"" column"
    """
    return '"' + name.replace('"', '""') + '"'


def text(value: str) -> str:
    """A text as an SQL literal.

    >>> text("it's")
    "'it''s'"
    """
    return "'" + value.replace("'", "''") + "'"


def listed(names: Iterable[str]) -> str:
    """Names as a list of SQL identifiers."""
    return ", ".join(quoted(name) for name in names)


def exact_columns(columns: Iterable[tuple[str, str]]) -> tuple[list[str], bool]:
    """Return the projection that gives columns the lake's types, and if it changes any.

    Naive times become times of UTC, whole numbers beyond 64 bits and decimals beyond 18 digits
    are cast to these widths, which raises where a value does not fit.
    """
    projection, changed = [], False
    for name, kind in columns:
        wanted = lake_type(kind)
        changed = changed or wanted != kind
        cast = quoted(name) if wanted == kind else f"CAST({quoted(name)} AS {wanted})"
        projection.append(f"{cast} AS {quoted(name)}")
    return projection, changed


_LAKE_TYPES = {
    "TIMESTAMP": "TIMESTAMP WITH TIME ZONE",
    "TIMESTAMP_S": "TIMESTAMP WITH TIME ZONE",
    "TIMESTAMP_MS": "TIMESTAMP WITH TIME ZONE",
    "TIMESTAMP_NS": "TIMESTAMP WITH TIME ZONE",
    "HUGEINT": "BIGINT",
    "UHUGEINT": "BIGINT",
    "UBIGINT": "BIGINT",
    "UINTEGER": "BIGINT",
    "USMALLINT": "INTEGER",
    "UTINYINT": "SMALLINT",
    "UUID": "VARCHAR",
    '"NULL"': "VARCHAR",
}


def lake_type(kind: str) -> str:
    """The type of the lake that a DuckDB type stands for.

    >>> lake_type("DECIMAL(38,2)"), lake_type("HUGEINT"), lake_type("VARCHAR[]")
    ('DECIMAL(18,2)', 'BIGINT', 'VARCHAR[]')
    """
    if kind.startswith("DECIMAL(") and kind.endswith(")"):
        precision, scale = (int(part) for part in kind[8:-1].split(","))
        return kind if precision <= 18 else f"DECIMAL(18,{min(scale, 18)})"
    if kind.startswith("ENUM("):
        return "VARCHAR"
    return _LAKE_TYPES.get(kind, kind)


_PORTABLE = {
    "INTEGER": "INT",
    "BIGINT": "BIGINT",
    "DOUBLE": "DOUBLE",
    "VARCHAR": "STRING",
    "BOOLEAN": "BOOLEAN",
    "DATE": "DATE",
    "TIMESTAMP WITH TIME ZONE": "TIMESTAMP",
}


def portable_type(kind: str) -> SqlType | None:
    """The type of portable SQL that a DuckDB type is; None for what curated SQL does not type.

    >>> str(portable_type("DECIMAL(18,2)")), portable_type("VARCHAR[]")
    ('DECIMAL(18, 2)', None)
    """
    if kind.startswith("DECIMAL(") and kind.endswith(")"):
        digits, scale = (int(part) for part in kind[8:-1].split(","))
        return SqlType("DECIMAL", digits, scale)
    name = _PORTABLE.get(kind)
    return SqlType(name) if name is not None else None
