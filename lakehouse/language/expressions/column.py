"""An expression in the place of a column: its values in the type that a column would have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from lakehouse.errors import DeclarationError
from lakehouse.language.expressions import python
from lakehouse.language.expressions.function import Evaluate
from lakehouse.language.expressions.functions import EVERY
from lakehouse.language.expressions.kinds import kind_of
from lakehouse.language.expressions.nodes import Call, Literal, Name, Node
from lakehouse.language.expressions.sql import to_sql
from lakehouse.language.expressions.values import EXACT
from lakehouse.language.kinds import MAX_DECIMAL_PRECISION, Kind

_CASTS: dict[Kind, str] = {"int": "BIGINT", "float": "DOUBLE"}


@dataclass(frozen=True)
class ExpressionColumn:
    """What an expression gives for each row, as a column of one type.

    A decimal has `scale` digits after its point and 18 in all, as a table's has. Whatever type an
    engine computes in, the value is cast to this one, so that what is made of it is the same
    everywhere; one that does not fit raises.
    """

    node: Node
    kind: Kind
    scale: int | None

    @staticmethod
    def of(
        node: Node, kinds: Mapping[str, Kind], scales: Mapping[str, int | None], where: str
    ) -> ExpressionColumn:
        """Type an expression over columns; `scales` are those of the decimal ones.

        Raises DeclarationError for an expression that is wrong, or is null whatever a row holds.
        """
        kind = kind_of(node, kinds, where)
        if kind is None:
            raise DeclarationError(
                f"{where}: the expression is null for every row; let it give a value."
            )
        return ExpressionColumn(node, kind, scale_of(node, scales) if kind == "decimal" else None)

    def sql(self, columns: Mapping[str, str]) -> str:
        """Return it as portable SQL; `columns` maps names to the SQL of their columns.

        >>> price = Call("*", (Name("price"), Name("pieces")))
        >>> print(ExpressionColumn(price, "decimal", 2).sql({"price": "p", "pieces": "n"}))
        CAST((p * n) AS DECIMAL(18, 2))
        """
        written = to_sql(self.node, columns)
        if self.kind == "decimal":
            return f"CAST({written} AS DECIMAL({MAX_DECIMAL_PRECISION}, {self.scale or 0}))"
        return f"CAST({written} AS {_CASTS[self.kind]})" if self.kind in _CASTS else written

    def evaluate(self, kinds: Mapping[str, Kind], where: str) -> Evaluate:
        """Return the function from a row to its value, the same in plain Python.

        It raises ExpressionError where there is none.
        """
        compiled = python.compile(self.node, kinds, where)
        if self.kind != "decimal":
            return compiled
        scale = self.scale or 0

        def amount(row: Mapping[str, Any]) -> Decimal | None:
            value = compiled(row)
            return None if value is None else _of_digits(value, scale, where)

        return amount


def scale_of(node: Node, scales: Mapping[str, int | None]) -> int:
    """Return how many digits after its point a decimal has that an expression gives.

    They are as many as its value can have: nothing is rounded that the expression does not round.

    >>> from lakehouse.language.expressions import parse
    >>> scale_of(parse("coalesce(rate, 0.5) + round(amount, 1) - n"), {"rate": 3, "amount": 2})
    3
    """
    if isinstance(node, Literal):
        value = node.value
        return max(-int(value.as_tuple().exponent), 0) if isinstance(value, Decimal) else 0
    if isinstance(node, Name):
        return scales.get(node.name) or 0
    function, count = EVERY[node.function], len(node.arguments)
    shared = [
        scale_of(argument, scales)
        for place, argument in enumerate(node.arguments)
        if function.argument(place, count).shared
    ]
    return function.scale(node, shared)


def approximate(node: Node) -> str | None:
    """Return a function in an expression that engines do not agree in to the bit, None if none."""
    if not isinstance(node, Call):
        return None
    if EVERY[node.function].approximate:
        return node.function
    return next(filter(None, map(approximate, node.arguments)), None)


def _of_digits(value: int | Decimal, scale: int, where: str) -> Decimal:
    amount = EXACT.quantize(Decimal(value), Decimal(1).scaleb(-scale))
    if abs(amount) >= Decimal(1).scaleb(MAX_DECIMAL_PRECISION - scale):
        raise python.ExpressionError(
            f"{where}: overflow, {amount} has more than {MAX_DECIMAL_PRECISION} digits; write "
            "float(…) around an operand."
        )
    return amount
