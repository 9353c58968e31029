"""Functions of numbers: rounding, roots, powers and logarithms.

Rounding is exact. `exp`, `ln` and `power` are those of the engine's library, and agree to about
15 digits.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from decimal import ROUND_HALF_UP, Decimal
from functools import partial
from typing import Any

from lakehouse.language.expressions.function import (
    Compiling,
    Constant,
    Evaluate,
    Function,
    Takes,
    always,
)
from lakehouse.language.expressions.nodes import Call, Node
from lakehouse.language.expressions.python_forms import by_kind, strict
from lakehouse.language.expressions.sql_forms import constant, form
from lakehouse.language.expressions.values import ROUNDING, Undefined, within
from lakehouse.language.kinds import NUMBERS, Kind

MOST_DIGITS = 15
NUMBER = Takes(NUMBERS)
DIGITS = Takes(
    ("int",),
    constant=Constant(
        lambda value: type(value) is int and 0 <= value <= MOST_DIGITS,
        f"the digits to keep after the point, 0 to {MOST_DIGITS}, as in round(x, 2)",
        (0, 1, 2, 7),
    ),
)
# Beyond this a float has no digit after the point, and so none to round.
_ALL_WHOLE = 1e17


def _rounded(kind: Kind | None) -> Callable[..., Any]:
    if kind == "decimal":
        return _round_decimal
    return _round_float if kind == "float" else lambda x, digits=0: x


def _round_sql(call: Call, write: Callable[[Node], str]) -> str:
    digits = constant(call, 1) if len(call.arguments) > 1 else "0"
    return f"ROUND({write(call.arguments[0])}, {digits})"


def _round_scale(call: Call, scales: list[int]) -> int:
    digits = constant(call, 1) if len(call.arguments) > 1 else "0"
    return min(scales[0], int(digits))


def _round_decimal(x: Decimal, digits: int = 0) -> Decimal:
    x = Decimal(x)  # an int may stand where numbers of both kinds meet
    if -int(x.as_tuple().exponent) <= digits:
        return x
    return x.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP, ROUNDING)


def _round_float(x: float, digits: int = 0) -> float:
    """A float is rounded as it is written: 1.005 is half way, though its binary value is below."""
    if not abs(x) < _ALL_WHOLE:
        return x
    return float(_round_decimal(Decimal(repr(x)), digits))


def _whole(cut: Callable[[Any], int], x: Any) -> int:
    if isinstance(x, float) and not math.isfinite(x):
        raise Undefined(f"overflow, {x} is no whole number.")
    return within(cut(x))


def _root(x: Any) -> float:
    return math.sqrt(x) if float(x) >= 0 else math.nan


def _power_of_e(x: Any) -> float:
    try:
        return math.exp(x)
    except OverflowError:
        return math.inf


def _logarithm(call: Call, tree: Compiling) -> Evaluate:
    """Null for x ≤ 0 as well, so that it is not strict."""
    (operand,) = tree.operands(call)

    def value(row: Mapping[str, Any]) -> float | None:
        x = operand(row)
        return None if x is None or float(x) <= 0 else math.log(x)

    return value


def _power(x: Any, y: Any) -> float:
    """As Java's `pow`: what no limit decides is NaN, also for ±1 to an infinite or NaN power."""
    base, exponent = float(x), float(y)
    if abs(base) == 1 and not math.isfinite(exponent):
        return math.nan
    try:
        return math.pow(base, exponent)
    except OverflowError:
        return -math.inf if base < 0 and exponent % 2 == 1 else math.inf
    except ValueError:
        return _pole(base, exponent) if base == 0 else math.nan


def _pole(base: float, exponent: float) -> float:
    return math.copysign(math.inf, base) if exponent % 2 == 1 else math.inf


# A whole number below or above what is cut towards zero; unlike FLOOR and CEIL, CAST raises on
# every engine for what does not fit.
_FLOOR = "(CAST({0} AS BIGINT) - CASE WHEN CAST({0} AS BIGINT) > {0} THEN 1 ELSE 0 END)"
_CEIL = "(CAST({0} AS BIGINT) + CASE WHEN CAST({0} AS BIGINT) < {0} THEN 1 ELSE 0 END)"
_DOUBLE = "CAST({0} AS DOUBLE)"
# x - x is 0 for a number and NaN for what is infinite or NaN: some engines say 1 there.
_POWER = (
    "CASE WHEN ABS(CAST({0} AS DOUBLE)) = 1 "
    "THEN POWER(CAST({0} AS DOUBLE), CAST({1} AS DOUBLE)) "
    "+ (CAST({1} AS DOUBLE) - CAST({1} AS DOUBLE)) "
    "ELSE POWER(CAST({0} AS DOUBLE), CAST({1} AS DOUBLE)) END"
)

FUNCTIONS = (
    Function(
        name="float",
        written="float(x)",
        gives="a number or condition as a float; true is 1",
        takes=(Takes((*NUMBERS, "bool")),),
        kind="float",
        sql=form(_DOUBLE),
        python=strict(float),
    ),
    Function(
        name="round",
        written="round(x, digits)",
        gives="x to so many digits, half away from zero, in its type; digits is a constant, or 0",
        takes=(Takes(NUMBERS, shared=True), DIGITS),
        least=1,
        kind="shared",
        sql=_round_sql,
        python=by_kind(_rounded),
        scale=_round_scale,
    ),
    Function(
        name="floor",
        written="floor(x)",
        gives="the whole number at or below x, an int",
        takes=(NUMBER,),
        kind="int",
        sql=form(_FLOOR),
        python=strict(partial(_whole, math.floor)),
        raises=always,
    ),
    Function(
        name="ceil",
        written="ceil(x)",
        gives="the whole number at or above x, an int",
        takes=(NUMBER,),
        kind="int",
        sql=form(_CEIL),
        python=strict(partial(_whole, math.ceil)),
        raises=always,
    ),
    Function(
        name="sqrt",
        written="sqrt(x)",
        gives="the square root, a float; NaN below zero",
        takes=(NUMBER,),
        kind="float",
        sql=form(f"SQRT({_DOUBLE})"),
        python=strict(_root),
    ),
    Function(
        name="exp",
        written="exp(x)",
        gives="e to the power of x, a float",
        takes=(NUMBER,),
        kind="float",
        sql=form(f"EXP({_DOUBLE})"),
        python=strict(_power_of_e),
        approximate=True,
    ),
    Function(
        name="ln",
        written="ln(x)",
        gives="the natural logarithm, a float; null for x ≤ 0",
        takes=(NUMBER,),
        kind="float",
        sql=form(f"LN({_DOUBLE})"),
        python=_logarithm,
        approximate=True,
    ),
    Function(
        name="power",
        written="power(x, y)",
        gives="x to the power of y, a float; NaN where there is none, as for -8 and 0.5",
        takes=(NUMBER, NUMBER),
        kind="float",
        sql=form(_POWER),
        python=strict(_power),
        approximate=True,
    ),
)
