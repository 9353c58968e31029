from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakehouse.errors import DeclarationError
from lakehouse.language.expressions import (
    FUNCTIONS,
    Call,
    Literal,
    Name,
    Node,
    condition,
    kind_of,
    names,
    parse,
)
from lakehouse.language.kinds import Kind

a, b, c = Name("a"), Name("b"), Name("c")
KINDS: Mapping[str, Kind] = {
    "n": "int",
    "d": "decimal",
    "f": "float",
    "yes": "bool",
    "word": "string",
    "at": "timestamp",
    "on": "date",
    "view.n_1d": "int",
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a + b * c", Call("+", (a, Call("*", (b, c))))),
        ("(a + b) * c", Call("*", (Call("+", (a, b)), c))),
        ("a - b - c", Call("-", (Call("-", (a, b)), c))),
        ("a / b / c", Call("/", (Call("/", (a, b)), c))),
        ("-a * b", Call("*", (Call("neg", (a,)), b))),
        ("a - -b", Call("-", (a, Call("neg", (b,))))),
        ("a < b + c", Call("<", (a, Call("+", (b, c))))),
        ("a or b and c", Call("or", (a, Call("and", (b, c))))),
        ("not a and b", Call("and", (Call("not", (a,)), b))),
        ("not a = b", Call("not", (Call("=", (a, b)),))),
        ("a == b", Call("=", (a, b))),
        ("a != b", Call("<>", (a, b))),
        ("a is null", Call("is_null", (a,))),
        ("a IS NOT NULL", Call("not", (Call("is_null", (a,)),))),
        ("a in (b, c)", Call("in", (a, b, c))),
        ("a not in (b)", Call("not", (Call("in", (a, b)),))),
        ("a between b and c and a", Call("and", (Call("between", (a, b, c)), a))),
        ("a not between b and c", Call("not", (Call("between", (a, b, c)),))),
        ("coalesce(a, b)", Call("coalesce", (a, b))),
        ("HOUR(a)", Call("hour", (a,))),
        ("case when a then b end", Call("case", (a, b, Literal(None)))),
        ("Case When a Then b Else c End", Call("case", (a, b, c))),
        ("case when a then b when b then c else a end", Call("case", (a, b, b, c, a))),
        ("1", Literal(1)),
        ("1.50", Literal(Decimal("1.50"))),
        ("'it''s'", Literal("it's")),
        ("''", Literal("")),
        ("'a and b'", Literal("a and b")),
        ("True", Literal(True)),
        ("null", Literal(None)),
        ("hour", Name("hour")),
        ("date", Name("date")),
        ("date '2018-04-01'", Literal(date(2018, 4, 1))),
        ("timestamp '2018-04-01'", Literal(datetime(2018, 4, 1, tzinfo=UTC))),
        ("Timestamp '2018-04-01 08:30+02:00'", Literal(datetime(2018, 4, 1, 6, 30, tzinfo=UTC))),
        ("card_spend.payments_1d", Name("card_spend.payments_1d")),
        ("9223372036854775807", Literal(2**63 - 1)),
    ],
)
def test_text_is_read_as_sql_would(text: str, expected: Node) -> None:
    assert expected == parse(text)


def test_one_is_not_true_nor_is_a_point_forgotten() -> None:
    assert [int, Decimal, bool] == [
        type(node.value) for node in map(parse, ["1", "1.0", "true"]) if isinstance(node, Literal)
    ]


@pytest.mark.parametrize(
    ("text", "place", "why"),
    [
        ("", 1, "the expression ends too early"),
        ("a +", 4, "the expression ends too early"),
        ("a b", 3, "'b' does not belong here"),
        ("a < b < c", 7, "'<' does not belong here"),
        ("(a", 3, "')' is missing"),
        ("a is 7", 6, "'null' is missing"),
        ("a not like b", 7, "after 'not', 'in' or 'between' is missing"),
        ("a in b", 6, "'(' is missing"),
        ("a between b or c", 13, "'and' is missing"),
        ("case a end", 6, "'when' is missing"),
        ("case when a then b", 19, "'end' is missing"),
        ("hour()", 6, "')' does not belong here"),
        ("a   ?", 5, "'?' is not understood"),
        ("1e5", 2, "'e5' does not belong here"),
        (".5", 1, "'.' is not understood"),
        ("a.b.c", 4, "'.' is not understood"),
        ("9223372036854775808", 1, "9223372036854775808 has 19 digits; write at most 18"),
        ("0.1234567890123456789", 1, "0.1234567890123456789 has 19 digits; write at most 18"),
        ("nullif(a)", 10, "'nullif' takes 2 argument(s), not 1"),
        ("round(a, 1, 2)", 15, "'round' takes 1 to 2 argument(s), not 3"),
        ("a > date '1.4.2018'", 10, "'1.4.2018' is no date; write date '2018-04-01'"),
        ("date '2019-02-29'", 6, "'2019-02-29' is no date; write date '2018-04-01'"),
    ],
)
def test_a_mistake_is_answered_with_its_place(text: str, place: int, why: str) -> None:
    with pytest.raises(DeclarationError) as refused:
        parse(text, "Rule 'block'")
    expected = f"Rule 'block': expression \"{text}\", character {place}: {why}."
    assert expected == str(refused.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("n + 1", "int"),
        ("n + d", "decimal"),
        ("d * n", "decimal"),
        ("d * f", "float"),
        ("n / n", "float"),
        ("d / n", "float"),
        ("-d", "decimal"),
        ("n % 2", "int"),
        ("abs(f)", "float"),
        ("float(d) * d", "float"),
        ("float(yes)", "float"),
        ("n > 1.5", "bool"),
        ("word = 'DE'", "bool"),
        ("at is null", "bool"),
        ("not yes", "bool"),
        ("n between 1 and 2.5", "bool"),
        ("n in (1, 2.5)", "bool"),
        ("hour(at)", "int"),
        ("length(upper(word))", "int"),
        ("year(on)", "int"),
        ("round(d, 1)", "decimal"),
        ("round(n)", "int"),
        ("ceil(f)", "int"),
        ("sqrt(d)", "float"),
        ("contains(word, 'DE')", "bool"),
        ("timestampdiff('hour', on, at)", "int"),
        ("timestampadd('day', n, on)", "timestamp"),
        ("to_date(date_trunc('month', on))", "date"),
        ("at >= timestamp '2018-04-01'", "bool"),
        ("lower(word)", "string"),
        ("coalesce(n, 0.0)", "decimal"),
        ("least(n, f)", "float"),
        ("nullif(word, '')", "string"),
        ("case when yes then n else 0.5 end", "decimal"),
        ("case when yes then null when n = 1 then word end", "string"),
        ("view.n_1d + 1", "int"),
        ("null", None),
        ("null + 1", "int"),
        ("coalesce(null, null)", None),
    ],
)
def test_an_expression_has_one_type(text: str, expected: Kind | None) -> None:
    assert expected == kind_of(parse(text), KINDS, "here")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("word + 1", "'+' takes int or decimal or float, and was given string."),
        ("yes and n", "'and' takes bool, and was given int."),
        ("on = at", "'=' mixes date and timestamp; write to_date(…) around the timestamp."),
        (
            "at > '2018-04-01'",
            "'>' mixes string and timestamp; a constant time is written "
            "timestamp '2018-04-01 06:30:00'.",
        ),
        (
            "on in ('2018-04-01')",
            "'in' mixes date and string; a constant date is written date '2018-04-01'.",
        ),
        (
            "timestampdiff('fortnight', at, on)",
            "'timestampdiff' takes one of year, quarter, month, week, day, hour, minute, second in "
            "quotes, as its argument 1.",
        ),
        (
            "round(f, n)",
            "'round' takes the digits to keep after the point, 0 to 15, as in round(x, 2), as its "
            "argument 2.",
        ),
        ("word in ('a', 1)", "'in' mixes int and string; give it values of one type."),
        ("n between 'a' and 'b'", "'between' mixes int and string; give it values of one type."),
        ("d % 2", "'%' takes int, and was given decimal."),
        ("hour(on)", "'hour' takes timestamp, and was given date."),
        ("float(word)", "'float' takes int or decimal or float or bool, and was given string."),
        ("case when n then 1 end", "'case' takes bool, and was given int."),
        (
            "case when yes then 1 else 'a' end",
            "'case' mixes int and string; give it values of one type.",
        ),
        ("coalesce(n, word)", "'coalesce' mixes int and string; give it values of one type."),
        ("-word", "'neg' takes int or decimal or float, and was given string."),
        ("d * (n + d)", "decimal * decimal has no exact place; write float(…) around one."),
    ],
)
def test_values_of_the_wrong_type_are_refused(text: str, why: str) -> None:
    with pytest.raises(DeclarationError) as refused:
        kind_of(parse(text), KINDS, "here")
    assert f"here: {why}" == str(refused.value)


def test_a_name_that_is_wrong_deep_inside_is_found() -> None:
    with pytest.raises(DeclarationError, match="here has no column 'm'"):
        kind_of(parse("case when not (n in (1, abs(m))) then 1 end"), KINDS, "here")


def test_names_come_in_the_order_they_are_written() -> None:
    assert ["n", "view.n_1d", "n"] == list(names(parse("n > 1 and view.n_1d + n < 7")))


@pytest.mark.parametrize("text", ["n + 1", "null", "word"])
def test_what_is_no_condition_selects_nothing(text: str) -> None:
    with pytest.raises(DeclarationError, match="must be a condition"):
        condition(text, KINDS, "here")


def test_a_condition_is_given_as_its_tree() -> None:
    assert parse("n > 1") == condition("n > 1", KINDS, "here")


_LEAVES: st.SearchStrategy[Node] = st.one_of(
    st.sampled_from([Name("a"), Name("view.n_1d"), Name("hour")]),
    st.integers(0, 2**63 - 1).map(Literal),
    st.decimals(0, 10**9, places=3).map(Literal),
    st.text(st.characters(codec="utf-8")).map(Literal),
    st.sampled_from([Literal(True), Literal(False), Literal(None)]),
    st.dates().map(Literal),
    st.datetimes(timezones=st.just(UTC)).map(Literal),
)


def _calls(inner: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    def of(name: str, least: int, most: int | None) -> st.SearchStrategy[Node]:
        lists = st.lists(inner, min_size=least, max_size=most if most is not None else least + 2)
        return lists.map(lambda arguments: Call(name, tuple(arguments)))

    binary = ["+", "-", "*", "/", "%", "=", "<>", "<", "<=", ">", ">=", "and", "or"]
    cases = st.tuples(st.lists(st.tuples(inner, inner), min_size=1, max_size=2), inner)
    return st.one_of(
        *[of(name, 2, 2) for name in binary],
        *[of(name, 1, 1) for name in ("neg", "not", "is_null")],
        of("in", 2, 4),
        of("between", 3, 3),
        *[of(name, one.fewest, one.most) for name, one in FUNCTIONS.items()],
        cases.map(lambda case: Call("case", (*sum(case[0], ()), case[1]))),
    )


def _written(node: Node) -> str:
    """An expression's text, every part in parentheses."""
    if isinstance(node, Name):
        return node.name
    if isinstance(node, Literal):
        if isinstance(node.value, str):
            return "'" + node.value.replace("'", "''") + "'"
        if isinstance(node.value, date):
            kind = "timestamp" if isinstance(node.value, datetime) else "date"
            return f"{kind} '{node.value.isoformat()}'"
        return "null" if node.value is None else str(node.value)
    parts = [f"({_written(argument)})" for argument in node.arguments]
    name = node.function
    if name in FUNCTIONS:
        return f"{name}({', '.join(parts)})"
    if name == "in":
        return f"{parts[0]} in ({', '.join(parts[1:])})"
    if name == "between":
        return f"{parts[0]} between {parts[1]} and {parts[2]}"
    if name == "is_null":
        return f"{parts[0]} is null"
    if name == "case":
        *pairs, otherwise = parts
        whens = [
            f"when {test} then {value}" for test, value in zip(pairs[::2], pairs[1::2], strict=True)
        ]
        return f"case {' '.join(whens)} else {otherwise} end"
    if len(parts) == 1:
        return f"{'-' if name == 'neg' else name} {parts[0]}"
    return f"{parts[0]} {name} {parts[1]}"


@given(st.recursive(_LEAVES, _calls, max_leaves=12))
def test_a_tree_that_is_written_is_read_again(node: Node) -> None:
    assert node == parse(_written(node))


def test_a_pattern_is_refused_where_it_is_declared_with_what_to_write() -> None:
    kinds: dict[str, Kind] = {"country": "string"}
    with pytest.raises(DeclarationError, match=r"'a\{,3\}' uses .* \{0,n\} for at most n"):
        condition("matches(country, 'a{,3}')", kinds, "Feature view 'v'.n.where")
    with pytest.raises(DeclarationError, match="takes a pattern in quotes"):
        condition("matches(country, country)", kinds, "Feature view 'v'.n.where")
