"""Cleaning: types, reasons, and what becomes of rows of one key."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from lakehouse.declare import Cleaned, Contract, Raw, Source, column, event_time, key, known_at
from lakehouse.errors import ContractViolation, LakehouseError
from lakehouse.times import microseconds
from lakehouse.zones.balance import balance
from lakehouse.zones.cleaned import clean
from lakehouse.zones.cleanup import Cleanup


class Sale(Contract):
    """A sale, known when it happens."""

    sale_id: str = key()
    amount: Decimal = column(ge=0, le=100, scale=2)
    shop: str | None = column(isin=["north", "south"], str_matches="[ns].*")
    card: str | None = column(personal=True, str_matches="C[0-9]+")
    sold_at: datetime = event_time(known=True)


def cleaned(contract=Sale, path="sales/*.csv", mode="append", **options):
    return Cleaned("sales", Raw("sales_raw", Source("feed", contract, path, mode)), **options)


def sale(sale_id, amount="1", sold_at="2020-01-01", **others):
    return {"sale_id": sale_id, "amount": amount, "sold_at": sold_at} | others


def day(number):
    return datetime(2020, 1, number, tzinfo=UTC)


def content(lake, *columns):
    """The cleaned rows as tuples of some columns, sorted."""
    return sorted(tuple(row[c] for c in columns) for row in lake.rows())


def test_good_rows_are_typed_in_the_contracts_order(open_lake):
    lake = open_lake(cleaned())
    lake.deliver(("a.csv", [sale("1", " 1.5 ", "2020-01-01T06:00:00+02:00", shop="north")]))
    done = clean(lake.ctx, lake.table)
    assert done == Cleanup(1, 0, 0, 0, 0, version=0)
    at = datetime(2020, 1, 1, 4, tzinfo=UTC)
    assert [list(row.items()) for row in lake.rows()] == [
        [
            ("sale_id", "1"),
            ("amount", Decimal("1.50")),
            ("shop", "north"),
            ("card", None),
            ("sold_at", at),
            ("_delivery", "a.csv"),
            ("_row", 1),
            ("_batch", 1),
            ("_known_at", at),
        ]
    ]


def test_a_broken_row_keeps_every_failed_check_with_its_text(open_lake):
    lake = open_lake(cleaned())
    lake.deliver(
        ("a.csv", [sale("", "-1", "soon", shop="west", card="7"), sale("2"), {"_unparsed": 'x,"'}])
    )
    assert clean(lake.ctx, lake.table) == Cleanup(1, 2, 0, 0, 0, version=0)
    first, second = lake.rows("quarantine")
    assert [tuple(r.values()) for r in first["_reasons"]] == [
        ("sale_id", "nullable", ""),
        ("amount", "ge", "-1"),
        ("shop", "isin", "west"),
        ("shop", "str_matches", "west"),
        ("card", "str_matches", "7"),
        ("sold_at", "dtype", "soon"),
    ]
    assert (first["amount"], first["_row"], first["_batch"]) == ("-1", 1, 1)
    assert [tuple(r.values()) for r in second["_reasons"]] == [("", "unparsed", 'x,"')]
    assert second["_unparsed"] == 'x,"'


def test_further_delivered_columns_stay_with_a_quarantined_row(open_lake):
    lake = open_lake(cleaned())
    lake.deliver(("a.csv", [sale("1", "x", till="3", _note="by hand")]))
    clean(lake.ctx, lake.table)
    (row,) = lake.rows("quarantine")
    assert ("3", "by hand") == (row["till"], row["_note"])


class Code(Contract):
    code: str | None = column(str_matches="A|B+")
    at: datetime = event_time(known=True)


def test_a_pattern_is_held_against_the_whole_text(open_lake):
    lake = open_lake(cleaned(Code))
    codes = ["A", "BB", "", "AB", "xA", "A\n", "BBx"]
    lake.deliver(("a.csv", [{"code": code, "at": "2020-01-01"} for code in codes]))
    clean(lake.ctx, lake.table)
    stands = {codes[row["_row"] - 1] for row in lake.rows()}
    assert stands == {"A", "BB", ""}


class Bounds(Contract):
    more: int | None = column(gt=0)
    less: float | None = column(lt=1)
    day: datetime | None = column(ge="2020-01-02", le="2020-01-03T12:00:00")
    free: str | None
    at: datetime = event_time(known=True)


def test_bounds_hold_at_their_edges_and_pass_what_is_missing(open_lake):
    lake = open_lake(cleaned(Bounds))
    at = {"at": "2020-01-01"}
    rows = [
        at,
        at | {"more": "0", "less": "1"},
        at | {"more": "1", "less": "0.999"},
        at | {"day": "2020-01-01T23:59:59.999999"},
        at | {"day": "2020-01-02"},
        at | {"day": "2020-01-03T12:00:00.000001"},
        at | {"day": "2020-01-03T12:00:00", "free": "anything"},
    ]
    lake.deliver(("a.csv", rows))
    clean(lake.ctx, lake.table)
    assert lake.places() == {
        ("a.csv", 1): "cleaned",
        ("a.csv", 2): "more gt, less lt",
        ("a.csv", 3): "cleaned",
        ("a.csv", 4): "day ge",
        ("a.csv", 5): "cleaned",
        ("a.csv", 6): "day le",
        ("a.csv", 7): "cleaned",
    }


def test_dropped_rows_are_only_counted(open_lake):
    lake = open_lake(cleaned(on_violation="drop"))
    lake.deliver(("a.csv", [sale("1"), sale("2", "-1"), sale("1", "2")]))
    assert clean(lake.ctx, lake.table) == Cleanup(1, 1, 0, 1, 0, version=0)
    assert lake.places() == {
        ("a.csv", 1): "cleaned",
        ("a.csv", 2): "dropped",
        ("a.csv", 3): "sale_id conflict",
    }


def test_a_table_that_stops_writes_nothing_and_shows_five_rows(open_lake):
    lake = open_lake(cleaned(on_violation="stop"))
    rows = [
        sale("1"),
        sale("2", "-1"),
        sale("3", card="4711"),
        *(sale(f"x{i}", "?") for i in range(9)),
    ]
    lake.deliver(("a.csv", rows))
    with pytest.raises(ContractViolation) as stopped:
        clean(lake.ctx, lake.table)
    assert str(stopped.value).splitlines() == [
        "Table 'sales' stops at rows that break contract Sale: 11 of 12. Nothing was written.",
        "  a.csv, row 2: amount = '-1' fails ge 0",
        "  a.csv, row 3: card = *** fails str_matches 'C[0-9]+'",
        "  a.csv, row 4: amount = '?' is not a number of at most 16 digits and 2 after the point",
        "  a.csv, row 5: amount = '?' is not a number of at most 16 digits and 2 after the point",
        "  a.csv, row 6: amount = '?' is not a number of at most 16 digits and 2 after the point",
        "  … and 6 more",
        "Have the rows delivered right, mend the contract, or declare on_violation='quarantine'.",
    ]
    assert lake.versions() == {"cleaned": None, "quarantine": None, "set_aside": None}


def test_of_one_key_the_first_to_arrive_stays_by_default(open_lake):
    lake = open_lake(cleaned())
    lake.deliver(("a.csv", [sale("1", "1.0"), sale("1", "1.00"), sale("1", "2")]))
    clean(lake.ctx, lake.table)
    lake.deliver(("b.csv", [sale("1", "1"), sale("1", "1", "2019-12-31"), sale("2")]))
    assert clean(lake.ctx, lake.table) == Cleanup(1, 1, 0, 0, 1, version=1)
    assert lake.places() == {
        ("a.csv", 1): "cleaned",
        ("a.csv", 2): "duplicate",
        ("a.csv", 3): "sale_id conflict",
        ("b.csv", 1): "duplicate",
        ("b.csv", 2): "sale_id conflict",
        ("b.csv", 3): "cleaned",
    }
    by = {
        (r["_delivery"], r["_row"]): (r["_by_delivery"], r["_by_row"])
        for r in lake.rows("set_aside")
    }
    assert by == {("a.csv", 2): ("a.csv", 1), ("b.csv", 1): ("a.csv", 1)}


def test_latest_keeps_the_row_known_last_whatever_arrives_first(open_lake):
    lake = open_lake(cleaned(on_conflict="latest"))
    lake.deliver(("today.csv", [sale("1", "3", "2020-01-03"), sale("2", "3", "2020-01-03")]))
    clean(lake.ctx, lake.table)
    lake.deliver(
        ("yesterday.csv", [sale("1", "2", "2020-01-02")]),
        ("new.csv", [sale("2", "4", "2020-01-04")]),
    )
    assert clean(lake.ctx, lake.table) == Cleanup(1, 0, 2, 0, 0, version=1)
    assert content(lake, "sale_id", "amount") == [("1", Decimal(3)), ("2", Decimal(4))]
    assert {
        (r["_delivery"], r["_row"]): (r["_fate"], r["_by_delivery"]) for r in lake.rows("set_aside")
    } == {
        ("today.csv", 2): ("superseded", "new.csv"),
        ("yesterday.csv", 1): ("superseded", "today.csv"),
    }


def test_history_keeps_every_version_with_its_known_time(open_lake):
    lake = open_lake(cleaned(on_conflict="history"))
    lake.deliver(("b.csv", [sale("1", "2", "2020-01-02")]))
    clean(lake.ctx, lake.table)
    lake.deliver(("a.csv", [sale("1", "1", "2020-01-01"), sale("1", "1", "2020-01-01")]))
    assert clean(lake.ctx, lake.table) == Cleanup(1, 0, 0, 0, 1, version=1)
    assert content(lake, "amount", "_known_at") == [(Decimal(1), day(1)), (Decimal(2), day(2))]


class Price(Contract):
    """A price, known when its file says."""

    shop: str = key()
    item: str = key()
    price: int | None


def prices(**options):
    return cleaned(Price, "prices/{delivered_at}.csv", **options)


def price(value, shop="s", item="i"):
    return {"shop": shop, "item": item, "price": value}


@pytest.mark.parametrize("policy", ["latest", "history"])
def test_a_late_step_between_two_equal_rows_brings_the_second_one_back(open_lake, policy):
    # 1 on day one, 1 again on day three; then day two's 2 arrives, so that day three changed it.
    lake = open_lake(prices(on_conflict=policy))
    for number, value in ((1, "1"), (3, "1"), (2, "2")):
        lake.deliver((f"{number}.csv", [price(value)], day(number)))
        clean(lake.ctx, lake.table)
    gone = "cleaned" if policy == "history" else "superseded"
    assert lake.places() == {("1.csv", 1): gone, ("2.csv", 1): gone, ("3.csv", 1): "cleaned"}
    assert balance(lake.ctx, lake.table).holds


@pytest.mark.parametrize("policy", ["latest", "history"])
def test_an_equal_row_known_earlier_takes_the_place_of_the_later_one(open_lake, policy):
    lake = open_lake(prices(on_conflict=policy))
    for number in (2, 1):
        lake.deliver((f"{number}.csv", [price("5")], day(number)))
        clean(lake.ctx, lake.table)
    assert lake.places() == {("1.csv", 1): "cleaned", ("2.csv", 1): "duplicate"}
    assert content(lake, "_known_at") == [(day(1),)]


def test_of_rows_known_at_one_time_the_later_delivery_counts(open_lake):
    lake = open_lake(prices(on_conflict="latest"))
    lake.deliver(("b.csv", [price("1"), price("2")], day(1)), ("a.csv", [price("3")], day(1)))
    clean(lake.ctx, lake.table)
    assert content(lake, "price") == [(3,)]


def test_keys_that_collide_when_concatenated_are_different_keys(open_lake):
    lake = open_lake(prices())
    lake.deliver(("a.csv", [price("1", "1", "11"), price("2", "11", "1")], day(1)))
    assert clean(lake.ctx, lake.table).rows == 2


def test_null_equals_null_when_rows_are_compared(open_lake):
    lake = open_lake(prices())
    lake.deliver(("a.csv", [price(""), price(None), price("0")], day(1)))
    assert clean(lake.ctx, lake.table) == Cleanup(1, 1, 0, 0, 1, version=0)


class Visit(Contract):
    page: str
    seen_at: datetime = event_time(known=True)


def test_without_a_key_equal_rows_are_rows(open_lake):
    lake = open_lake(cleaned(Visit))
    visit = {"page": "home", "seen_at": "2020-01-01"}
    lake.deliver(("a.csv", [visit, visit]))
    clean(lake.ctx, lake.table)
    lake.deliver(("b.csv", [visit]))
    clean(lake.ctx, lake.table)
    assert len(lake.rows()) == 3


class Account(Contract):
    account: str = key()
    email: str | None = column(unique=True)


def test_of_a_unique_value_the_first_to_arrive_stays(open_lake):
    lake = open_lake(cleaned(Account, "accounts/{delivered_at}.csv", on_conflict="history"))

    def account(name, email):
        return {"account": name, "email": email}

    first = [account("a", "x"), account("b", "x"), account("c", ""), account("d", "")]
    lake.deliver(("1.csv", first, day(1)))
    clean(lake.ctx, lake.table)
    second = [account("a", "x"), account("a", "y"), account("e", "x"), account("f", "z")]
    lake.deliver(("2.csv", second, day(2)))
    clean(lake.ctx, lake.table)
    assert lake.places() == {
        ("1.csv", 1): "cleaned",
        ("1.csv", 2): "email unique",
        ("1.csv", 3): "cleaned",
        ("1.csv", 4): "cleaned",
        ("2.csv", 1): "duplicate",
        ("2.csv", 2): "cleaned",
        ("2.csv", 3): "email unique",
        ("2.csv", 4): "cleaned",
    }


class Report(Contract):
    report: str = key()
    reported_at: datetime = known_at(zone="Europe/Berlin")


def test_a_row_is_known_by_its_own_known_time_before_its_files(open_lake):
    lake = open_lake(cleaned(Report, "reports/{delivered_at}.csv"))
    lake.deliver(("a.csv", [{"report": "r", "reported_at": "2020-07-01 12:00"}], day(9)))
    clean(lake.ctx, lake.table)
    assert content(lake, "_known_at") == [(datetime(2020, 7, 1, 10, tzinfo=UTC),)]


def test_with_nothing_new_there_is_no_commit_and_no_run(open_lake):
    lake = open_lake(cleaned())
    lake.deliver(("a.csv", [sale("1")]))
    clean(lake.ctx, lake.table)
    runs = lake.ctx.records.select("SELECT * FROM runs")
    assert clean(lake.ctx, lake.table) == Cleanup(0, 0, 0, 0, 0, version=0)
    assert lake.ctx.records.select("SELECT * FROM runs") == runs


def test_a_table_is_there_before_anything_is_delivered(open_lake):
    lake = open_lake(cleaned())
    assert clean(lake.ctx, lake.table) == Cleanup(0, 0, 0, 0, 0, version=0)
    assert lake.rows() == []
    lake.deliver(("a.csv", [sale("1")]))
    assert clean(lake.ctx, lake.table).rows == 1
    assert balance(lake.ctx, lake.table).holds


def test_a_batch_without_rows_is_taken_once(open_lake):
    lake = open_lake(cleaned())
    lake.deliver(("empty.csv", []))
    clean(lake.ctx, lake.table)
    before = lake.versions()
    clean(lake.ctx, lake.table)
    assert (lake.rows(), lake.versions()) == ([], before)


def test_the_clock_moves_to_the_latest_good_event(open_lake):
    lake = open_lake(cleaned())
    lake.deliver(("a.csv", [sale("1", sold_at="2020-01-02"), sale("2", "-1", "2999-01-01")]))
    clean(lake.ctx, lake.table)
    assert lake.ctx.records.latest_event_us("shop") == microseconds(day(2))


def test_a_row_from_the_future_moves_no_clock(open_lake):
    class Flight(Contract):
        flight: str = key()
        leaves_at: datetime = event_time()
        announced_at: datetime = known_at()

    flights = Cleaned("sales", Raw("sales_raw", Source("feed", Flight, "sales/*.csv")))
    leave = [  # one that leaves after it is announced moves the clock to the announcement
        {"flight": "1", "leaves_at": "2025-06-01", "announced_at": "2020-01-02"},
        {"flight": "2", "leaves_at": "2999-01-01", "announced_at": "2998-01-01"},
    ]
    sell = [sale("1", sold_at="2020-01-02"), sale("2", sold_at="9999-12-31")]
    for table, rows in ((cleaned(), sell), (flights, leave)):
        lake = open_lake(table)
        lake.deliver(("a.csv", rows))
        clean(lake.ctx, lake.table)
        assert len(lake.rows()) == 2
        assert lake.ctx.records.latest_event_us("shop") == microseconds(day(2))


def test_a_run_records_what_it_read_and_wrote(open_lake):
    lake = open_lake(cleaned())
    lake.deliver(("a.csv", [sale("1"), sale("1"), sale("2", "-1")]))
    clean(lake.ctx, lake.table)
    found = lake.ctx.records.select("SELECT direction, table_id, rows FROM table_versions")
    assert sorted(tuple(row.values()) for row in found) == [
        ("read", "raw/shop/sales_raw", None),
        ("write", "cleaned/shop/sales", 1),
        ("write", "quarantine/shop/sales", 1),
        ("write", "set_aside/shop/sales", 1),
    ]


def test_a_lake_read_as_of_the_past_is_not_cleaned(open_lake):
    from dataclasses import replace

    lake = open_lake(cleaned())
    with pytest.raises(LakehouseError, match="as of the past"):
        clean(replace(lake.ctx, pins={}), lake.table)


class SaleWithTill(Sale):
    till: int | None


def test_a_column_the_contract_comes_to_name_is_null_in_earlier_rows(open_lake):
    lake = open_lake(cleaned())
    lake.deliver(("a.csv", [sale("1", till="7")]))
    clean(lake.ctx, lake.table)
    lake.declare(cleaned(SaleWithTill))
    clean(lake.ctx, lake.table)
    assert content(lake, "sale_id", "till") == [("1", None)]
    before = lake.versions()
    clean(lake.ctx, lake.table)
    assert lake.versions() == before
    lake.deliver(("b.csv", [sale("2", till="8")]))
    clean(lake.ctx, lake.table)
    assert sorted((r["sale_id"], r["till"]) for r in lake.rows()) == [("1", None), ("2", 8)]


def test_from_start_makes_all_three_tables_anew(open_lake):
    lake = open_lake(cleaned())
    lake.deliver(("a.csv", [sale("1", till="7"), sale("1", till="7"), sale("2", "-1", till="8")]))
    clean(lake.ctx, lake.table)
    lake.deliver(("b.csv", [sale("3", till="x")]))
    lake.declare(cleaned(SaleWithTill, on_conflict="latest"))
    clean(lake.ctx, lake.table, from_start=True)
    assert content(lake, "sale_id", "till") == [("1", 7)]
    assert lake.places() == {
        ("a.csv", 1): "cleaned",
        ("a.csv", 2): "duplicate",
        ("a.csv", 3): "amount ge",
        ("b.csv", 1): "till dtype",
    }
    assert balance(lake.ctx, lake.table).holds
    assert clean(lake.ctx, lake.table).rows == 0


class SaleOfWholes(Contract):
    sale_id: str = key()
    amount: int
    sold_at: datetime = event_time(known=True)


def test_a_column_of_another_type_is_refused_until_the_table_is_made_anew(open_lake):
    lake = open_lake(cleaned())
    lake.deliver(("a.csv", [sale("1")]))
    clean(lake.ctx, lake.table)
    lake.declare(cleaned(SaleOfWholes))
    lake.deliver(("b.csv", [sale("2")]))
    with pytest.raises(LakehouseError, match=r"holds 'amount' as decimal128\(18, 2\).*from_start"):
        clean(lake.ctx, lake.table)
    clean(lake.ctx, lake.table, from_start=True)
    assert content(lake, "sale_id", "amount") == [("1", 1), ("2", 1)]


class Note(Contract):
    text: str | None


def test_a_contract_that_checks_nothing_still_keeps_out_what_does_not_parse(open_lake):
    lake = open_lake(cleaned(Note, "notes/{delivered_at}.csv"))
    lake.deliver(("a.csv", [{"text": "x"}, {"_unparsed": '"'}, {"text": None}], day(1)))
    clean(lake.ctx, lake.table)
    assert lake.places() == {
        ("a.csv", 1): "cleaned",
        ("a.csv", 2): " unparsed",
        ("a.csv", 3): "cleaned",
    }
