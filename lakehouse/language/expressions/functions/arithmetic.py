"""Arithmetic on ints, decimals and floats, in the widest type of the operands."""

from __future__ import annotations

import operator
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import Any

from lakehouse.language.expressions.function import Function, Takes, always
from lakehouse.language.expressions.nodes import Call, Literal
from lakehouse.language.expressions.python_forms import by_kind, strict
from lakehouse.language.expressions.sql_forms import form, infix, named
from lakehouse.language.expressions.values import EXACT, Undefined, within
from lakehouse.language.kinds import NUMBERS, Kind

NUMBER = Takes(NUMBERS, shared=True)
ANY_NUMBER = Takes(NUMBERS)
INT = Takes(("int",), shared=True)


def _in_kind(
    plain: Callable[..., Any], exact: Callable[..., Decimal], kind: Kind | None
) -> Callable[..., Any]:
    """The operation in the type that its operands have in common."""
    if kind == "decimal":
        return exact
    if kind == "float":
        return plain
    return lambda *operands: within(plain(*operands))


def _of_a_column(call: Call) -> bool:
    return not isinstance(call.arguments[0], Literal)


def _divide(a: Any, b: Any) -> float:
    divisor = float(b)
    if divisor == 0:
        raise Undefined(
            "division by zero; say what it gives then, as in 'case when b <> 0 then a / b end'."
        )
    return float(a) / divisor


def _remainder(a: int, b: int) -> int:
    """The remainder with the sign of `a`, as in SQL; Python's own has the sign of `b`."""
    if b == 0:
        raise Undefined(
            "remainder of a division by zero; say what it gives then, as in "
            "'case when b <> 0 then a % b end'."
        )
    remainder = abs(a) % abs(b)
    return -remainder if a < 0 else remainder


def _two_decimals(kinds: list[Kind | None]) -> str | None:
    if kinds.count("decimal") < 2:
        return None
    return "decimal * decimal has no exact place; write float(…) around one"


def _between(
    name: str, plain: Callable[..., Any], exact: Callable[..., Decimal], gives: str
) -> Function:
    return Function(
        name=name,
        written=f"x {name} y",
        gives=gives,
        takes=(NUMBER, NUMBER),
        kind="shared",
        sql=infix,
        python=by_kind(partial(_in_kind, plain, exact)),
        operator=True,
        raises=always,
        refuses=_two_decimals if name == "*" else lambda kinds: None,
    )


FUNCTIONS = (
    _between("+", operator.add, EXACT.add, "int, decimal or float, whichever is widest"),
    _between("-", operator.sub, EXACT.subtract, "int, decimal or float, whichever is widest"),
    _between("*", operator.mul, EXACT.multiply, "the same; decimal * decimal is refused"),
    Function(
        name="/",
        written="x / y",
        gives="always a float; division by zero raises",
        takes=(ANY_NUMBER, ANY_NUMBER),
        kind="float",
        sql=form("(CAST({0} AS DOUBLE) / CAST({1} AS DOUBLE))"),
        python=strict(_divide),
        operator=True,
        raises=always,
    ),
    Function(
        name="%",
        written="x % y",
        gives="the remainder, with the sign of the left side",
        takes=(INT, INT),
        kind="int",
        sql=infix,
        python=strict(_remainder),
        operator=True,
        raises=always,
    ),
    Function(
        name="neg",
        written="-x",
        gives="a number of its type",
        takes=(NUMBER,),
        kind="shared",
        sql=form("(- {0})"),
        python=by_kind(partial(_in_kind, operator.neg, EXACT.minus)),
        operator=True,
        raises=_of_a_column,
    ),
    Function(
        name="abs",
        written="abs(x)",
        gives="the absolute value",
        takes=(NUMBER,),
        kind="shared",
        sql=named,
        python=by_kind(partial(_in_kind, operator.abs, EXACT.abs)),
        raises=_of_a_column,
    ),
)
