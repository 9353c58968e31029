"""Expressions as portable Spark SQL, of the same meaning as in plain Python.

What portable SQL promises is relied on: a division by zero and an overflow raise, `least` and
`greatest` skip nulls. What it leaves open is written out where a function is declared: which
operands are evaluated, and in which type numbers of several kinds meet.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal

from lakehouse.errors import LakehouseError, unknown
from lakehouse.language.expressions.functions import EVERY
from lakehouse.language.expressions.nodes import Literal, Name, Node


def to_sql(node: Node, names: Mapping[str, str]) -> str:
    """Return an expression as portable Spark SQL.

    `names` maps each name to the SQL of its column, quoted where need be. `/` divides doubles.
    `and` and `or` protect what stands to the right of them, as `case` does. Raises
    LakehouseError for a name that `names` does not hold.

    >>> from lakehouse.language.expressions import parse
    >>> print(to_sql(parse("amount_eur > 220 and note is null"), {"amount_eur": "a", "note": "n"}))
    ((a > CAST(220 AS BIGINT)) AND (n IS NULL))
    """
    if isinstance(node, Literal):
        return _literal(node.value)
    if isinstance(node, Name):
        if node.name not in names:
            raise LakehouseError(unknown("column", node.name, names, "The expression"))
        return names[node.name]
    function = EVERY[node.function]
    if function.sql is None:
        assert function.means is not None
        return to_sql(function.means(node), names)
    return function.sql(node, lambda argument: to_sql(argument, names))


def _literal(value: int | Decimal | str | bool | date | datetime | None) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int):
        return f"CAST({value} AS BIGINT)"
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, datetime):
        return f"CAST('{value.isoformat(' ', 'microseconds')[:26]}' AS TIMESTAMP)"
    if isinstance(value, date):
        return f"CAST('{value.isoformat()}' AS DATE)"
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
