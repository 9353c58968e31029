"""Quarantined rows: listed with care, and checked again."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from lakehouse.declare import Cleaned, Contract, Raw, Source, column, event_time, key
from lakehouse.zones.balance import balance
from lakehouse.zones.cleaned import clean
from lakehouse.zones.cleanup import Cleanup
from lakehouse.zones.quarantine import listed, replay


class Sale(Contract):
    sale_id: str = key()
    amount: int = column(ge=0, le=100)
    card: str | None = column(personal=True, str_matches="C.")
    sold_at: datetime = event_time(known=True)


class WiderSale(Contract):
    sale_id: str = key()
    amount: int = column(ge=-100)
    card: str | None = column(personal=True, str_matches="C[0-9]")
    sold_at: datetime = event_time(known=True)


def cleaned(contract=Sale, **options):
    return Cleaned("sales", Raw("sales_raw", Source("feed", contract, "sales/*.csv")), **options)


def sale(sale_id, amount="1", card="C1", day=1):
    return {"sale_id": sale_id, "amount": amount, "card": card, "sold_at": f"2020-01-0{day}"}


def taken(open_lake, table, *batches):
    lake = open_lake(table)
    for number, rows in enumerate(batches, 1):
        lake.deliver((f"{number}.csv", rows))
        clean(lake.ctx, lake.table)
    return lake


def test_reasons_are_counted_with_examples_and_personal_values_are_masked(open_lake):
    broken = [sale(str(n), "-1", card="4711" if n < 2 else None) for n in range(7)]
    lake = taken(open_lake, cleaned(), [*broken, {"_unparsed": "9,C9"}, sale("k"), sale("k", "2")])
    assert listed(lake.ctx, lake.table) == [
        {
            "column": "amount",
            "check": "ge",
            "rows": 7,
            "examples": [f"1.csv row {n}: '-1'" for n in range(1, 6)],
        },
        {
            "column": "card",
            "check": "str_matches",
            "rows": 2,
            "examples": ["1.csv row 1: ***", "1.csv row 2: ***"],
        },
        {"column": "", "check": "unparsed", "rows": 1, "examples": ["1.csv row 8: ***"]},
        {
            "column": "sale_id",
            "check": "conflict",
            "rows": 1,
            "examples": [f"1.csv row 10: {lake.delivered['1.csv']} row 9"],
        },
    ]
    assert [len(entry["examples"]) for entry in listed(lake.ctx, lake.table, limit=1)] == [1] * 4


def test_an_empty_quarantine_lists_nothing(open_lake):
    lake = taken(open_lake, cleaned(), [sale("1")])
    assert listed(lake.ctx, lake.table) == []


def test_rows_that_pass_the_mended_contract_are_cleaned_and_others_get_todays_reasons(open_lake):
    rows = [sale("1", "-5"), sale("2", "-500"), sale("3", "-5", card="Cx"), sale("4", "?")]
    lake = taken(open_lake, cleaned(), rows)
    lake.declare(cleaned(WiderSale))
    assert replay(lake.ctx, lake.table) == Cleanup(1, 3, 0, 0, 0, version=1)
    assert lake.places() == {
        ("1.csv", 1): "cleaned",
        ("1.csv", 2): "amount ge",
        ("1.csv", 3): "card str_matches",
        ("1.csv", 4): "amount dtype",
    }
    assert balance(lake.ctx, lake.table).holds


def test_a_second_replay_changes_nothing(open_lake):
    lake = taken(open_lake, cleaned(), [sale("1", "-5"), sale("2", "-500")])
    lake.declare(cleaned(WiderSale))
    replay(lake.ctx, lake.table)
    before, runs = lake.versions(), lake.ctx.records.select("SELECT * FROM runs")
    assert replay(lake.ctx, lake.table) == Cleanup(0, 1, 0, 0, 0, version=1)
    assert (lake.versions(), lake.ctx.records.select("SELECT * FROM runs")) == (before, runs)


def test_a_replay_without_a_quarantine_does_nothing(open_lake):
    lake = taken(open_lake, cleaned(), [sale("1")])
    assert replay(lake.ctx, lake.table) == Cleanup(0, 0, 0, 0, 0, version=0)


@pytest.mark.parametrize(
    ("policy", "places"),
    [
        ("quarantine", ["cleaned", "sale_id conflict", "duplicate"]),
        ("latest", ["superseded", "cleaned", "duplicate"]),
        ("history", ["cleaned", "cleaned", "duplicate"]),
    ],
)
def test_a_replayed_row_meets_its_key_where_its_known_time_stands(open_lake, policy, places):
    table = cleaned(on_conflict=policy)
    lake = taken(
        open_lake, table, [sale("a", "1", day=2)], [sale("a", "-1", day=3), sale("a", "-1", day=3)]
    )
    lake.declare(cleaned(WiderSale, on_conflict=policy))
    replay(lake.ctx, lake.table)
    found = lake.places()
    if policy == "quarantine":
        places = ["cleaned", "sale_id conflict", "sale_id conflict"]
    assert [found[at] for at in (("1.csv", 1), ("2.csv", 1), ("2.csv", 2))] == places
    assert balance(lake.ctx, lake.table).holds


def test_a_late_replayed_row_is_superseded_by_what_was_known_after_it(open_lake):
    table = cleaned(on_conflict="latest")
    lake = taken(open_lake, table, [sale("a", "-1", day=1)], [sale("a", "1", day=2)])
    lake.declare(cleaned(WiderSale, on_conflict="latest"))
    assert replay(lake.ctx, lake.table) == Cleanup(0, 0, 1, 0, 0, version=2)
    assert lake.places() == {("1.csv", 1): "superseded", ("2.csv", 1): "cleaned"}


def test_conflicts_resolve_when_the_table_comes_to_keep_the_latest(open_lake):
    lake = taken(
        open_lake,
        cleaned(),
        [sale("a", "1", day=1)],
        [sale("a", "2", day=3), sale("a", "3", day=2)],
    )
    lake.declare(cleaned(on_conflict="latest"))
    assert replay(lake.ctx, lake.table) == Cleanup(1, 0, 2, 0, 0, version=2)
    assert lake.places() == {
        ("1.csv", 1): "superseded",
        ("2.csv", 1): "cleaned",
        ("2.csv", 2): "superseded",
    }


@pytest.mark.parametrize("policy", ["drop", "stop"])
def test_a_row_that_was_quarantined_is_never_dropped_and_stops_nothing(open_lake, policy):
    lake = taken(open_lake, cleaned(), [sale("1", "-5"), sale("2", "-500")])
    lake.declare(cleaned(WiderSale, on_violation=policy))
    assert replay(lake.ctx, lake.table) == Cleanup(1, 1, 0, 0, 0, version=1)
    assert lake.places() == {("1.csv", 1): "cleaned", ("1.csv", 2): "amount ge"}


class Airport(Contract):
    code: str = key()
    height: int | None = column(ge=0)


class LowAirport(Contract):
    code: str = key()
    height: int | None = column(ge=-500)


def test_a_replayed_row_of_a_snapshot_takes_its_place_among_the_states(open_lake):
    def airports(contract):
        source = Source("feed", contract, "airports/{delivered_at}.csv", mode="snapshot")
        return Cleaned("airports", Raw("airports_raw", source), on_conflict="latest")

    lake = open_lake(airports(Airport))
    for day, height in ((1, "1"), (2, "-2"), (3, "1")):
        rows = [{"code": "A", "height": height}, {"code": "B", "height": "7"}]
        lake.deliver((f"{day}.csv", rows, datetime(2020, 1, day, tzinfo=UTC)))
        clean(lake.ctx, lake.table)
    assert lake.places()[("1.csv", 1)] == "cleaned"
    lake.declare(airports(LowAirport))
    replay(lake.ctx, lake.table)
    found = lake.places()
    assert [found[f"{day}.csv", 1] for day in (1, 2, 3)] == ["superseded", "superseded", "cleaned"]
    assert [found[f"{day}.csv", 2] for day in (1, 2, 3)] == ["cleaned", "duplicate", "duplicate"]
    assert balance(lake.ctx, lake.table).holds
