"""Portable Spark SQL: the dialect every engine gets, read once into a tree.

The meaning is ANSI: a bad cast, a division by zero or an overflow raises, TRY_CAST gives null.
`/` is a division of floats. Times are UTC, a string literal may double its quotes.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import ClassVar

import sqlglot
from sqlglot import exp
from sqlglot.dialects.spark import Spark
from sqlglot.errors import ParseError, TokenError
from sqlglot.parsers.spark import SparkParser

from lakehouse.errors import DeclarationError
from lakehouse.language.kinds import MAX_DECIMAL_PRECISION
from lakehouse.language.sql import functions
from lakehouse.language.sql.known_at import add_known_at
from lakehouse.language.sql.proposals import PROPOSALS

__all__ = ["PortableSpark", "add_known_at", "input_names", "parse", "read", "render"]


class PortableSpark(Spark):
    """Spark SQL whose CAST raises on a bad value, as Spark's own does in ANSI mode."""

    class Tokenizer(Spark.Tokenizer):
        STRING_ESCAPES: ClassVar[list[str]] = ["'", "\\"]  # as since Spark 4.0, 'it''s' is one text

    class Parser(SparkParser):
        STRICT_CAST = True


_LISTED = "FUNCTIONS in lakehouse.language.sql.functions lists what is"


def read(sql: str, where: str) -> exp.Expr:
    """Read one statement or expression of Spark SQL into its tree, whatever it uses.

    Raises DeclarationError saying `where` and the place for text that is no SQL.
    """
    try:
        trees = sqlglot.parse(sql, dialect=PortableSpark)
    except (ParseError, TokenError) as error:
        raise DeclarationError(f"{where}: {_first_line(error)}") from error
    found = [tree for tree in trees if tree is not None]
    if len(found) != 1:
        raise DeclarationError(f"{where}: give one SQL statement, not {len(found)}.")
    return found[0]


def parse(sql: str, where: str) -> exp.Query:
    """Read a SELECT of portable SQL; tables may stand in braces, as in `FROM {payments}`.

    Raises DeclarationError for everything that is not portable, naming it and what to write.

    >>> parse("SELECT a FROM {t} WHERE b / 2 > 1", "Curated table 'x'").sql("spark")
    'SELECT a FROM `t` WHERE b / 2 > 1'
    """
    tree = read(re.sub(r"\{([a-z0-9_]+)\}", r"`\1`", sql), where)
    if not isinstance(tree, exp.Select | exp.SetOperation):
        raise DeclarationError(f"{where}: SQL must be a SELECT, this is {tree.key.upper()}.")
    for node in tree.walk():
        refused = _refusal(node)
        if refused is not None:
            raise DeclarationError(f"{where}: {refused}.")
    return tree


def render(tree: exp.Expr) -> str:
    """Return a tree as portable SQL, which `read` reads again."""
    return str(tree.sql(dialect=PortableSpark))


def input_names(tree: exp.Expr) -> list[str]:
    """Return the tables a query reads, each once, in order; its own CTEs are none."""
    own = {cte.alias.lower() for cte in tree.find_all(exp.CTE)}
    found: dict[str, None] = {}
    for table in tree.find_all(exp.Table):
        if table.args.get("db"):
            found[render(table)] = None
        elif table.name.lower() not in own:
            found[table.name] = None
    return list(found)


def _refusal(node: exp.Expr) -> str | None:
    """Why a node is not portable, and what to write instead; None if it is."""
    kind = type(node)
    if kind is exp.Anonymous:
        return None if functions.call_of(node) else _instead(node.name.lower())
    if kind not in functions.classes():
        name = node.sql_name() if isinstance(node, exp.Func) else kind.__name__
        return _instead(name.lower(), kind.__name__)
    if isinstance(node, exp.Cast | exp.TryCast):
        return _refused_cast(node.args["to"])
    if isinstance(node, exp.Like):
        pattern = node.expression
        if not (isinstance(pattern, exp.Literal) and "\\" not in pattern.this):
            return "LIKE takes a pattern written as text, without backslashes"
    if isinstance(node, exp.Join) and node.args.get("method"):
        return f"{node.args['method']} JOIN is not portable: write JOIN … ON"
    if isinstance(node, exp.Window):
        call = functions.call_of(node.this)
        ranks = call is not None and call.function.role == "rank"
        if ranks and node.args.get("order") is None:
            return f"{node.this.sql_name().lower()}() OVER (…) needs an ORDER BY"
    counted = isinstance(node, exp.Distinct) and isinstance(node.parent, exp.Count)
    if counted and len(node.expressions) > 1:
        return "count(DISTINCT …) takes one column: group by them in a subquery and count"
    if isinstance(node, exp.Table) and (node.args.get("db") or node.args.get("when")):
        return f"table {render(node)} is no input: name inputs as {{table}}"
    return None


def _refused_cast(to: exp.Expr) -> str | None:
    if to.this not in functions.CAST_TYPES:
        return f"type {render(to)} is none of {functions.TYPE_NAMES}"
    if to.this == exp.DType.DECIMAL:
        given = [int(p.name) for p in to.expressions]
        if len(given) != 2:
            return "DECIMAL needs its digits: write DECIMAL(18, 2)"
        if given[0] > MAX_DECIMAL_PRECISION:
            return f"DECIMAL({given[0]}, {given[1]}) has more than {MAX_DECIMAL_PRECISION} digits"
    return None


def _instead(name: str, class_name: str = "") -> str:
    proposal = PROPOSALS.get(class_name) or PROPOSALS.get(name)
    if proposal is None:
        close = get_close_matches(name, functions.FUNCTIONS, n=1, cutoff=0.7)
        proposal = f"close to it is {functions.FUNCTIONS[close[0]]}" if close else _LISTED
    return f"'{name}' is not portable SQL; {proposal}"


def _first_line(error: Exception) -> str:
    if isinstance(error, ParseError) and error.errors:
        first = error.errors[0]
        return (
            f"SQL is not understood at line {first['line']}, column {first['col']} "
            f"('{first['highlight']}'): {first['description']}."
        )
    return f"SQL is not understood: {str(error).splitlines()[0]}."
