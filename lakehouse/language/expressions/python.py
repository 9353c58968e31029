"""Expressions evaluated in plain Python: the same values, nulls and errors as their SQL.

Serving evaluates request-time features and rules row by row, where an engine would cost more than
the answer. Values are Python's own: int, float, Decimal, str, bool, datetime, date and None.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from decimal import Inexact, InvalidOperation
from typing import Any

from lakehouse.errors import LakehouseError, unknown
from lakehouse.language.expressions import Call, Literal, Name, Node, kind_of
from lakehouse.language.expressions.values import (
    ARITHMETIC,
    COMPARISONS,
    FUNCTIONS,
    Undefined,
    ordered,
    utc,
)
from lakehouse.language.kinds import Kind

Evaluate = Callable[[Mapping[str, Any]], Any]
DECIDED_BY = {"and": False, "or": True}


class ExpressionError(LakehouseError):
    """An expression has no value for these arguments: a division by zero, or an overflow."""


def compile(node: Node, kinds: Mapping[str, Kind], where: str = "Expression") -> Evaluate:
    """Return a function from values by name to the value of an expression.

    `kinds` gives the type of each name that may be used, as `view.feature` where it is a feature;
    the result is of `kind_of(node, kinds)`. `and` and `or` are read from left to right and stop
    as soon as they are decided, `case` and `coalesce` evaluate only what they give. Raises
    DeclarationError for a wrong expression here, and ExpressionError when evaluated.

    >>> from decimal import Decimal
    >>> from lakehouse.language.expressions import parse
    >>> mean = compile(parse("spend / (payments + 1)"), {"spend": "decimal", "payments": "int"})
    >>> mean({"spend": Decimal("10.00"), "payments": 3}), mean({"spend": None, "payments": 3})
    (2.5, None)
    """
    kind = kind_of(node, kinds, where)
    evaluate = _as(kind, _Compiler(kinds, where).build(node))

    def value(row: Mapping[str, Any]) -> Any:
        try:
            return evaluate(row)
        except KeyError as error:
            raise ExpressionError(unknown("value", str(error.args[0]), row, where)) from error
        except Undefined as error:
            raise ExpressionError(f"{where}: {error}") from error
        except (Inexact, InvalidOperation) as error:
            raise ExpressionError(
                f"{where}: overflow, a decimal of more than 38 digits."
            ) from error

    return value


class _Compiler:
    """Builds one closure for each node, with the types decided beforehand."""

    def __init__(self, kinds: Mapping[str, Kind], where: str) -> None:
        self.kinds = kinds
        self.where = where

    def kind(self, node: Node) -> Kind | None:
        return kind_of(node, self.kinds, self.where)

    def build(self, node: Node) -> Evaluate:
        if isinstance(node, Literal):
            constant = node.value
            return lambda row: constant
        if isinstance(node, Name):
            return operator.itemgetter(node.name)
        function, arguments = node.function, node.arguments
        if function in DECIDED_BY:
            return _logic([self.build(a) for a in arguments], DECIDED_BY[function])
        if function in COMPARISONS:
            return self.compared(function, *arguments)
        if function == "in":
            items = [self.compared("=", arguments[0], item) for item in arguments[1:]]
            return _logic(items, decided=True)
        if function == "between":
            value, low, high = arguments
            bounds = [self.compared(">=", value, low), self.compared("<=", value, high)]
            return _logic(bounds, decided=False)
        if function == "is_null":
            (tested,) = map(self.build, arguments)
            return lambda row: tested(row) is None
        if function == "case":
            return self.cased(node)
        if function == "coalesce":
            kind = self.kind(node)
            return _coalesce([_as(kind, self.build(a)) for a in arguments])
        if function == "nullif":
            kind = self.kind(node)
            same = self.compared("=", *arguments)
            return _nullif(same, _as(kind, self.build(arguments[0])))
        if function in ("least", "greatest"):
            kind = self.kind(node)
            return _extreme([_as(kind, self.build(a)) for a in arguments], function == "greatest")
        if function in ARITHMETIC:
            kind = self.kind(node)
            return _strict(
                ARITHMETIC[function](kind), [_as(kind, self.build(a)) for a in arguments]
            )
        return _strict(FUNCTIONS[function], [self.build(a) for a in arguments])

    def compared(self, function: str, left: Node, right: Node) -> Evaluate:
        test = COMPARISONS[function]
        arguments = [self.build(left), self.build(right)]
        kinds = {self.kind(left), self.kind(right)}
        if "float" in kinds:
            return _strict(lambda a, b: test(ordered(float(a)), ordered(float(b))), arguments)
        if "timestamp" in kinds:
            return _strict(lambda a, b: test(utc(a), utc(b)), arguments)
        return _strict(test, arguments)

    def cased(self, node: Call) -> Evaluate:
        kind = self.kind(node)
        parts = [self.build(a) for a in node.arguments]
        branches = list(zip(parts[0:-1:2], [_as(kind, p) for p in parts[1:-1:2]], strict=True))
        otherwise = _as(kind, parts[-1])

        def value(row: Mapping[str, Any]) -> Any:
            for condition, result in branches:
                if condition(row) is True:
                    return result(row)
            return otherwise(row)

        return value


def _as(kind: Kind | None, evaluate: Evaluate) -> Evaluate:
    """Convert to float where branches or operands of several kinds meet as floats."""
    if kind != "float":
        return evaluate

    def value(row: Mapping[str, Any]) -> float | None:
        found = evaluate(row)
        return None if found is None else float(found)

    return value


def _strict(function: Callable[..., Any], arguments: Sequence[Evaluate]) -> Evaluate:
    """Null if any argument is."""
    if len(arguments) == 1:
        (only,) = arguments

        def value_of_one(row: Mapping[str, Any]) -> Any:
            found = only(row)
            return None if found is None else function(found)

        return value_of_one
    first, second = arguments

    def value_of_two(row: Mapping[str, Any]) -> Any:
        a, b = first(row), second(row)
        return None if a is None or b is None else function(a, b)

    return value_of_two


def _logic(arguments: Sequence[Evaluate], decided: bool) -> Evaluate:
    """`or` where True decides, `and` where False does; otherwise null if any argument is."""

    def value(row: Mapping[str, Any]) -> bool | None:
        result: bool | None = not decided
        for argument in arguments:
            found: bool | None = argument(row)
            if found is decided:
                return decided
            if found is None:
                result = None
        return result

    return value


def _coalesce(arguments: Sequence[Evaluate]) -> Evaluate:
    def value(row: Mapping[str, Any]) -> Any:
        for argument in arguments:
            found = argument(row)
            if found is not None:
                return found
        return None

    return value


def _nullif(same: Evaluate, evaluate: Evaluate) -> Evaluate:
    return lambda row: None if same(row) is True else evaluate(row)


def _extreme(arguments: Sequence[Evaluate], greatest: bool) -> Evaluate:
    choose = max if greatest else min

    def value(row: Mapping[str, Any]) -> Any:
        found = [v for v in (argument(row) for argument in arguments) if v is not None]
        return choose(found, key=ordered) if found else None

    return value
