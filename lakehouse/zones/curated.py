"""The curated zone: business tables, each the whole result of its SQL over other tables."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pyarrow as pa

from lakehouse.context import Context
from lakehouse.declare.compiled import to_data
from lakehouse.declare.tables import Curated
from lakehouse.engines.arrow_types import MICROSECONDS
from lakehouse.engines.failures import QueryError
from lakehouse.engines.protocol import Frame
from lakehouse.errors import DeclarationError
from lakehouse.language.provenance import KNOWN_AT
from lakehouse.language.sql import literals
from lakehouse.language.sql import portable as portable_sql
from lakehouse.language.sql.types import (
    BIGINT,
    BOOLEAN,
    DATE,
    DOUBLE,
    INT,
    STRING,
    TIMESTAMP,
    SqlType,
)
from lakehouse.records.store import Run
from lakehouse.zones.curated_checks import check_result
from lakehouse.zones.curated_sql import converted, planned
from lakehouse.zones.derivation import Derivation, derive
from lakehouse.zones.typing_grammar import sql_type

DECLARATION = "lakehouse.declaration"
"""What a commit's metadata keeps besides inputs and rows: the digest of SQL and columns."""


def curate(ctx: Context, table: Curated) -> Derivation:
    """Compute a curated table anew if an input or its declaration changed, and return what it is.

    The SQL sees every row of its inputs: of a table with on_conflict="history" all versions, told
    apart by `_known_at`. The result is cut to the contract's columns and gets `_known_at`, when
    the last of a row's inputs was known, unless the SQL gives it.

    Raises DeclarationError for SQL that is not portable and for a result column that is missing or
    of another type than declared; ContractViolation, before anything is written, for a result that
    repeats a key or fails another check.
    """
    with ctx.run("curated", table.name) as run, _naming(table):
        at = ctx.pinned(table.inputs)

        def make() -> tuple[Frame, int]:
            result = _result(at, table, run)
            return result, check_result(at, table, result)

        inputs, facts = at.data_versions(table.inputs), {DECLARATION: _declared(table)}
        done = derive(ctx, run, ctx.table_of(table), inputs, facts, make)
        run.metrics |= done.metrics
        return done


@contextmanager
def _naming(table: Curated) -> Iterator[None]:
    """Say in an engine's error whose SQL it is about: only here that is known."""
    where = f"Curated table '{table.name}'"
    try:
        yield
    except (QueryError, DeclarationError) as error:
        if str(error).startswith(where):
            raise
        raise type(error)(f"{where}: {error}") from error


def _declared(table: Curated) -> str:
    """The digest of what decides the rows: the SQL and the columns with their checks."""
    columns = [to_data(column) for column in table.columns]
    text = json.dumps([table.sql, columns], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _result(ctx: Context, table: Curated, run: Run) -> Frame:
    """The table's SQL over its inputs, in the columns and types of the contract."""
    frames = {t.name: ctx.read(t, run) for t in table.inputs}
    query = planned(table, {name: ctx.engine.columns(frame) for name, frame in frames.items()})
    result = ctx.engine.query(portable_sql.render(query), frames)
    none = ctx.engine.query("SELECT * FROM result WHERE FALSE", {"result": result})
    found = {field.name: _portable(field.type) for field in ctx.engine.to_arrow(none).schema}
    where = f"Curated table '{table.name}'"
    selected = ", ".join(
        f"CAST({name} AS {sql_type(column)}) AS {name}" if converted(column, found, where) else name
        for column in table.columns
        for name in (literals.name(column.name),)
    )
    return ctx.engine.query(
        f"SELECT {selected}, {literals.name(KNOWN_AT)} FROM result", {"result": result}
    )


def _portable(arrow: Any) -> SqlType | None:
    """The type of portable SQL that a column of an engine's answer has; None if it has none."""
    if pa.types.is_decimal(arrow):
        return SqlType("DECIMAL", arrow.precision, arrow.scale)
    if pa.types.is_integer(arrow):
        return BIGINT if arrow == pa.int64() else INT
    if str(arrow) in ("string", "large_string", "string_view"):
        return STRING
    types = {pa.float64(): DOUBLE, pa.bool_(): BOOLEAN, pa.date32(): DATE, MICROSECONDS: TIMESTAMP}
    return types.get(arrow)
