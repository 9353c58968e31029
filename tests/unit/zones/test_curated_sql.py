"""Curated SQL against the declared contracts: no engine, no lake, nothing read."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from sqlglot import exp

from feature_repo.flight_delay import domain as flight_delay
from feature_repo.payments_fraud import domain as payments_fraud
from lakehouse.declare import (
    Cleaned,
    Contract,
    Curated,
    Domain,
    Raw,
    Source,
    column,
    event_time,
    key,
)
from lakehouse.declare.contract import Column
from lakehouse.errors import DeclarationError
from lakehouse.language.sql.portable import parse
from lakehouse.language.sql.typed import typed
from lakehouse.language.sql.typed_expressions import type_of
from lakehouse.language.sql.types import BIGINT, BOOLEAN, DATE, DOUBLE, INT, STRING, TIMESTAMP
from lakehouse.language.sql.types import decimal as decimal_of
from lakehouse.sdk import doctor
from lakehouse.sdk.stages import run
from lakehouse.zones.cleaned_shape import empty
from lakehouse.zones.curated_sql import PROVENANCE, check_domain, check_sql, declared_type
from tests.conformance.sql_statements import SHAPES, statements


class Sale(Contract):
    sale_id: str = key()
    card: str
    amount: Decimal = column(scale=2)
    pieces: int
    weight: float | None
    paid: bool
    due: date | None
    sold_at: datetime = event_time(known=True)


class Total(Contract):
    card: str = key()
    day: date | None
    total: Decimal = column(scale=2)
    share: float
    sales: int


SALES = Cleaned("sales", Raw("sales_raw", Source("sale_feed", Sale, "sales/*.csv")))
GOOD = (
    "SELECT card, CAST(max(sold_at) AS DATE) AS day, CAST(sum(amount) AS DECIMAL(18, 2)) AS total, "
    "avg(pieces) AS share, count(*) AS sales FROM {sales} GROUP BY card"
)


def curated(sql: str, contract: type[Contract] = Total, inputs: Any = (SALES,)) -> Curated:
    return Curated("totals", sql, inputs=inputs, contract=contract)


def refusal(sql: str, contract: type[Contract] = Total) -> str:
    with pytest.raises(DeclarationError) as error:
        check_sql(curated(sql, contract))
    return str(error.value)


@pytest.mark.parametrize("domain", [payments_fraud, flight_delay], ids=lambda d: d.name)
def test_the_domains_that_come_along_fit(domain: Domain) -> None:
    assert domain.curated
    check_domain(domain)


def test_sql_that_fits_is_taken() -> None:
    check_sql(curated(GOOD))
    again = Curated(
        "again",
        "SELECT t.* FROM {totals} t JOIN {sales} s ON s.card = t.card AND s._row = 1",
        inputs=(curated(GOOD), SALES),
        contract=Total,
    )
    check_sql(again)


@pytest.mark.parametrize(
    ("part", "wrong", "message"),
    [
        (
            "max(sold_at)",
            "max(solt_at)",
            "Curated table 'totals': what it reads has no column 'solt_at'; did you mean "
            "'sold_at'? It has: ",
        ),
        (
            "CAST(max(sold_at) AS DATE) AS day",
            "max(sold_at) AS day",
            "Curated table 'totals': column 'day' is declared as date and the SQL gives TIMESTAMP; "
            "write CAST(… AS DATE) AS day if that is meant.",
        ),
        (
            "avg(pieces) AS share",
            "sum(amount) AS share",
            "column 'share' is declared as float and the SQL gives DECIMAL(28, 2); write "
            "CAST(… AS DOUBLE) AS share",
        ),
        ("count(*) AS sales", "count(*) AS n", "the SQL's result has no column 'sales'"),
        ("avg(pieces)", "avg(pieces + card)", "+ takes numbers, and card is STRING"),
        ("sum(amount)", "nosuch(amount)", "'nosuch' is not portable SQL"),
    ],
)
def test_what_does_not_fit_names_table_and_column_and_what_to_write(
    part: str, wrong: str, message: str
) -> None:
    assert part in GOOD
    assert message in refusal(GOOD.replace(part, wrong))


def test_a_table_that_is_no_input_is_refused() -> None:
    sql = GOOD.replace("FROM {sales}", "FROM {sales} JOIN other ON other.card = sales.card")
    assert "Curated table 'totals' has no input 'other'" in refusal(sql)


def test_a_decimal_is_never_rounded_and_a_null_has_no_type() -> None:
    class Coarse(Contract):
        card: str = key()
        total: Decimal = column(scale=1)

    said = refusal("SELECT card, amount AS total FROM {sales}", Coarse)
    assert "'total' is declared as decimal and the SQL gives DECIMAL(18, 2)" in said
    assert "the SQL gives NULL" in refusal("SELECT card, NULL AS total FROM {sales}", Coarse)


def test_whole_numbers_and_amounts_widen_to_what_is_declared() -> None:
    class Widened(Contract):
        card: str = key()
        name_length: int
        total: Decimal = column(scale=4)

    check_sql(
        curated("SELECT card, length(card) AS name_length, amount AS total FROM {sales}", Widened)
    )


def test_the_platforms_own_columns_have_the_types_that_they_have_on_disk(open_lake: Any) -> None:
    ctx = open_lake(SALES).ctx
    found = ctx.engine.to_arrow(empty(ctx, SALES)).schema
    names = {"string": STRING, "int64": BIGINT, "timestamp[us, tz=UTC]": TIMESTAMP}
    assert {name: names[str(found.field(name).type)] for name in PROVENANCE} == PROVENANCE


COLUMNS = {
    **{"id": BIGINT, "k": STRING, "i": INT, "n": BIGINT, "x": DOUBLE, "y": DOUBLE},
    **{"d": decimal_of(18, 2), "e": decimal_of(9, 4), "s": STRING, "u": STRING, "b": BOOLEAN},
    **{"day": DATE, "at": TIMESTAMP},
}


def test_no_column_of_portable_sql_is_taken_for_unknown() -> None:
    """However a statement nests what it is made of: the check tells names by having no type."""
    taken = 0
    for statement in statements(20201231, 600):
        query = parse(SHAPES[statement.shape].sql([statement.expression]), "Generated")
        try:
            query = typed(query, {"t": COLUMNS})
        except DeclarationError:
            continue
        taken += 1
        assert [] == [c.sql() for c in query.find_all(exp.Column) if type_of(c) is None]
    assert taken > 300


WRONG = Domain("shop", description="", tables=(curated(GOOD.replace("AS day,", "AS at,")),))


def test_a_run_says_so_before_anything_is_taken_in(open_lake: Any) -> None:
    lake = replace(open_lake(SALES).ctx, domain=WRONG)
    with pytest.raises(DeclarationError, match="the SQL's result has no column 'day'"):
        run(lake)
    assert [] == lake.records.select("SELECT * FROM runs")


def test_doctor_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lakehouse.sdk.composition.domain_names", lambda: ["shop"])
    monkeypatch.setattr("lakehouse.sdk.composition.load_domain", lambda _: WRONG)
    state, why = doctor._domains()
    assert ("wrong", True) == (state, why.startswith("shop: Curated table 'totals': "))


def test_a_column_that_is_declared_has_its_type_in_the_tables() -> None:
    assert "DECIMAL(18, 3)" == str(declared_type(Column("a", "decimal", scale=3)))
