"""How deliveries change their shape, and that it shows."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from lakehouse.declare import Cleaned, Contract, Raw, Source, column, event_time, key
from lakehouse.zones.contract_diff import Difference, diff


class Sale(Contract):
    sale_id: str = key()
    pieces: int | None
    amount: Decimal | None = column(scale=2)
    paid_on: date | None
    gift: bool | None
    shop: str
    sold_at: datetime = event_time(known=True)


TABLE = Cleaned("sales", Raw("sales_raw", Source("feed", Sale, "sales/*.csv")))
GOOD = {
    "sale_id": "1",
    "pieces": "2",
    "amount": "1.50",
    "paid_on": "2020-01-01",
    "gift": "no",
    "shop": "north",
    "sold_at": "2020-01-01",
}


def found(open_lake, *batches):
    lake = open_lake(TABLE)
    for batch in batches:
        lake.deliver(*batch)
    return diff(lake.ctx, TABLE)


def test_deliveries_of_the_contracts_shape_show_no_difference(open_lake):
    assert found(open_lake, [("1.csv", [GOOD, GOOD | {"pieces": ""}])]) == []


def test_nothing_delivered_is_no_difference(open_lake):
    assert found(open_lake) == []


def test_a_new_column_shows_with_the_type_that_reads_it(open_lake):
    rows = [GOOD | {"till": "7", "note": "x", "empty": ""}, GOOD | {"till": "8.0", "note": "1"}]
    assert found(open_lake, [("1.csv", rows)]) == [
        Difference(
            "till",
            "new",
            "in 2 of the 2 newest rows; every value reads as int; raw keeps it, and the contract "
            "may name it",
        ),
        Difference(
            "note",
            "new",
            "in 2 of the 2 newest rows; every value reads as string; raw keeps it, and the "
            "contract may name it",
        ),
    ]


def test_a_column_that_only_older_deliveries_brought_is_no_news(open_lake):
    assert found(open_lake, [("1.csv", [GOOD | {"till": "7"}])], [("2.csv", [GOOD])]) == []


def test_a_missing_column_shows_and_whether_that_is_allowed(open_lake):
    ungiven = {c: v for c, v in GOOD.items() if c != "gift"}
    short = {c: v for c, v in ungiven.items() if c not in ("shop", "pieces")}
    unparsed = {"_unparsed": "?"}
    assert found(open_lake, [("1.csv", [ungiven]), ("2.csv", [short, short, unparsed])]) == [
        Difference(
            "gift",
            "missing",
            "no value in 2 of the 2 newest deliveries (3 rows); the contract allows null",
        ),
        Difference(
            "shop",
            "missing",
            "no value in 1 of the 2 newest deliveries (2 rows); the contract does not allow null: "
            "declare it as `| None` to accept that",
        ),
    ]


def test_a_widened_column_shows_with_the_narrowest_type_that_reads_most(open_lake):
    rows = [
        GOOD | {"pieces": "1.5", "amount": "1.505", "paid_on": "2020-01-01T06:00", "gift": "2"},
        GOOD | {"pieces": "2.25", "amount": "1.5050", "paid_on": "soon", "gift": "yes"},
        GOOD | {"pieces": "many"},
    ]
    assert found(open_lake, [("1.csv", rows)]) == [
        Difference("pieces", "widened", "2 of 3 values that are no int read as decimal of scale 2"),
        Difference(
            "amount",
            "widened",
            "2 of 2 values that are no decimal of scale 2 read as decimal of scale 3",
        ),
        Difference("paid_on", "widened", "1 of 2 values that are no date read as timestamp"),
        Difference("gift", "widened", "1 of 1 values that are no bool read as int"),
    ]


def test_garbage_is_no_widening(open_lake):
    assert found(open_lake, [("1.csv", [GOOD | {"pieces": "many", "gift": "perhaps"}])]) == []


def test_only_the_newest_batch_counts(open_lake):
    assert found(open_lake, [("1.csv", [GOOD | {"pieces": "1.5"}])], [("2.csv", [GOOD])]) == []
