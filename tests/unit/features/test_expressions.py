"""Expressions mean the same in SQL and in plain Python."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakehouse.declare.contract import Kind
from lakehouse.declare.expressions import Call, Literal, Name, Node, kind_of, parse
from lakehouse.engines.embedded import EmbeddedEngine
from lakehouse.errors import DeclarationError, LakehouseError
from lakehouse.features import expressions_python
from lakehouse.features.expressions_sql import to_sql

ENGINE = EmbeddedEngine()
KINDS: dict[str, Kind] = {
    "visits": "int",
    "views.visits_1d": "int",
    "amount": "decimal",
    "rate": "decimal",
    "score": "float",
    "known": "bool",
    "country": "string",
    "at": "timestamp",
    "day_of": "date",
}
NAMES = {name: f"`{name.replace('.', '__')}`" for name in KINDS}
TYPES = {
    "int": pa.int64(),
    "float": pa.float64(),
    "bool": pa.bool_(),
    "string": pa.string(),
    "timestamp": pa.timestamp("us", tz="UTC"),
    "date": pa.date32(),
}
SCALES = {"amount": 2, "rate": 7}
AWKWARD: dict[str, list[Any]] = {
    "visits": [0, 1, -7, 3, 2**53 + 1, None],
    "views.visits_1d": [2, 0, -3, None],
    "amount": [
        Decimal("0.00"),
        Decimal("-19.99"),
        Decimal("220.00"),
        Decimal("9007199254740993.07"),
        None,
    ],
    "rate": [Decimal("0.1000000"), Decimal("-0.0000001"), Decimal("3.3333333"), None],
    "score": [0.0, -0.0, 0.1, -2.5, 1e308, math.inf, -math.inf, math.nan, None],
    "known": [True, False, None],
    "country": ["", "DE", "de", "Straße", "O'Neil \\ Söhne", "\U0001f9e6", None],
    "at": [
        datetime(2018, 4, 1, tzinfo=UTC),
        datetime(2019, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
        datetime(2020, 2, 29, 6, 0, tzinfo=UTC),
        datetime(1969, 12, 28, 12, 30, tzinfo=UTC),
        None,
    ],
    "day_of": [date(2020, 2, 29), date(1969, 12, 31), None],
}


def column_type(name: str) -> Any:
    return pa.decimal128(18, SCALES[name]) if name in SCALES else TYPES[KINDS[name]]


def table(rows: list[dict[str, Any]]) -> Any:
    return pa.table(
        {
            name.replace(".", "__"): pa.array([row[name] for row in rows], column_type(name))
            for name in KINDS
        }
    )


def in_sql(nodes: list[Node], rows: list[dict[str, Any]]) -> list[list[Any]]:
    """Values of each expression for each row, or for each an error's name."""
    try:
        selected = ", ".join(f"{to_sql(node, NAMES)} AS c{n}" for n, node in enumerate(nodes))
        return [list(c) for c in zip(*run(f"SELECT {selected} FROM rows", rows), strict=True)]
    except LakehouseError as error:
        if len(nodes) > 1:
            return [in_sql([node], rows)[0] for node in nodes]
        if len(rows) > 1:
            return [[in_sql(nodes, [row])[0][0] for row in rows]]
        return [[error_name(error)]]


def run(sql: str, rows: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    found = ENGINE.to_arrow(ENGINE.query(sql, {"rows": table(rows)}))
    return list(zip(*(column.to_pylist() for column in found.columns), strict=True))


def in_python(node: Node, row: dict[str, Any]) -> Any:
    try:
        return expressions_python.compile(node, KINDS)(row)
    except LakehouseError as error:
        return error_name(error)


def error_name(error: Exception) -> str:
    text = str(error).lower()
    assert "division by zero" in text or "overflow" in text or "out of range" in text, text
    return "division by zero" if "division by zero" in text else "overflow"


def same(left: Any, right: Any) -> bool:
    if isinstance(left, float) and isinstance(right, float):
        return left == right or (math.isnan(left) and math.isnan(right))
    return type(left) is type(right) and bool(left == right)


def assert_same(nodes: list[Node], rows: list[dict[str, Any]]) -> None:
    for node, expected in zip(nodes, in_sql(nodes, rows), strict=True):
        kind = kind_of(node, KINDS, "test")
        for row, wanted in zip(rows, expected, strict=True):
            found = in_python(node, row)
            if kind == "decimal" and isinstance(wanted, int | Decimal) and found is not None:
                wanted, found = Decimal(wanted), Decimal(found)
            where = f"{to_sql(node, NAMES)}\n{row}\nPython {found!r}, SQL {wanted!r}"
            assert same(found, wanted), where


ROWS = st.lists(
    st.fixed_dictionaries({name: st.sampled_from(values) for name, values in AWKWARD.items()}),
    min_size=1,
    max_size=6,
)


@st.composite
def expressions(draw: st.DrawFn, kind: Kind, depth: int) -> Node:
    """An expression that gives `kind`; numbers of other kinds meet in it where they may."""
    named = [Name(name) for name, of in KINDS.items() if of == kind]
    constants: dict[Kind, list[Any]] = {
        "int": [0, 1, 2, 60],
        "decimal": [Decimal("0.0"), Decimal("1.50"), Decimal("0.1")],
        "bool": [True, False],
        "string": ["DE", "", "it's", "a\\b"],
    }
    leaves = [*named, *(Literal(value) for value in constants.get(kind, []))]
    if depth == 0 or draw(st.integers(0, 5)) == 0:
        return draw(st.sampled_from(leaves))

    def sub(*kinds: Kind) -> Node:
        return draw(expressions(draw(st.sampled_from(kinds)), depth - 1))

    def maybe_null(node: Node) -> Node:
        return Literal(None) if draw(st.integers(0, 9)) == 0 else node

    narrower: dict[Kind, tuple[Kind, ...]] = {
        "float": ("int", "decimal", "float"),
        "decimal": ("int", "decimal"),
    }
    kinds = narrower.get(kind, (kind,))
    shapes = ["coalesce", "nullif", "case"]
    if kind not in ("bool", "string", "date", "timestamp"):
        shapes += ["+", "-", "*", "neg", "abs"]
    shapes += {"int": ["%", "part", "length"], "float": ["/", "float"], "string": ["letters"]}.get(
        kind, []
    )
    if kind in ("int", "decimal", "float", "string", "timestamp"):
        shapes += ["least", "greatest"]
    if kind == "bool":
        shapes += ["and", "or", "not", "is_null", "compare", "in", "between"] * 2
    shape = draw(st.sampled_from(shapes))
    if shape in ("least", "greatest", "coalesce"):
        count = draw(st.integers(2, 3))
        return Call(shape, (sub(kind), *(sub(*kinds) for _ in range(count - 1))))
    if shape == "nullif":
        return Call(shape, (sub(*kinds), sub(kind)))
    if shape == "case":
        return Call(shape, (sub("bool"), maybe_null(sub(*kinds)), maybe_null(sub(kind))))
    if shape == "*" and kind == "decimal":
        return Call(shape, (sub("int"), sub("decimal")))
    if shape in ("+", "-", "*", "%"):
        return Call(shape, (sub(kind), sub(*kinds)))
    if shape in ("neg", "abs", "not"):
        return Call(shape, (sub(kind),))
    if shape == "part":
        part = draw(st.sampled_from(["hour", "minute", "day", "month", "weekday"]))
        return Call(part, (sub("timestamp"),))
    if shape == "length":
        return Call(shape, (sub("string"),))
    if shape == "letters":
        return Call(draw(st.sampled_from(["lower", "upper"])), (sub("string"),))
    if shape == "/":
        return Call(shape, (sub("int", "decimal", "float"), sub("int", "decimal", "float")))
    if shape == "float":
        return Call(shape, (sub("int", "decimal", "float", "bool"),))
    if shape in ("and", "or"):
        return Call(shape, (maybe_null(sub("bool")), maybe_null(sub("bool"))))
    family = draw(
        st.sampled_from(
            [("int", "decimal", "float"), ("string",), ("timestamp",), ("date",), ("bool",)]
        )
    )
    if shape == "is_null":
        return Call(shape, (sub(*family),))
    if shape == "compare":
        operator = draw(st.sampled_from(["=", "<>", "<", "<=", ">", ">="]))
        return Call(operator, (sub(*family), sub(*family)))
    if shape == "between":
        return Call(shape, (sub(*family), sub(*family), sub(*family)))
    items = (maybe_null(sub(*family)) for _ in range(draw(st.integers(1, 3))))
    return Call("in", (sub(*family), *items))


KINDS_GIVEN = st.sampled_from(["int", "decimal", "float", "bool", "string"])


@settings(max_examples=60, deadline=None)
@given(
    nodes=st.lists(KINDS_GIVEN.flatmap(lambda kind: expressions(kind, 3)), min_size=1, max_size=10),
    rows=ROWS,
)
def test_python_gives_what_sql_gives(nodes: list[Node], rows: list[dict[str, Any]]) -> None:
    assert_same(nodes, rows)


def row(**values: Any) -> dict[str, Any]:
    return dict.fromkeys(KINDS) | values


def both(text: str, **values: Any) -> Any:
    """The value of an expression, which SQL and Python must agree on."""
    node = parse(text)
    assert_same([node], [row(**values)])
    return in_python(node, row(**values))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("null and false", False),
        ("null and true", None),
        ("null or true", True),
        ("not known", None),
        ("visits in (1, null)", None),
        ("visits in (2, null)", True),
        ("visits not in (1, null)", None),
        ("score between 3 and null", False),
        ("score between null and 5", None),
        ("case when known then 1 else 2 end", 2),
        ("coalesce(known, visits = 2)", True),
        ("nullif(visits, 2)", None),
        ("least(null, visits, 5)", 2),
        ("greatest(known, known)", None),
    ],
)
def test_null_is_unknown_as_in_sql(text: str, expected: Any) -> None:
    assert both(text, visits=2, score=1.0) is expected


def test_a_division_by_zero_raises_and_null_does_not() -> None:
    assert both("score / visits", score=1.0, visits=0) == "division by zero"
    assert both("score / visits", score=1.0, visits=None) is None
    assert both("score / visits", score=None, visits=0) is None
    assert both("visits % 0", visits=5) == "division by zero"


def test_and_or_case_and_coalesce_protect_what_stands_to_the_right() -> None:
    assert both("visits <> 0 and 6 / visits > 2", visits=0) is False
    assert both("visits = 0 or 6 / visits > 2", visits=0) is True
    assert both("known and visits <> 0 and 6 / visits > 2", known=None, visits=0) is False
    assert both("known and 6 / visits > 2", known=None, visits=0) == "division by zero"
    assert both("case when visits = 0 then 0.0 else 6 / visits end", visits=0) == 0.0
    assert both("coalesce(score, 6 / visits)", score=1.0, visits=0) == 1.0


def test_a_remainder_has_the_sign_of_what_is_divided() -> None:
    assert both("visits % 3", visits=-7) == -1
    assert both("visits % -3", visits=7) == 1


def test_decimals_stay_exact_and_become_the_nearest_float() -> None:
    amount, rate = Decimal("9999999999.99"), Decimal("9999999999.9999999")
    assert both("amount + rate", amount=amount, rate=rate) == Decimal("19999999999.9899999")
    widest = Decimal("9999999999999999.99")
    assert both("amount * 1000 + rate > amount * 1000", amount=widest, rate=rate) is True
    assert both("float(amount)", amount=Decimal("9007199254740993.07")) == 9007199254740994.0
    assert both("amount * 3 = 0.30", amount=Decimal("0.10")) is True
    assert both("amount > 0.1", amount=Decimal("0.10")) is False
    assert both("score > 0.1", score=0.1) is False


def test_whole_numbers_that_leave_64_bits_raise() -> None:
    assert both("visits + 1", visits=2**63 - 1) == "overflow"
    assert both("visits * visits", visits=2**32) == "overflow"
    assert both("2147483647 + 1") == 2_147_483_648


def test_nan_is_the_greatest_number_and_equals_itself() -> None:
    assert both("score = score", score=math.nan) is True
    assert both("score > 1", score=math.nan) is True
    assert both("least(score, 1)", score=math.nan) == 1.0


def test_parts_of_a_time_are_utc_and_monday_is_0() -> None:
    at = datetime(2018, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)  # a Monday
    parts = ("hour", "minute", "day", "month", "weekday")
    assert [both(f"{part}(at)", at=at) for part in parts] == [23, 59, 31, 12, 0]
    assert both("weekday(at)", at=datetime(1969, 12, 28, tzinfo=UTC)) == 6
    berlin = timezone(timedelta(hours=1))
    assert in_python(parse("hour(at)"), row(at=datetime(2019, 1, 1, 0, 30, tzinfo=berlin))) == 23


def test_letters_change_one_for_one() -> None:
    assert both("upper(country)", country="straße ﬁ ᾀ äé") == "STRAẞE ﬁ ᾈ ÄÉ"
    assert both("lower(country)", country="İΑΣ ÄẞO") == "iασ äßo"
    assert both("length(country)", country="\U0001f9e6é") == 2


def test_text_reaches_sql_as_it_is_written() -> None:
    for text in ("it's", "a\\b", "\\", "'; --", "% _ \n"):
        escaped = text.replace("'", "''")
        assert both(f"country = '{escaped}'", country=text) is True


def test_numbers_of_several_kinds_meet_in_the_widest() -> None:
    assert both("nullif(visits, score)", visits=3, score=1.5) == 3.0
    assert type(both("nullif(visits, score)", visits=3, score=1.5)) is float
    assert type(both("coalesce(visits, score)", visits=3)) is float
    assert type(both("case when known then visits else score end", known=True, visits=3)) is float


def test_an_unknown_name_is_refused_and_a_missing_value_is_named() -> None:
    with pytest.raises(DeclarationError, match="no column 'amuont'; did you mean 'amount'"):
        expressions_python.compile(parse("amuont > 1"), KINDS, "Rule 'decline'")
    with pytest.raises(LakehouseError, match="no column 'amuont'; did you mean 'amount'"):
        to_sql(parse("amuont > 1"), NAMES)
    with pytest.raises(LakehouseError, match="Rule 'decline' has no value 'amount'"):
        expressions_python.compile(parse("amount > 1"), KINDS, "Rule 'decline'")({"rate": 1})
