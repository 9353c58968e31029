"""A condition of a read as an Arrow expression, where it is of the simple kind that prunes rows."""

from __future__ import annotations

import operator
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from sqlglot import exp

from lakehouse.engines import portable_sql
from lakehouse.engines.arrow_types import MICROSECONDS

_COMPARED: dict[type[exp.Expr], Callable[[Any, Any], Any]] = {
    exp.EQ: operator.eq,
    exp.LT: operator.lt,
    exp.LTE: operator.le,
    exp.GT: operator.gt,
    exp.GTE: operator.ge,
}


class _Unknown(Exception):
    """The condition uses more than this module knows."""


def arrow_condition(where: str) -> pc.Expression | None:
    """Return portable SQL as an Arrow expression; None where it is more than columns and constants.

    >>> print(arrow_condition("`n` >= 3 AND (`key` IN ('a', 'b') OR false)"))
    ((n >= 3) and (is_in(key, {value_set=string:[
      "a",
      "b"
    ], null_matching_behavior=MATCH}) or false))
    >>> arrow_condition("upper(`key`) = 'A'") is None
    True
    """
    try:
        return _expression(portable_sql.read(where, "Condition of a read"))
    except _Unknown:
        return None


def _expression(node: exp.Expr) -> pc.Expression:
    if isinstance(node, exp.Paren):
        return _expression(node.this)
    if isinstance(node, exp.And):
        return _expression(node.left) & _expression(node.right)
    if isinstance(node, exp.Or):
        return _expression(node.left) | _expression(node.right)
    if isinstance(node, exp.Boolean):
        return pc.scalar(bool(node.this))
    if isinstance(node, exp.In) and node.expressions:
        return _column(node.this).isin(pa.array([_constant(e) for e in node.expressions]))
    if type(node) in _COMPARED:
        return _COMPARED[type(node)](_column(node.this), _scalar(node.expression))
    raise _Unknown


def _column(node: exp.Expr) -> pc.Expression:
    if isinstance(node, exp.Column) and not node.table:
        return pc.field(node.name)
    raise _Unknown


def _scalar(node: exp.Expr) -> Any:
    value = _constant(node)
    return pa.scalar(value, MICROSECONDS) if isinstance(value, datetime) else pa.scalar(value)


def _constant(node: exp.Expr) -> Any:
    if isinstance(node, exp.Literal):
        if node.is_string:
            return node.this
        if node.is_int:
            return int(node.this)
    if isinstance(node, exp.Neg):
        value = _constant(node.this)
        if isinstance(value, int):
            return -value
    if isinstance(node, exp.Cast):
        value, to = _constant(node.this), node.to.this
        if to == exp.DType.BIGINT and isinstance(value, int):
            return value
        if to == exp.DType.DATE and isinstance(value, str):
            return date.fromisoformat(value)
        if to == exp.DType.TIMESTAMPTZ and isinstance(value, str):
            at = datetime.fromisoformat(value)
            return at if at.tzinfo else at.replace(tzinfo=UTC)
    raise _Unknown
