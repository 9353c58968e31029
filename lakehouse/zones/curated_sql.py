"""A curated table's SQL against what is declared: its inputs' contracts, and its own.

What does not fit is told before anything is taken in: nothing is read, and no engine is loaded.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlglot import exp

from lakehouse.declare.contract import Column
from lakehouse.declare.domain import Domain
from lakehouse.declare.tables import Cleaned, Curated, Table
from lakehouse.errors import DeclarationError, unknown
from lakehouse.language.kinds import MAX_DECIMAL_PRECISION, Kind
from lakehouse.language.provenance import CARRIED, KNOWN_AT
from lakehouse.language.sql import portable
from lakehouse.language.sql.typed import typed
from lakehouse.language.sql.typed_expressions import type_of
from lakehouse.language.sql.types import (
    BIGINT,
    BOOLEAN,
    DATE,
    DOUBLE,
    STRING,
    TIMESTAMP,
    SqlType,
    decimal,
)

PROVENANCE = dict(zip(CARRIED, (STRING, BIGINT, BIGINT, TIMESTAMP), strict=True))
"""The types of the columns that a cleaned table has beside those of its contract."""
_TYPES: dict[Kind, SqlType] = {
    "string": STRING,
    "int": BIGINT,
    "float": DOUBLE,
    "bool": BOOLEAN,
    "timestamp": TIMESTAMP,
    "date": DATE,
}


def check_domain(domain: Domain) -> None:
    """Raise DeclarationError for the first curated table whose SQL does not fit (`check_sql`)."""
    for table in domain.curated:
        check_sql(table)


def check_sql(table: Curated) -> None:
    """Hold a curated table's SQL against the contracts of its inputs, and its result to its own.

    Raises DeclarationError, naming the table and what to write instead, for SQL that is not
    portable, a table or a column that is no input's, types that do not fit one another, and a
    column of the contract that the result lacks or has in another type.
    """
    where = f"Curated table '{table.name}'"
    inputs = {t.name: _columns(t) for t in table.inputs}
    query = planned(table, inputs)
    try:
        typed_query = typed(query, {n.lower(): _in_small_letters(of) for n, of in inputs.items()})
    except DeclarationError as error:
        raise DeclarationError(f"{where}: {error}") from error
    there = {name for columns in inputs.values() for name in columns}
    for column in typed_query.find_all(exp.Column):
        if type_of(column) is None and not column.is_star:
            subject = f"{where}: what it reads"
            raise DeclarationError(unknown("column", column.name, there, subject))
    found = {selected.alias_or_name: type_of(selected) for selected in typed_query.selects}
    for wanted in table.columns:
        converted(wanted, found, where)


def planned(table: Curated, inputs: Mapping[str, Iterable[str]]) -> exp.Query:
    """A curated table's SQL over inputs of these columns, with a last column `_known_at`.

    Raises DeclarationError for SQL that is not portable, or reads a table that is no input.
    """
    where = f"Curated table '{table.name}'"
    tree = portable.parse(table.sql, where)
    for name in portable.input_names(tree):
        if name not in inputs:
            raise DeclarationError(unknown("input", name, inputs, where))
    return portable.add_known_at(tree, {n: tuple(of) for n, of in inputs.items()}, where)


def converted(column: Column, result: Mapping[str, SqlType | None], where: str) -> bool:
    """Whether a column of the result has to be cast to the type that the contract declares.

    `result` holds the types of its columns. Raises DeclarationError for a column that is not
    among them, and where not every value of its type stands in the declared one as it is.
    """
    if column.name not in result:
        raise DeclarationError(unknown("column", column.name, result, f"{where}: the SQL's result"))
    kind, declared = result[column.name], declared_type(column)
    if kind == declared:
        return False
    if kind is None or not _fits(kind, declared):
        raise DeclarationError(
            f"{where}: column '{column.name}' is declared as {column.kind} and the SQL gives "
            f"{kind or 'another type'}; write CAST(… AS {declared}) AS {column.name} if that is "
            "meant."
        )
    return True


def declared_type(column: Column) -> SqlType:
    """The type of a column in the tables.

    >>> str(declared_type(Column("amount_eur", "decimal", scale=2)))
    'DECIMAL(18, 2)'
    """
    if column.kind == "decimal":
        return decimal(MAX_DECIMAL_PRECISION, column.scale or 0)
    return _TYPES[column.kind]


def _fits(kind: SqlType, declared: SqlType) -> bool:
    """Whether every value of a type stands in the declared type as it is."""
    if declared.name == "DECIMAL":
        return kind.name == "DECIMAL" and kind.scale <= declared.scale
    return declared == BIGINT and kind.is_exact and kind.name != "DECIMAL"


def _columns(table: Table) -> dict[str, SqlType]:
    own = {c.name: declared_type(c) for c in table.columns}
    return own | (PROVENANCE if isinstance(table, Cleaned) else {KNOWN_AT: TIMESTAMP})


def _in_small_letters(columns: Mapping[str, SqlType]) -> dict[str, SqlType | None]:
    return {name.lower(): kind for name, kind in columns.items()}
