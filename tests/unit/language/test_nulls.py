from __future__ import annotations

import pytest

from lakehouse.language.expressions import Call, Node, parse
from lakehouse.language.expressions.nulls import asked_first, may_raise
from lakehouse.language.expressions.python import compile
from lakehouse.language.expressions.sql import to_sql


def call(text: str) -> Call:
    node = parse(text)
    assert isinstance(node, Call)
    return node


def nodes(*texts: str) -> list[Node]:
    return [parse(text) for text in texts]


@pytest.mark.parametrize(
    ("text", "operands"),
    [
        ("a / b > 2", []),
        ("a / (b + 1)", ["a"]),
        ("a + b + c", ["c"]),
        ("a > 2 * 50", []),
        ("a = b", []),
        ("a / b + c / d", ["a", "b", "c", "d"]),
        ("coalesce(a / b, 1) + c", ["c"]),
        ("coalesce(a / b, 1) + c % d", ["c", "d", "coalesce(a / b, 1)"]),
        ("a + b > null", ["null"]),
    ],
)
def test_what_not_every_raising_part_needs_is_asked_first(text: str, operands: list[str]) -> None:
    assert nodes(*operands) == asked_first(call(text))


@pytest.mark.parametrize(
    ("text", "raises"),
    [
        ("a / b", True),
        ("coalesce(a, b % c)", True),
        ("a > b", False),
        ("2 * 50", False),
        ("9223372036854775807 + 1", True),
        ("1 / 0", True),
        ("-a", True),
        ("-1", False),
    ],
)
def test_an_operation_of_constants_raises_only_if_it_does(text: str, raises: bool) -> None:
    assert raises == may_raise(parse(text))


def test_sql_asks_each_operand_once_for_a_whole_computation() -> None:
    sql = to_sql(parse("a / b + c / d > 2"), {name: name for name in "abcd"})
    assert [1, 1, 1, 1] == [sql.count(f"{name} IS NULL") for name in "abcd"]


def test_a_chain_of_divisions_stays_as_long_as_it_is_written() -> None:
    text = " + ".join(["a / b"] * 40)
    assert len(to_sql(parse(text), {"a": "a", "b": "b"})) < 60 * 40
    assert 40 == compile(parse(text), {"a": "int", "b": "int"})({"a": 1, "b": 1})


def test_an_operand_that_raises_is_not_asked_where_a_constant_decides() -> None:
    for text, value in [
        ("1 / a > 2 and 1 > 2", False),
        ("1 / a > 2 or not (a > 1 and false)", True),
    ]:
        assert value is compile(parse(text), {"a": "int"})({"a": 0})
        assert str(value).upper() == to_sql(parse(text), {"a": "a"})
