"""Casts of portable SQL in DuckDB, by the types that they are between.

Text is held against one pattern before it is cast, so that DuckDB's own idea of a number or a time
does not show. Error texts hold no values: these may be personal.
"""

from __future__ import annotations

from sqlglot import exp

from lakehouse.engines.embedded.nodes import call, error, once, plain_cast, text
from lakehouse.language.sql.text_casts import PATTERNS, WHAT, Cast
from lakehouse.language.sql.typed_expressions import set_type, type_of
from lakehouse.language.sql.types import SqlType

_DUCKDB = {"INT": "INTEGER", "STRING": "VARCHAR", "TIMESTAMP": "TIMESTAMPTZ"}
_OF_TEXT: dict[str, Cast] = {
    "INT": "int",
    "BIGINT": "bigint",
    "DOUBLE": "double",
    "DECIMAL": "decimal",
    "BOOLEAN": "boolean",
    "DATE": "date",
    "TIMESTAMP": "timestamp",
}


def duckdb_type(kind: SqlType) -> str:
    """A type of portable SQL as DuckDB names it."""
    return _DUCKDB.get(kind.name, str(kind))


def cast_in_place(node: exp.Expr, to: SqlType) -> None:
    """Put DuckDB's own cast around an expression, of which each value is one of the type."""
    made = exp.Cast(to=exp.DataType.build(duckdb_type(to), dialect="duckdb"))
    set_type(made, to)
    node.replace(made)
    made.set("this", node)


def cast(node: exp.Expr) -> exp.Expr:
    """A CAST or TRY_CAST of portable SQL, between known types."""
    to, value = type_of(node), node.this
    kind = type_of(value)
    if to is None or kind is None or kind.name == "NULL":
        return node
    attempt = isinstance(node, exp.TryCast)
    if kind.name == "STRING":
        return _of_text(value, to, attempt)
    if to.name == "STRING":
        shown = plain_cast(value, "VARCHAR")
        if kind.name == "TIMESTAMP":
            return call("regexp_replace", shown, text("[+]00$"), text(""))
        return shown
    if to.name == "BOOLEAN" and kind.is_number:
        return exp.Paren(this=exp.NEQ(this=exp.paren(value), expression=exp.Literal.number(0)))
    if to.name in ("INT", "BIGINT") and kind.name in ("DOUBLE", "DECIMAL"):
        value = call("trunc", value)
    if to.name == "DECIMAL" and kind.name == "DOUBLE":
        value = plain_cast(value, "VARCHAR")  # its shortest text, which then rounds half up
    if to.name == "DECIMAL" and kind.name == "BOOLEAN":
        value = plain_cast(value, "INTEGER")
    return plain_cast(value, duckdb_type(to), attempt)


def _of_text(value: exp.Expr, to: SqlType, attempt: bool) -> exp.Expr:
    if to.name == "STRING":
        return value
    of_text = _OF_TEXT[to.name]
    is_literal = isinstance(value, exp.Literal)
    if is_literal and not attempt and PATTERNS[of_text].fullmatch(value.this):
        # A checked literal is a constant, so that files and rows can be pruned by it.
        return plain_cast(text(value.this.strip()), duckdb_type(to))
    complaint = f"CAST to {duckdb_type(to)}: a text is not a {WHAT[of_text]}"

    def checked(node: exp.Expr) -> exp.Expr:
        fits = call("regexp_full_match", node.copy(), text(PATTERNS[of_text].pattern))
        read = plain_cast(call("trim", node.copy()), duckdb_type(to), attempt)
        if attempt:
            return exp.Case(ifs=[exp.If(this=fits, true=read)])
        wrong = exp.If(this=exp.Not(this=fits), true=error(complaint))
        return exp.Case(ifs=[wrong], default=read)

    return once(value, checked)
