"""Mistakes in what aggregates are of, where that is an expression."""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from lakehouse.declare.features import WindowedFeature
from lakehouse.testing.mutations.aggregates import Question, Wrong

PRODUCT, MORE = "amount_eur * points", "amount_eur + 0.125"


def _sum_of(text: str) -> Callable[[WindowedFeature], bool]:
    return lambda feature: feature.aggregate.function == "sum" and feature.aggregate.column == text


def _of_sums(question: Question) -> Any:
    return question.value(column="amount_eur") * question.value(column="points")


def _each(change: Callable[[Decimal], Decimal]) -> Wrong:
    """Sum what becomes of each value."""
    return lambda question: question.value(
        [e if e.value is None else e._replace(value=change(e.value)) for e in question.events]
    )


def _through_a_float(value: Decimal) -> Decimal:
    return Decimal(float(value)).quantize(Decimal("0.001"), ROUND_HALF_UP)


def _in_the_columns_scale(value: Decimal) -> Decimal:
    return value.quantize(Decimal("0.01"), ROUND_HALF_UP).quantize(Decimal("0.001"))


OPERAND_MUTATIONS: dict[str, tuple[Callable[[WindowedFeature], bool], Wrong]] = {
    "an expression is ignored": (
        _sum_of(PRODUCT),
        lambda question: question.value(column="amount_eur"),
    ),
    "an expression is computed of sums": (_sum_of(PRODUCT), _of_sums),
    "an expression is cast to the scale of its column": (
        _sum_of(MORE),
        _each(_in_the_columns_scale),
    ),
    "an expression of amounts is computed in floats": (_sum_of(MORE), _each(_through_a_float)),
}
"""Each mistake by what it is: the features it is made in, and the value they get."""
