"""Curated tables: typed, checked, known when their inputs were, and computed only when needed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

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
from lakehouse.engines.protocol import Transaction
from lakehouse.errors import ContractViolation, DeclarationError, LakehouseError
from lakehouse.zones.cleaned import clean
from lakehouse.zones.curated import curate
from lakehouse.zones.derivation import Derivation


class Sale(Contract):
    sale_id: str = key()
    card: str = column(personal=True)
    amount: Decimal = column(scale=2)
    sold_at: datetime = event_time(known=True)


class Total(Contract):
    card: str = key(personal=True)
    sales: int = column(ge=1)
    total: Decimal = column(scale=3)


SALES = Cleaned("sales", Raw("sales_raw", Source("feed", Sale, "s/*.csv")), on_conflict="history")
SQL = "SELECT card, count(*) AS sales, sum(amount) AS total FROM {sales} GROUP BY card"


def totals(sql=SQL, contract=Total):
    return Curated("totals", sql, inputs=[SALES], contract=contract)


def sale(sale_id, card="C1", amount="1", day=1):
    return {"sale_id": sale_id, "card": card, "amount": amount, "sold_at": f"2020-01-0{day}"}


@pytest.fixture
def lake(open_lake):
    lake = open_lake(SALES)
    lake.ctx = replace(lake.ctx, domain=Domain("shop", description="", tables=[totals()]))
    lake.deliver(
        ("1.csv", [sale("a"), sale("b", amount="2.5", day=3), sale("c", card="C2", day=2)])
    )
    clean(lake.ctx, SALES)
    return lake


def rows(lake):
    found = lake.ctx.engine.to_arrow(lake.ctx.engine.read(lake.ctx.table("curated", "totals")))
    return found.sort_by("card")


def test_the_result_has_the_contracts_columns_and_types_and_is_known_when_its_last_row_was(lake):
    assert curate(lake.ctx, totals()) == Derivation(2, 0, True)
    found = rows(lake)
    assert [(f.name, str(f.type)) for f in found.schema] == [
        ("card", "string"),
        ("sales", "int64"),
        ("total", "decimal128(18, 3)"),
        ("_known_at", "timestamp[us, tz=UTC]"),
    ]
    assert [tuple(row.values()) for row in found.to_pylist()] == [
        ("C1", 2, Decimal("3.500"), datetime(2020, 1, 3, tzinfo=UTC)),
        ("C2", 1, Decimal("1.000"), datetime(2020, 1, 2, tzinfo=UTC)),
    ]


def test_unchanged_inputs_make_no_commit_and_no_run(lake):
    curate(lake.ctx, totals())
    runs = lake.ctx.records.select("SELECT * FROM runs")
    assert curate(lake.ctx, totals()) == Derivation(2, 0, False)
    assert lake.ctx.records.select("SELECT * FROM runs") == runs


def test_compaction_of_an_input_is_no_change(lake):
    lake.deliver(("2.csv", [sale("d")]))
    clean(lake.ctx, SALES)
    curate(lake.ctx, totals())
    lake.ctx.table("cleaned", "sales").opened().optimize.compact()
    assert not curate(lake.ctx, totals()).changed


def test_a_changed_input_or_declaration_computes_the_table_anew(lake):
    curate(lake.ctx, totals())
    lake.deliver(("2.csv", [sale("d", card="C3")]))
    clean(lake.ctx, SALES)
    assert curate(lake.ctx, totals()) == Derivation(3, 1, True)
    fewer = totals(SQL.replace("{sales}", "{sales} WHERE amount > 1"))
    assert curate(lake.ctx, fewer) == Derivation(1, 2, True)
    assert rows(lake)["card"].to_pylist() == ["C1"]


def test_a_table_with_history_gives_all_its_versions(lake):
    lake.deliver(("2.csv", [sale("a", amount="9", day=4)]))
    clean(lake.ctx, SALES)
    curate(lake.ctx, totals())
    assert rows(lake)["sales"].to_pylist() == [3, 1]


def test_the_run_names_what_it_read_and_wrote(lake):
    curate(lake.ctx, totals())
    found = lake.ctx.records.select(
        "SELECT direction, table_id, version, rows FROM table_versions v JOIN runs USING (run) "
        "WHERE stage = 'curated' ORDER BY direction"
    )
    assert [tuple(row.values()) for row in found] == [
        ("read", "cleaned/shop/sales", 0, None),
        ("write", "curated/shop/totals", 0, 2),
    ]


class Wrong(Contract):
    card: str = key()
    day: date | None
    factor: float


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("SELECT card, amount FROM {sales}", "has no column 'day'"),
        (
            "SELECT card, sold_at AS day, 1 AS factor FROM {sales}",
            r"'day' is declared as date and the SQL gives TIMESTAMP.*CAST\(… AS DATE\) AS day",
        ),
        (
            "SELECT card, CAST(sold_at AS DATE) AS day, amount AS factor FROM {sales}",
            r"'factor' is declared as float and the SQL gives DECIMAL\(18, 2\)",
        ),
        ("SELECT card, day, factor FROM {sales} s", "day"),
        ("SELECT card, nosuch(card) AS day FROM {sales}", "nosuch"),
        ("SELECT s.card, 1 AS day FROM {sales} s JOIN other o ON o.x = s.card", "no input 'other'"),
    ],
)
def test_sql_that_does_not_give_the_contract_is_refused(lake, sql, message):
    with pytest.raises(LakehouseError, match=message) as refused:
        curate(lake.ctx, totals(sql, Wrong))
    assert "day, factor" in sql or isinstance(refused.value, DeclarationError)
    assert lake.ctx.table("curated", "totals").version() is None


@pytest.mark.parametrize(
    ("total", "message"),
    [
        ("sum(CAST(1 / (count(*) - 2) AS DECIMAL(9, 2)))", "Curated table 'totals': "),
        ("sum(1 / (length(card) - 2))", "Curated table 'totals': Invalid Input Error: Division"),
        ("sum(amount + card)", "Curated table 'totals': + takes numbers, and card is STRING"),
        ("sum(nothing)", "Curated table 'totals': Binder Error"),
    ],
)
def test_an_engines_error_names_the_table(lake, total, message):
    sql = f"SELECT card, count(*) AS sales, CAST({total} AS DECIMAL(18, 3)) AS total "
    with pytest.raises(LakehouseError) as raised:
        curate(lake.ctx, totals(sql + "FROM {sales} GROUP BY card"))
    assert str(raised.value).startswith(message)


def test_a_decimal_is_never_rounded_to_fit(lake):
    class Coarse(Contract):
        card: str = key()
        total: Decimal = column(scale=1)

    with pytest.raises(DeclarationError, match="'total' is declared as decimal"):
        curate(lake.ctx, totals("SELECT card, amount AS total FROM {sales}", Coarse))


def test_a_repeated_key_is_an_error_with_examples_and_nothing_is_written(lake):
    with pytest.raises(ContractViolation) as refused:
        curate(lake.ctx, totals("SELECT card, 1 AS sales, amount AS total FROM {sales}"))
    assert str(refused.value).splitlines()[:2] == [
        "Curated table 'totals': 1 keys stand in several rows of its result. Nothing was written.",
        "  card = ***",
    ]
    assert lake.ctx.table("curated", "totals").version() is None


@pytest.mark.parametrize(
    ("sales", "message"),
    [
        (
            "CASE WHEN count(*) > 1 THEN 1 END",
            "1 of 2 rows fail nullable in column 'sales' of contract Total. Nothing was written.\n"
            "  card = ***, sales = None",
        ),
        (
            "count(*) - 1",
            "1 of 2 rows fail ge 1 in column 'sales' of contract Total. Nothing was written.\n"
            "  card = ***, sales = 0",
        ),
    ],
)
def test_a_result_that_breaks_its_contract_is_not_written(lake, sales, message):
    with pytest.raises(ContractViolation) as refused:
        curate(lake.ctx, totals(SQL.replace("count(*) AS", f"{sales} AS")))
    assert message in str(refused.value)
    assert lake.ctx.table("curated", "totals").version() is None


def test_a_unique_column_repeats_nothing(lake):
    class Once(Contract):
        sale_id: str = key()
        card: str = column(unique=True)

    with pytest.raises(ContractViolation, match=r"unique and its result repeats.*\n  card = C1"):
        curate(lake.ctx, totals("SELECT sale_id, card FROM {sales}", Once))


def test_an_empty_input_gives_an_empty_table(open_lake):
    lake = open_lake(SALES)
    clean(lake.ctx, SALES)
    assert curate(lake.ctx, totals()) == Derivation(0, 0, True)
    assert rows(lake).num_rows == 0


def test_an_input_that_is_not_there_yet_says_how_to_make_it(open_lake):
    lake = open_lake(SALES)
    with pytest.raises(LakehouseError, match="cleaned/shop/sales is not there yet"):
        curate(lake.ctx, totals())


def test_a_crash_after_the_commit_needs_no_second_one(lake):
    curate(lake.ctx, totals())
    with lake.ctx.records.connection() as db:
        db.execute("DELETE FROM table_versions WHERE table_id LIKE 'curated/%'")
    assert curate(lake.ctx, totals()) == Derivation(2, 0, False)
    at = datetime(2999, 1, 1, tzinfo=UTC)
    assert lake.ctx.records.version_at("curated/shop/totals", at) == 0


def test_a_lake_read_as_of_the_past_is_not_curated(lake):
    with pytest.raises(LakehouseError, match="as of the past"):
        curate(replace(lake.ctx, pins={}), totals())


def test_a_foreign_commit_on_top_is_computed_over(lake):
    curate(lake.ctx, totals())
    path = lake.ctx.table("curated", "totals")
    nothing = lake.ctx.engine.from_arrow(rows(lake).slice(0, 0))
    lake.ctx.engine.write(path, nothing, "overwrite", Transaction("someone/else", 1))
    assert curate(lake.ctx, totals()).changed
    assert rows(lake).num_rows == 2
