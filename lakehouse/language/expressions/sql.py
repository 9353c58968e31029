"""Expressions as portable Spark SQL, of the same meaning as in plain Python.

What portable SQL promises is relied on: a division by zero and an overflow raise, `least` and
`greatest` skip nulls. What it leaves open is written out: which operands are evaluated, and in
which type numbers of several kinds meet.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from lakehouse.errors import LakehouseError, unknown
from lakehouse.language.expressions import Call, Literal, Name, Node

_INFIX = {"+", "-", "*", "%", "=", "<>", "<", "<=", ">", ">="}
_DECIDES = {"and": "FALSE", "or": "TRUE"}
_RAISING = {"/", "%"}
_PLAIN = {
    "abs",
    "coalesce",
    "day",
    "greatest",
    "hour",
    "least",
    "length",
    "lower",
    "minute",
    "month",
    "upper",
    "weekday",
}


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
    function = node.function
    if function in _DECIDES:
        return _logic(node, names)
    if function == "in":
        return _in(node, names)
    if function == "between":
        value, low, high = node.arguments
        both = Call("and", (Call(">=", (value, low)), Call("<=", (value, high))))
        return to_sql(both, names)
    arguments = [to_sql(a, names) for a in node.arguments]
    if function in _INFIX:
        return f"({arguments[0]} {function} {arguments[1]})"
    if function in _PLAIN:
        return f"{function.upper()}({', '.join(arguments)})"
    if function == "case":
        return _case(arguments)
    return _SPECIAL[function].format(*arguments)


_SPECIAL = {
    "/": "(CAST({0} AS DOUBLE) / CAST({1} AS DOUBLE))",
    "not": "(NOT {0})",
    "neg": "(- {0})",
    "is_null": "({0} IS NULL)",
    "float": "CAST({0} AS DOUBLE)",
    # NULLIF has the type of its first argument alone; here it is what both have in common.
    "nullif": "CASE WHEN {0} = {1} THEN NULL WHEN TRUE THEN {0} ELSE {1} END",
}


def _literal(value: int | Decimal | str | bool | None) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int):
        return f"CAST({value} AS BIGINT)"
    if isinstance(value, Decimal):
        return f"{value:f}"
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _logic(node: Call, names: Mapping[str, str]) -> str:
    """Operands from left to right; what an earlier one decides, a later one does not spoil.

    An engine may evaluate both sides of AND. Where a later operand can raise, CASE asks the
    earlier ones first.
    """
    operands = _operands(node, node.function)
    written = [to_sql(operand, names) for operand in operands]
    plain = f"({f' {node.function.upper()} '.join(written)})"
    raising = [place for place, operand in enumerate(operands) if place and _may_raise(operand)]
    if not raising:
        return plain
    decided = _DECIDES[node.function]
    condition = "NOT {0}" if node.function == "and" else "{0}"
    guards = " ".join(
        f"WHEN {condition.format(text)} THEN {decided}" for text in written[: raising[-1]]
    )
    return f"CASE {guards} ELSE {plain} END"


def _operands(node: Node, function: str) -> list[Node]:
    if isinstance(node, Call) and node.function == function:
        return [operand for a in node.arguments for operand in _operands(a, function)]
    return [node]


def _may_raise(node: Node) -> bool:
    if not isinstance(node, Call):
        return False
    return node.function in _RAISING or any(_may_raise(a) for a in node.arguments)


def _in(node: Call, names: Mapping[str, str]) -> str:
    """Compare with each item by itself: in a list, all would first take one type."""
    value, *items = node.arguments
    if all(isinstance(item, Literal) for item in items):
        listed = ", ".join(to_sql(item, names) for item in items)
        return f"({to_sql(value, names)} IN ({listed}))"
    tests: Node = Call("=", (value, items[0]))
    for item in items[1:]:
        tests = Call("or", (tests, Call("=", (value, item))))
    return to_sql(tests, names)


def _case(arguments: list[str]) -> str:
    branches = " ".join(
        f"WHEN {condition} THEN {value}"
        for condition, value in zip(arguments[0:-1:2], arguments[1:-1:2], strict=True)
    )
    return f"CASE {branches} ELSE {arguments[-1]} END"
