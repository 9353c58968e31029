"""Every delivered row is counted where it ended."""

from __future__ import annotations

from datetime import datetime

import pytest

from lakehouse.declare import Cleaned, Contract, Raw, Source, column, event_time, key
from lakehouse.zones.balance import Balance, balance
from lakehouse.zones.cleaned import clean


class Sale(Contract):
    sale_id: str = key()
    amount: int = column(ge=0)
    sold_at: datetime = event_time(known=True)


def sale(sale_id, amount="1", day=1):
    return {"sale_id": sale_id, "amount": amount, "sold_at": f"2020-01-0{day}"}


ROWS = [sale("a"), sale("a"), sale("a", "2", 2), sale("b"), sale("c", "-1"), sale("d", "?")]


@pytest.fixture
def lake(open_lake):
    raw = Raw("sales_raw", Source("feed", Sale, "sales/*.csv"))
    lake = open_lake(Cleaned("sales", raw, on_conflict="latest"))
    lake.deliver(("1.csv", ROWS))
    clean(lake.ctx, lake.table)
    return lake


def test_each_term_is_counted_from_its_own_table(lake):
    found = balance(lake.ctx, lake.table)
    assert found == Balance(6, cleaned=2, quarantined=2, superseded=1, dropped=0, duplicates=1)
    assert found.holds


@pytest.mark.parametrize(
    ("zone", "which"),
    [
        ("cleaned", "sale_id = 'b'"),
        ("quarantine", "sale_id = 'c'"),
        ("set_aside", "_fate = 'duplicate'"),
        ("set_aside", "_fate = 'superseded'"),
        ("raw", "sale_id = 'b'"),
    ],
)
def test_one_row_deleted_anywhere_shows(lake, zone, which):
    name = "sales_raw" if zone == "raw" else "sales"
    lake.ctx.table(zone, name).opened().delete(which)
    assert not balance(lake.ctx, lake.table).holds


def test_dropped_rows_are_counted_from_set_aside(lake):
    raw = lake.table.raw
    lake.declare(Cleaned("sales", raw, on_violation="drop", on_conflict="latest"))
    lake.deliver(("2.csv", [sale("e", "-1"), sale("f")]))
    clean(lake.ctx, lake.table)
    assert balance(lake.ctx, lake.table) == Balance(8, 3, 2, 1, 1, 1)
    lake.ctx.table("set_aside", "sales").opened().delete("_fate = 'dropped'")
    assert not balance(lake.ctx, lake.table).holds


def test_rows_that_wait_to_be_cleaned_are_not_yet_due(lake):
    lake.deliver(("2.csv", [sale("e")]))
    assert balance(lake.ctx, lake.table).delivered == 6
    assert balance(lake.ctx, lake.table).holds


def test_before_anything_is_delivered_all_is_nothing(open_lake):
    raw = Raw("sales_raw", Source("feed", Sale, "sales/*.csv"))
    lake = open_lake(Cleaned("sales", raw))
    assert balance(lake.ctx, lake.table) == Balance(0, 0, 0, 0, 0, 0)
