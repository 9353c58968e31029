"""Expressions as portable Spark SQL, of the same meaning as in plain Python.

What portable SQL promises is relied on: a division by zero and an overflow raise, `least` and
`greatest` skip nulls. What it leaves open is written out where a function is declared: which
operands are evaluated (`nulls`), and in which type numbers of several kinds meet.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal

from lakehouse.errors import LakehouseError, unknown
from lakehouse.language.expressions.functions import EVERY
from lakehouse.language.expressions.nodes import Call, Literal, Name, Node
from lakehouse.language.expressions.nulls import asked_first, is_strict


def to_sql(node: Node, names: Mapping[str, str]) -> str:
    """Return an expression as portable Spark SQL.

    `names` maps each name to the SQL of its column, quoted where need be. `/` divides doubles.
    `and` and `or` protect what stands to the right of them, as `case` does. Raises
    LakehouseError for a name that `names` does not hold.

    >>> from lakehouse.language.expressions import parse
    >>> print(to_sql(parse("amount_eur > 220 and note is null"), {"amount_eur": "a", "note": "n"}))
    ((a > CAST(220 AS BIGINT)) AND (n IS NULL))
    """
    return _Writer(names).write(node)


class _Writer:
    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = names

    def write(self, node: Node) -> str:
        """An expression, in which null decides before anything is computed."""
        asked = asked_first(node) if isinstance(node, Call) and is_strict(node) else []
        nulls = " ".join(f"WHEN {self.write(operand)} IS NULL THEN NULL" for operand in asked)
        return f"CASE {nulls} ELSE {self._within(node)} END" if nulls else self._within(node)

    def _within(self, node: Node) -> str:
        """An expression as a part of a computation, whose operands were asked for null."""
        if isinstance(node, Literal):
            return _literal(node.value)
        if isinstance(node, Name):
            if node.name not in self._names:
                raise LakehouseError(unknown("column", node.name, self._names, "The expression"))
            return self._names[node.name]
        function = EVERY[node.function]
        if function.sql is None:
            assert function.means is not None
            return self.write(function.means(node))
        return function.sql(node, self._within if is_strict(node) else self.write)


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
