"""Decimals of up to 38 digits within a query: exact on every engine, and an overflow raises."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, localcontext
from random import Random

import pyarrow as pa
import pytest

from lakehouse.engines.protocol import Engine
from lakehouse.errors import LakehouseError
from lakehouse.language.sql.portable import parse, render

Answer = Callable[..., str]

SEED, ASKED = 20_261_201, 24
WIDEST = "9999999999999999.99"


@pytest.fixture
def answer(engine: Engine) -> Answer:
    """The one value of a query of `d` with two digits after the point, and of `n`, as text.

    A table holds 18 digits, text all that were computed.
    """

    def answer_(expression: str, *d: str, clauses: str = "") -> str:
        table = pa.table(
            {
                "n": pa.array(range(len(d)), pa.int64()),
                "d": pa.array([Decimal(value) for value in d], pa.decimal128(18, 2)),
            }
        )
        sql = f"SELECT CAST({expression} AS STRING) AS x FROM {{t}} {clauses}"
        found = engine.to_arrow(engine.query(render(parse(sql, "Test")), {"t": table}))
        values = set(found.column("x").to_pylist())
        assert len(values) == 1
        return str(values.pop())

    return answer_


FITTING = {
    "d * d": "99999999999999999800000000000000.0001",
    "d * d * 100": "9999999999999999980000000000000000.0100",
    "-d * d * 100": "-9999999999999999980000000000000000.0100",
    "d * d * 50 + d * d * 50": "9999999999999999980000000000000000.0100",
    "d * d * 100 - d * d * 100": "0.0000",
    "d * sum(d)": "199999999999999999600000000000000.0002",
    "max(d) * sum(d) + min(d)": "200000000000000009599999999999999.9902",
    "sum(d * d * 50)": "9999999999999999980000000000000000.0100",
    "sum(d * n * 100)": "999999999999999999.00",
    "coalesce(sum(d * d * 50), d)": "9999999999999999980000000000000000.0100",
    "CASE WHEN sum(d * d) > d THEN sum(d * d * 50) ELSE 0 END": (
        "9999999999999999980000000000000000.0100"
    ),
}
"""Of two rows of the widest `d`, grouped by it where there is an aggregate."""


@pytest.mark.parametrize("expression", FITTING)
def test_what_fits_38_digits_is_exact(answer: Answer, expression: str) -> None:
    clauses = "GROUP BY d" if "(d" in expression else ""
    assert FITTING[expression] == answer(expression, WIDEST, WIDEST, clauses=clauses)


@pytest.mark.parametrize(
    "expression",
    [
        "d * d * 1000",
        "d * d * 100 + d * d * 100",
        "0 - d * d * 100 - d * d * 100",
        "d * d * d",
        "d * sum(d) * 100",
        "sum(d * d * 100)",
        "sum(0 - d * d * 100)",
        "sum(d * d * 75)",
        "sum(d * d * 50) * 10",
        "sum(d * d * 50) + sum(d * d * 50)",
        "sum(sum(d * d * 50)) OVER () * 10",
        "max(d * d * 100) + max(d * d * 100)",
        "coalesce(sum(d * d * 100), 0)",
    ],
)
def test_a_product_or_sum_of_more_than_38_digits_raises(answer: Answer, expression: str) -> None:
    clauses = "GROUP BY d" if "(d" in expression else ""
    with pytest.raises(LakehouseError):
        answer(expression, WIDEST, WIDEST, clauses=clauses)


def test_a_sum_over_a_window_is_exact_up_to_38_digits_and_then_raises(answer: Answer) -> None:
    assert "9999999999999999980000000000000000.0100" == answer(
        "sum(d * d * 50) OVER (PARTITION BY d)", WIDEST, WIDEST
    )
    with pytest.raises(LakehouseError):
        answer("sum(d * d * 75) OVER (PARTITION BY d)", WIDEST, WIDEST)


GENERATED: dict[str, Callable[[list[Decimal], int], Decimal]] = {
    "sum(d * d * {by})": lambda d, by: sum((x * x * by for x in d), Decimal("0.0000")),
    "sum(d * {by}) * max(d)": lambda d, by: sum(d, Decimal(0)) * by * max(d),
    "sum(d * {by}) * 1000 * {by}": lambda d, by: sum(d, Decimal("0.00")) * by * 1000 * by,
    "max(d * d) * {by} + min(d)": lambda d, by: max(x * x for x in d) * by + min(d),
}
"""Of amounts none of which is below zero, so that no part is greater than the whole."""


def test_generated_products_and_sums_are_exact_or_raise(answer: Answer) -> None:
    chance = Random(SEED)
    fitted = 0
    for _ in range(ASKED):
        digits = chance.choice([3, 9, 17, 18])
        d = [Decimal(chance.randint(0, 10**digits - 1)).scaleb(-2) for _ in range(3)]
        by = chance.choice([1, 7, 10**3, 10**6, 10**9 - 7])
        expression, whole = chance.choice(list(GENERATED.items()))
        with localcontext(prec=200):
            exact = whole(d, by)
        asked = expression.format(by=by)
        if len(exact.as_tuple().digits) <= 38:
            fitted += 1
            assert f"{exact:f}" == answer(asked, *map(str, d)), asked
        else:
            with pytest.raises(LakehouseError):
                answer(asked, *map(str, d))
    assert 0.5 < fitted / ASKED < 0.9
