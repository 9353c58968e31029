"""Expressions in the place of columns: how they are spelt, and how many digits they have."""

from __future__ import annotations

from decimal import Decimal
from random import Random

import pytest

from lakehouse.errors import DeclarationError
from lakehouse.language.expressions import in_one_spelling, kind_of, parse
from lakehouse.language.expressions.column import ExpressionColumn, scale_of
from lakehouse.language.expressions.python import ExpressionError
from lakehouse.language.kinds import Kind
from tests.conformance.evaluators import KINDS, SCALES
from tests.conformance.random_expressions import ERRORS, expression, in_python, rows

AMOUNTS: dict[str, Kind] = {"amount": "decimal", "n": "int"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("price*pieces", "price * pieces"),
        ("COALESCE( a,b )", "coalesce(a, b)"),
        ("a - -b", "a - -b"),
        ("-a-b", "-a - b"),
        ("CASE when n!=0 THEN price*( -n ) Else NULL end-1", None),
        ("Date '2018-04-01'<=day and Date >= day", "date '2018-04-01' <= day and Date >= day"),
        ("NOT x IN ( 1,2 ) or (a is Not Null)", "not x in (1, 2) or (a is not null)"),
        ("'It''s  A' = CaseName", "'It''s  A' = CaseName"),
        ("a==1.50", "a = 1.50"),
        ("a between -1 and - 2", "a between -1 and -2"),
    ],
)
def test_what_means_the_same_is_spelt_alike(text: str, expected: str | None) -> None:
    spelt = in_one_spelling(text)
    assert expected in (spelt, None)
    assert parse(text) == parse(spelt)
    assert spelt == in_one_spelling(spelt)


def test_what_is_no_expression_has_no_spelling() -> None:
    with pytest.raises(DeclarationError, match="ends too early"):
        in_one_spelling("amount *")


def test_no_decimal_has_more_digits_than_its_expression_says() -> None:
    chance = Random(20_261_202)
    scales: dict[str, int | None] = dict(SCALES)
    seen = 0
    for _ in range(400):
        node = expression(chance, "decimal", 4)
        assert kind_of(node, KINDS, "test") == "decimal"
        for value in (in_python(node, row) for row in rows(chance, 6)):
            if value is not None and value not in ERRORS:
                digits = -int(Decimal(value).normalize().as_tuple().exponent)
                assert digits <= scale_of(node, scales), (node, value)
                seen += 1
    assert seen > 1_000


def test_an_amount_has_the_digits_of_its_expression_and_eighteen_at_most() -> None:
    of = ExpressionColumn.of(
        parse("coalesce(amount, 0) + n"), AMOUNTS, {"amount": 2, "n": None}, "It"
    )
    value = of.evaluate(AMOUNTS, "It")
    assert "3.00" == str(value({"amount": None, "n": 3}))
    assert None is value({"amount": Decimal("1.50"), "n": None})
    assert Decimal("9999999999999999.99") == value({"amount": Decimal("0.99"), "n": 10**16 - 1})
    with pytest.raises(ExpressionError, match=r"It: overflow, .* more than 18 digits"):
        value({"amount": Decimal("1.00"), "n": 10**16 - 1})
