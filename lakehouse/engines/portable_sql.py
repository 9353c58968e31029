"""Portable Spark SQL: the dialect every engine gets, read once into a tree.

The meaning is ANSI: a bad cast, a division by zero or an overflow raises, TRY_CAST gives null.
"""

from __future__ import annotations

from typing import ClassVar

import sqlglot
from sqlglot import exp
from sqlglot.dialects.spark import Spark
from sqlglot.errors import ParseError, TokenError
from sqlglot.parsers.spark import SparkParser

from lakehouse.errors import DeclarationError


class PortableSpark(Spark):
    """Spark SQL whose CAST raises on a bad value, as Spark's own does in ANSI mode."""

    class Tokenizer(Spark.Tokenizer):
        STRING_ESCAPES: ClassVar[list[str]] = ["'", "\\"]  # as since Spark 4.0, 'it''s' is one text

    class Parser(SparkParser):
        STRICT_CAST = True


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


def _first_line(error: Exception) -> str:
    if isinstance(error, ParseError) and error.errors:
        first = error.errors[0]
        return (
            f"SQL is not understood at line {first['line']}, column {first['col']} "
            f"('{first['highlight']}'): {first['description']}."
        )
    return f"SQL is not understood: {str(error).splitlines()[0]}."
