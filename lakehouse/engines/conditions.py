"""A condition of a read as an Arrow expression, where it is of the simple kind that prunes rows."""

from __future__ import annotations

import operator
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from sqlglot import exp

from lakehouse.engines.arrow_types import MICROSECONDS
from lakehouse.language.sql import portable as portable_sql

_COMPARED: dict[type[exp.Expr], Callable[[Any, Any], Any]] = {
    exp.EQ: operator.eq,
    exp.LT: operator.lt,
    exp.LTE: operator.le,
    exp.GT: operator.gt,
    exp.GTE: operator.ge,
}
_CONSTANTS: dict[pa.DataType, type] = {
    pa.int64(): int,
    pa.string(): str,
    pa.date32(): date,
    MICROSECONDS: datetime,
}
"""What the constants that a column is compared with are in Python."""


class _Unknown(Exception):
    """The condition uses more than this module knows."""


def arrow_condition(where: str, schema: pa.Schema) -> pc.Expression | None:
    """Return portable SQL about columns of a schema as an Arrow expression.

    None where it is more than columns and constants of their types.

    >>> rows = pa.schema([("n", pa.int64()), ("key", pa.string())])
    >>> print(arrow_condition("`n` >= 3 AND (`key` IN ('a', 'b') OR false)", rows))
    ((n >= 3) and (is_in(key, {value_set=string:[
      "a",
      "b"
    ], null_matching_behavior=MATCH}) or false))
    >>> arrow_condition("upper(`key`) = 'A'", rows) is arrow_condition("`n` = '3'", rows) is None
    True
    """
    try:
        return _expression(portable_sql.read(where, "Condition of a read"), schema)
    except _Unknown:
        return None


def _expression(node: exp.Expr, schema: pa.Schema) -> pc.Expression:
    if isinstance(node, exp.Paren):
        return _expression(node.this, schema)
    if isinstance(node, exp.And):
        return _expression(node.left, schema) & _expression(node.right, schema)
    if isinstance(node, exp.Or):
        return _expression(node.left, schema) | _expression(node.right, schema)
    if isinstance(node, exp.Boolean):
        return pc.scalar(bool(node.this))
    if isinstance(node, exp.In) and node.expressions:
        kind = _kind(node.this, schema)
        values = pa.array([_typed(one, kind) for one in node.expressions], kind)
        return pc.field(node.this.name).isin(values)
    if type(node) in _COMPARED:
        kind = _kind(node.this, schema)
        value = pa.scalar(_typed(node.expression, kind), kind)
        return _COMPARED[type(node)](pc.field(node.this.name), value)
    raise _Unknown


def _kind(node: exp.Expr, schema: pa.Schema) -> pa.DataType:
    """The type of a column, where its constants are of one that is known."""
    if isinstance(node, exp.Column) and not node.table and node.name in schema.names:
        kind: pa.DataType = schema.field(node.name).type
        if kind in _CONSTANTS:
            return kind
    raise _Unknown


def _typed(node: exp.Expr, kind: pa.DataType) -> Any:
    """A constant, where it is of a column's type: nothing is cast here."""
    value = _constant(node)
    if type(value) is _CONSTANTS[kind]:
        return value
    raise _Unknown


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
