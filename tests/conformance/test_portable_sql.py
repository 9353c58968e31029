"""Portable SQL: what it means, what it refuses, and the known time of rows."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pyarrow as pa
import pytest

from lakehouse.engines.protocol import Engine
from lakehouse.errors import DeclarationError, LakehouseError
from lakehouse.language.sql import functions as portable_functions
from lakehouse.language.sql.portable import input_names, parse, render

Value = Callable[..., Any]


@pytest.fixture
def value(engine: Engine) -> Value:
    """The value of one expression, checked to be portable."""

    def value_(expression: str, **columns: list[Any]) -> Any:
        sql = f"SELECT {expression} AS x" + (" FROM {t}" if columns else "")
        tree = parse(sql, "Test")
        frames = {"t": pa.table(columns)} if columns else {}
        return engine.to_arrow(engine.query(render(tree), frames)).to_pylist()[0]["x"]

    return value_


DAY = "DATE '2020-02-29'"
TIME = "TIMESTAMP '2020-12-31 23:59:59.5'"
SUNDAY = "TIMESTAMP '2020-03-01 00:00:00'"

MEANINGS = {
    # division and remainder
    "1 / 2": 0.5,
    "CAST(7.00 AS DECIMAL(18, 2)) / 2": 3.5,
    "NULL / 0": None,
    "-7 % 3": -1,
    "mod(7, -3)": 1,
    "-7 DIV 2": -3,
    "NULL % 0": None,
    # casts
    "CAST(' 12 ' AS INT)": 12,
    "CAST(-1.9 AS BIGINT)": -1,
    "CAST(2.5D AS INT)": 2,
    "CAST(true AS INT)": 1,
    "CAST('1e3' AS DOUBLE)": 1000.0,
    "CAST('-1.005' AS DECIMAL(10, 2))": Decimal("-1.01"),
    "CAST(1.005D AS DECIMAL(10, 2))": Decimal("1.01"),
    "CAST(2 AS DECIMAL(10, 2))": Decimal("2.00"),
    "CAST(1.50 AS STRING)": "1.50",
    "CAST(true AS STRING)": "true",
    f"CAST({TIME} AS STRING)": "2020-12-31 23:59:59.5",
    f"CAST({DAY} AS STRING)": "2020-02-29",
    "CAST('2020-02-29' AS DATE)": date(2020, 2, 29),
    f"CAST({TIME} AS DATE)": date(2020, 12, 31),
    "CAST('2020-01-01T02:00:00+02:00' AS TIMESTAMP)": datetime(2020, 1, 1, tzinfo=UTC),
    f"CAST({DAY} AS TIMESTAMP)": datetime(2020, 2, 29, tzinfo=UTC),
    "CAST(' True ' AS BOOLEAN)": True,
    "CAST(0.5D AS BOOLEAN)": True,
    "'12'::INT": 12,
    "TRY_CAST('1.5' AS INT)": None,
    "TRY_CAST('1_0' AS BIGINT)": None,
    "TRY_CAST('99999999999' AS INT)": None,
    "TRY_CAST('nan' AS DOUBLE)": None,
    "TRY_CAST(9223372036854775808e0 AS BIGINT)": None,
    "CAST(-9223372036854775808e0 AS BIGINT)": -(2**63),
    "TRY_CAST('1e40' AS DECIMAL(18, 2))": None,
    "TRY_CAST('2019-02-29' AS DATE)": None,
    "TRY_CAST('2020-1-1' AS DATE)": None,
    "TRY_CAST('2020-01-01 25:00:00' AS TIMESTAMP)": None,
    "TRY_CAST('yes' AS BOOLEAN)": None,
    # numbers
    "ceil(1.2)": 2,
    "floor(-1.2D)": -2,
    "round(-2.5D, 0)": -3.0,
    "round(CAST(1.005 AS DECIMAL(10, 3)), 2)": Decimal("1.01"),
    "ln(0)": None,
    "power(2, 10)": 1024.0,
    "abs(-1.5)": Decimal("1.5"),
    "greatest(1, NULL, 3)": 3,
    "least(2, NULL)": 2,
    "nullif(1, 1)": None,
    "if(NULL, 1, 2)": 2,
    "sign(-3)": -1,
    # texts
    "'it''s'": "it's",
    r"'a\tb'": "a\tb",
    "substring('abc', 0, 2)": "ab",
    "substring('abc', -2)": "bc",
    "left('abc', 2) || right('abc', 1)": "abc",
    "concat('a', NULL)": None,
    "length('🤦🏼‍♂️')": 5,
    "lpad('abc', 2, 'x') || rpad('a', 3, 'xy')": "abaxy",
    "trim('  a ') || '|' || ltrim(' a')": "a|a",
    "instr('abc', 'c')": 3,
    "replace('aXa', 'X', '')": "aa",
    "'a_c' LIKE 'a_c' AND NOT 'abc' LIKE 'ab'": True,
    "startswith('abc', 'ab') AND endswith('abc', 'bc') AND contains('abc', 'b')": True,
    # dates and times
    f"dayofweek({SUNDAY})": 1,
    f"weekday({SUNDAY})": 6,
    f"weekofyear({TIME})": 53,
    f"dayofyear({TIME})": 366,
    f"year({TIME}) * 100 + month({TIME})": 202012,
    f"quarter({TIME})": 4,
    f"hour({TIME}) * 100 + minute({TIME})": 2359,
    f"second({TIME})": 59,
    f"date_add({TIME}, 1)": date(2021, 1, 1),
    f"date_sub({DAY}, 60)": date(2019, 12, 31),
    f"datediff({TIME}, {DAY})": 306,
    f"add_months({DAY}, 12)": date(2021, 2, 28),
    f"last_day({DAY})": date(2020, 2, 29),
    f"date_trunc('hour', {TIME})": datetime(2020, 12, 31, 23, tzinfo=UTC),
    f"date_trunc('WEEK', {DAY})": datetime(2020, 2, 24, tzinfo=UTC),
    f"trunc({DAY}, 'MM')": date(2020, 2, 1),
    f"{TIME} + INTERVAL 1 DAY": datetime(2021, 1, 1, 23, 59, 59, 500_000, tzinfo=UTC),
    f"dateadd(MINUTE, -1, {SUNDAY})": datetime(2020, 2, 29, 23, 59, tzinfo=UTC),
    f"timestampadd(QUARTER, 2, {SUNDAY})": datetime(2020, 9, 1, tzinfo=UTC),
    f"timestampdiff(HOUR, {TIME}, TIMESTAMP '2021-01-01 01:00:00')": 1,
    f"datediff(HOUR, {TIME}, TIMESTAMP '2021-01-01 01:00:00')": 1,
    "timestampdiff(DAY, DATE '2018-12-31', TIMESTAMP '2018-04-01 00:00:00.000001')": -273,
    "timestampdiff(HOUR, DATE '2018-12-31', TIMESTAMP '2018-04-01 00:00:00.000001')": -6575,
    "make_date(2020, 2, 29)": date(2020, 2, 29),
    "to_date('2020-02-29')": date(2020, 2, 29),
    "unix_seconds(TIMESTAMP '1969-12-31 23:59:59.5')": -1,
    f"timestamp_micros(unix_micros({TIME})) = {TIME}": True,
    "to_utc_timestamp(TIMESTAMP '2013-07-01 08:00:00', 'America/New_York')": datetime(
        2013, 7, 1, 12, tzinfo=UTC
    ),
    "from_utc_timestamp(TIMESTAMP '2013-07-01 12:00:00', 'America/New_York')": datetime(
        2013, 7, 1, 8, tzinfo=UTC
    ),
    # nulls
    "NULL <=> NULL": True,
    "1 IS DISTINCT FROM NULL": True,
    "NULL IN (1, 2)": None,
    "isnull(NULL) AND isnotnull(1)": True,
    "NOT NULL AND false": False,
    "CASE WHEN NULL THEN 1 END": None,
}


@pytest.fixture(scope="module")
def values(engine: Engine) -> dict[str, Any]:
    """The value of every expression, asked in one query; one by one if that fails."""

    def asked(expressions: list[str]) -> dict[str, Any]:
        selected = ", ".join(f"{expression} AS x{n}" for n, expression in enumerate(expressions))
        try:
            query = engine.query(render(parse(f"SELECT {selected}", "Test")), {})
            (row,) = engine.to_arrow(query).to_pylist()
        except LakehouseError as error:
            if len(expressions) == 1:
                return {expressions[0]: error}
            return {e: value for one in expressions for e, value in asked([one]).items()}
        return dict(zip(expressions, row.values(), strict=True))

    return asked(list(MEANINGS))


@pytest.mark.parametrize("expression", MEANINGS)
def test_an_expression_means(values: dict[str, Any], expression: str) -> None:
    found = values[expression]
    assert (found, type(found)) == (MEANINGS[expression], type(MEANINGS[expression]))


@pytest.mark.parametrize(
    "expression",
    [
        "1 / 0",
        "1.5D / 0",
        "7 % 0",
        "7 DIV 0",
        "1.5D % 0",
        "CAST('1.5' AS INT)",
        "CAST('x' AS DOUBLE)",
        "CAST('' AS DECIMAL(10, 2))",
        "CAST('2020-1-1' AS DATE)",
        "CAST('2019-02-29' AS DATE)",
        "CAST('now' AS TIMESTAMP)",
        "CAST('maybe' AS BOOLEAN)",
        "CAST(3000000000 AS INT)",
        "CAST(1e300 AS BIGINT)",
        "CAST(9223372036854775808e0 AS BIGINT)",
        "CAST(12345.6 AS DECIMAL(4, 2))",
        "CAST(1.5D AS STRING)",
        "9223372036854775807 + 1",
    ],
)
def test_an_expression_raises(value: Value, expression: str) -> None:
    with pytest.raises(LakehouseError):
        value(expression)


def test_a_guarded_division_does_not_raise(value: Value) -> None:
    assert value("sum(CASE WHEN a = 0 THEN 0 ELSE 1 / a END)", a=[0, 2, 4]) == 0.75
    assert value("1 / nullif(a, 0)", a=[0]) is None


def test_floats_round_half_away_from_zero(engine: Engine) -> None:
    chance = random.Random(0)
    texts = [f"{chance.choice(('', '-'))}{chance.randrange(10**10) / 10**4}" for _ in range(500)]
    texts += ["2.675", "-2.675", "1.005", "0.5", "-0.5", "1.0049999", "0.0005", "123456.1235"]
    table = pa.table({"n": [float(text) for text in texts]})
    selected = ", ".join(f"round(n, {digits}) AS r{digits}" for digits in range(4))
    found = engine.to_arrow(engine.query(f"SELECT n, {selected} FROM t", {"t": table})).to_pylist()
    for row in found:
        for digits in range(4):
            step = Decimal(1).scaleb(-digits)
            wanted = float(Decimal(repr(row["n"])).quantize(step, ROUND_HALF_UP))
            assert math.isclose(row[f"r{digits}"], wanted, rel_tol=1e-15, abs_tol=1e-15)


def test_nulls_stand_first_as_in_spark(engine: Engine) -> None:
    up, down = "row_number() OVER (ORDER BY a) AS up", "row_number() OVER (ORDER BY a DESC) AS down"
    sql = f"SELECT a, {up}, {down} FROM t"
    found = engine.to_arrow(engine.query(sql, {"t": pa.table({"a": [2, None, 1]})})).to_pylist()
    assert {row["a"]: (row["up"], row["down"]) for row in found} == {
        None: (1, 3),
        1: (2, 2),
        2: (3, 1),
    }


REFUSED = {
    "SELECT hash(a) FROM t": "'hash' is not portable SQL; hashes differ between engines",
    "SELECT now()": "time is an argument",
    "SELECT current_date": "time is an argument",
    "SELECT rand() FROM t": "chance is an argument",
    "SELECT a RLIKE 'b' FROM t": "write LIKE, contains()",
    "SELECT date_format(a, 'y') FROM t": "year(), month()",
    "SELECT a FROM t LIMIT 3": "row_number() OVER",
    "SELECT median(a) FROM t": "row_number()",
    "SELECT first(a) FROM t": "order of rows",
    "SELECT explode(a) FROM t": "join instead",
    "SELECT array(a) FROM t": "plain values",
    "SELECT lenght(a) FROM t": "close to it is length(text)",
    "SELECT bogus(a) FROM t": "FUNCTIONS in lakehouse.language.sql.functions",
    "SELECT CAST(a AS FLOAT) FROM t": "type FLOAT is none of INT, BIGINT",
    "SELECT CAST(a AS DECIMAL(38, 2)) FROM t": "more than 18 digits",
    "SELECT CAST(a AS DECIMAL) FROM t": "DECIMAL(18, 2)",
    "SELECT a LIKE b FROM t": "LIKE takes a pattern",
    "SELECT a ILIKE 'b' FROM t": "lower(x) LIKE",
    "SELECT a FROM t NATURAL JOIN u": "write JOIN … ON",
    "SELECT row_number() OVER (PARTITION BY a) FROM t": "row_number() OVER (…) needs an ORDER BY",
    "SELECT count(DISTINCT a, b) FROM t": "takes one column",
    "SELECT a FROM other.t": "table other.t is no input",
    "SELECT a FROM t TABLESAMPLE (5 PERCENT)": "chance is an argument",
    "SELECT a FROM t QUALIFY a = 1": "filter outside it",
    "SELECT a, count(*) FROM t GROUP BY ROLLUP (a)": "UNION ALL",
    "DELETE FROM t": "SQL must be a SELECT, this is DELETE",
    "SELECT 1; SELECT 2": "give one SQL statement, not 2",
    "SELECT (a FROM t": "SQL is not understood at line 1, column",
    "SELECT 'open": "SQL is not understood",
}


@pytest.mark.parametrize("sql", REFUSED)
def test_what_is_not_portable_is_refused_with_what_to_write(sql: str) -> None:
    with pytest.raises(DeclarationError) as caught:
        parse(sql, "Curated table 'x'")
    assert str(caught.value).startswith("Curated table 'x': ")
    assert REFUSED[sql] in str(caught.value)


def test_every_documented_function_is_tested_here() -> None:
    tested = " ".join([*MEANINGS, *AGGREGATES, RANKS]).lower()
    missing = [name for name in portable_functions.FUNCTIONS if f"{name}(" not in tested]
    assert missing == []


AGGREGATES = {
    "count(*)": 4,
    "count(a)": 3,
    "count(DISTINCT a)": 2,
    "sum(a)": 5,
    "avg(a)": 5 / 3,
    "avg(d)": 1.5,
    "sum(d)": Decimal("6.00"),
    "min(a) + max(a)": 3,
    "count_if(a = 2)": 2,
    "bool_and(a > 1)": False,
    "every(a > 0)": True,
    "bool_or(a > 1)": True,
    "some(a > 5)": False,
    "any(a > 1)": True,
    "sum(ln(a)) - ln(4)": 0.0,
    "sqrt(sum(a) - 1)": 2.0,
    "exp(min(a) - 1)": 1.0,
    "max(coalesce(a, 9))": 9,
    "max(upper(s)) || min(lower(s))": "Yx",
    "sum(day(t) - dayofmonth(t))": 0,
}


@pytest.mark.parametrize("expression", AGGREGATES)
def test_an_aggregate_means(value: Value, expression: str) -> None:
    found = value(
        expression,
        a=[1, 2, 2, None],
        d=[Decimal("1.50")] * 4,
        s=["X", "y", None, "Y"],
        t=[datetime(2020, 1, 31, tzinfo=UTC)] * 4,
    )
    assert (found, type(found)) == (AGGREGATES[expression], type(AGGREGATES[expression]))


RANKS = """
    SELECT k, row_number() OVER (ORDER BY a, k) AS n, rank() OVER (ORDER BY a) AS r,
        dense_rank() OVER (ORDER BY a) AS d, lag(a, 1) OVER (ORDER BY a, k) AS before,
        lead(a, 1, 0) OVER (ORDER BY a, k) AS after
    FROM {t}
"""


def test_ranks_and_neighbours(engine: Engine) -> None:
    table = pa.table({"a": [7, 5, 5], "k": [3, 1, 2]})
    found = engine.to_arrow(engine.query(render(parse(RANKS, "Test")), {"t": table})).to_pylist()
    assert sorted(tuple(row.values()) for row in found) == [
        (1, 1, 1, 1, None, 5),
        (2, 2, 1, 1, 5, 7),
        (3, 3, 3, 2, 5, 0),
    ]


def test_input_names_are_tables_that_are_no_ctes() -> None:
    sql = """WITH a AS (SELECT * FROM {b})
        SELECT * FROM a JOIN {c} ON a.x = c.x WHERE x IN (SELECT x FROM {d})"""
    assert sorted(input_names(parse(sql, "Test"))) == ["b", "c", "d"]
