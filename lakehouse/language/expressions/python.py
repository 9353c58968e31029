"""Expressions evaluated in plain Python: the same values, nulls and errors as their SQL.

Serving evaluates request-time features and rules row by row, where an engine would cost more than
the answer. Values are Python's own: int, float, Decimal, str, bool, datetime, date and None.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from decimal import Inexact, InvalidOperation
from typing import Any

from lakehouse.errors import LakehouseError, unknown
from lakehouse.language.expressions.function import Evaluate, Strict
from lakehouse.language.expressions.functions import EVERY
from lakehouse.language.expressions.kinds import kind_of, shared_kind
from lakehouse.language.expressions.nodes import Call, Literal, Name, Node
from lakehouse.language.expressions.nulls import asked_first
from lakehouse.language.expressions.python_forms import of_values, unless_null
from lakehouse.language.expressions.values import Undefined
from lakehouse.language.kinds import Kind

__all__ = ["Evaluate", "ExpressionError", "compile"]


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

    def shared(self, call: Call) -> Kind | None:
        return shared_kind(call, [self.kind(a) for a in call.arguments], self.where)

    def build(self, node: Node) -> Evaluate:
        if isinstance(node, Literal):
            constant = node.value
            return lambda row: constant
        if isinstance(node, Name):
            return operator.itemgetter(node.name)
        function = EVERY[node.function]
        if function.python is None:
            assert function.means is not None
            return self.build(function.means(node))
        if isinstance(function.python, Strict):
            asked = [self.build(operand) for operand in asked_first(node)]
            computed = self._computed(node, function.python)
            return unless_null(asked, computed) if asked else computed
        return function.python(node, self)

    def operands(self, call: Call) -> list[Evaluate]:
        return self._operands(call, self.build)

    def _operands(self, call: Call, build: Callable[[Node], Evaluate]) -> list[Evaluate]:
        function, shared, count = EVERY[call.function], self.shared(call), len(call.arguments)
        return [
            _as(shared if function.argument(place, count).shared else None, build(argument))
            for place, argument in enumerate(call.arguments)
        ]

    def _computed(self, call: Call, meaning: Strict) -> Evaluate:
        """Evaluate a strict call, and those within it, once its operands were asked for null."""
        arguments = self._operands(call, self._within)
        return of_values(meaning.of(self.shared(call)), arguments)

    def _within(self, node: Node) -> Evaluate:
        meaning = EVERY[node.function].python if isinstance(node, Call) else None
        if isinstance(node, Call) and isinstance(meaning, Strict):
            return self._computed(node, meaning)
        return self.build(node)


def _as(kind: Kind | None, evaluate: Evaluate) -> Evaluate:
    """Convert to float where branches or operands of several kinds meet as floats."""
    if kind != "float":
        return evaluate

    def value(row: Mapping[str, Any]) -> float | None:
        given = evaluate(row)
        return None if given is None else float(given)

    return value
