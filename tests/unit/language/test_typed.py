"""Portable SQL with its types: what meets is made the same, and what does not fit is refused."""

from __future__ import annotations

import re

import pytest

from lakehouse.errors import DeclarationError
from lakehouse.language.sql.functions import ROWS, call_of
from lakehouse.language.sql.portable import parse, read
from lakehouse.language.sql.typed import typed
from lakehouse.language.sql.typed_expressions import type_of
from lakehouse.language.sql.types import (
    BIGINT,
    BOOLEAN,
    DATE,
    DOUBLE,
    INT,
    STRING,
    TIMESTAMP,
    SqlType,
)

COLUMNS = {
    "i": INT,
    "n": BIGINT,
    "x": DOUBLE,
    "d": SqlType("DECIMAL", 18, 2),
    "s": STRING,
    "b": BOOLEAN,
    "day": DATE,
    "at": TIMESTAMP,
}


def type_(expression: str) -> str:
    query = typed(parse(f"SELECT {expression} AS found FROM {{t}}", "Test"), {"t": COLUMNS})
    return str(type_of(query.expressions[0]))


@pytest.mark.parametrize(
    ("expression", "kind"),
    [
        ("i + i", "INT"),
        ("i + n", "BIGINT"),
        ("n * 1.5", "DECIMAL(22, 1)"),
        ("d * n", "DECIMAL(38, 2)"),
        ("d * 2 * 3 * 4", "DECIMAL(24, 2)"),
        ("d + 1", "DECIMAL(19, 2)"),
        ("i / n", "DOUBLE"),
        ("sum(i)", "BIGINT"),
        ("sum(d)", "DECIMAL(28, 2)"),
        ("round(avg(d), 2)", "DOUBLE"),
        ("round(d, 1)", "DECIMAL(18, 1)"),
        ("lag(day) OVER (ORDER BY n)", "DATE"),
        ("CASE WHEN b THEN i ELSE d END", "DECIMAL(18, 2)"),
        ("coalesce(day, at)", "TIMESTAMP"),
        ("day + INTERVAL 1 DAY", "DATE"),
        ("day + INTERVAL 1 HOUR", "TIMESTAMP"),
        ("(SELECT max(q.n) FROM {t} q WHERE q.i = t.i)", "BIGINT"),
        ("NULL", "NULL"),
    ],
)
def test_an_expression_has_the_type(expression: str, kind: str) -> None:
    assert kind == type_(expression)


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("s = n", "STRING and BIGINT have no type in common: CAST one of them"),
        ("abs(s)", "abs() takes numbers, and s is STRING: CAST it."),
        ("d * d * d * sum(d)", "a DECIMAL of 67 digits is beyond the 38 that engines hold"),
        ("CAST(x AS STRING)", "CAST of a float to STRING has no portable form"),
        ("CAST(at AS BIGINT)", "write unix_seconds() or unix_micros()"),
        ("at - at", "write timestampdiff(SECOND, …)"),
        ("round(x, i)", "round() takes a whole number from 0 to 18 that is written out"),
        ("if(n, 1, 2)", "n is BIGINT, and if() takes BOOLEAN: CAST it."),
    ],
)
def test_what_does_not_fit_is_refused_with_what_to_write(expression: str, message: str) -> None:
    with pytest.raises(DeclarationError) as refused:
        type_(expression)
    assert message in str(refused.value)


def test_the_columns_of_ctes_unions_and_subqueries_have_types() -> None:
    sql = """WITH a AS (SELECT i AS k, 1.5 AS v FROM {t} UNION ALL SELECT n, x FROM {t})
        SELECT q.k + 1 AS k, q.v FROM (SELECT * FROM a) q JOIN a ON q.k = a.k"""
    query = typed(parse(sql, "Test"), {"t": COLUMNS})
    assert ["BIGINT", "DOUBLE"] == [str(type_of(e)) for e in query.expressions]


def test_what_raises_stands_for_a_value_of_any_type() -> None:
    sql = "SELECT CASE WHEN b THEN raise_error('late') ELSE at END AS found FROM t"
    query = typed(read(sql, "Test"), {"t": COLUMNS})
    assert "TIMESTAMP" == str(type_of(query.expressions[0]))
    assert "CAST(RAISE_ERROR('late') AS TIMESTAMP)" in query.sql("spark")


def test_every_function_is_called_documented_and_typed() -> None:
    for row in ROWS:
        assert row.name in row.documented, row.name
        for form in row.forms:
            node = read(re.sub(r"\{\w+\}", "v", form), "Test")
            call = call_of(node)
            assert call is not None, form
            assert row == call.function, form
