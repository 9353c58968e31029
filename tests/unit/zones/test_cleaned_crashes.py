"""A process that ends between two commits, and the run after it."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from lakehouse.declare import Cleaned, Contract, Raw, Source, column, event_time, key
from lakehouse.zones.balance import balance
from lakehouse.zones.cleaned import clean
from lakehouse.zones.quarantine import replay


class Sale(Contract):
    sale_id: str = key()
    amount: Decimal = column(ge=0, scale=2)
    sold_at: datetime = event_time(known=True)


class MendedSale(Contract):
    sale_id: str = key()
    amount: Decimal = column(ge=-10, scale=2)
    sold_at: datetime = event_time(known=True)


def cleaned(contract=Sale, on_conflict="latest"):
    raw = Raw("sales_raw", Source("feed", contract, "sales/*.csv"))
    return Cleaned("sales", raw, on_conflict=on_conflict)


def sale(sale_id, amount, day):
    return {"sale_id": sale_id, "amount": amount, "sold_at": f"2020-01-0{day}"}


FIRST = ("1.csv", [sale("a", "1", 1), sale("b", "1", 1), sale("c", "-1", 1)])
SECOND = (
    "2.csv",
    # one that supersedes, one that is doubled, a broken one, a late one, and a new one
    [sale("a", "2", 3), sale("b", "1", 1), sale("d", "x", 2), sale("a", "0", 2), sale("e", "1", 4)],
)
REPLAYED = (
    "3.csv",
    # by the mended contract: the newest of its key, one superseded, one doubled, one still broken
    [
        sale("a", "-2", 9),
        sale("b", "-3", 0),
        sale("e", "-4", 9),
        sale("e", "-4", 9),
        sale("f", "-99", 1),
    ],
)


def everything(lake):
    counted = balance(lake.ctx, lake.table)
    assert counted.holds
    return {"cleaned": lake.digest(), "places": lake.places(), "balance": counted}


UNDISTURBED = {}


def undisturbed(open_lake, *steps):
    """What the steps give in one lake without a crash; the same for every test."""
    if steps not in UNDISTURBED:
        lake = open_lake(cleaned())
        for step in steps:
            step(lake)
        UNDISTURBED[steps] = everything(lake)
    return UNDISTURBED[steps]


def first(lake):
    lake.deliver(FIRST)
    clean(lake.ctx, lake.table)


def second(lake):
    lake.deliver(SECOND)
    clean(lake.ctx, lake.table)


def mend(lake):
    lake.declare(cleaned(MendedSale))


@pytest.mark.parametrize("commits", [0, 1, 2])
def test_a_clean_that_was_cut_short_is_finished_by_the_next(open_lake, crashing, commits):
    lake = open_lake(cleaned())
    first(lake)
    lake.deliver(SECOND)
    with crashing(lake, after=commits):
        clean(lake.ctx, lake.table)
    done = clean(lake.ctx, lake.table)
    assert (done.rows, done.quarantined, done.superseded, done.duplicates) == (2, 1, 2, 1)
    assert everything(lake) == undisturbed(open_lake, first, second)


@pytest.mark.parametrize("commits", [1, 2])
def test_it_is_finished_by_the_contract_it_was_begun_with(open_lake, crashing, commits):
    lake = open_lake(cleaned())
    first(lake)
    lake.deliver(("2.csv", [*SECOND[1], sale("g", "-1", 5)]))
    with crashing(lake, after=commits):
        clean(lake.ctx, lake.table)
    mend(lake)
    clean(lake.ctx, lake.table)
    assert balance(lake.ctx, lake.table).holds
    assert lake.places()[("2.csv", 6)] == "amount ge"


def test_before_the_first_commit_the_contract_of_today_counts(open_lake, crashing):
    lake = open_lake(cleaned())
    lake.deliver(FIRST)
    with crashing(lake, after=0):
        clean(lake.ctx, lake.table)
    mend(lake)
    clean(lake.ctx, lake.table)
    assert lake.places()[("1.csv", 3)] == "cleaned"


def test_what_arrives_after_the_crash_is_a_batch_of_its_own(open_lake, crashing):
    lake = open_lake(cleaned())
    lake.deliver(FIRST)
    with crashing(lake, after=1):
        clean(lake.ctx, lake.table)
    second(lake)
    assert everything(lake) == undisturbed(open_lake, first, second)


def broken_then_mended(lake):
    first(lake)
    second(lake)
    lake.deliver(REPLAYED)
    clean(lake.ctx, lake.table)
    mend(lake)


def again(lake):
    clean(lake.ctx, lake.table, from_start=True)


def replayed(lake):
    replay(lake.ctx, lake.table)


@pytest.mark.parametrize("finish", [replay, clean])
@pytest.mark.parametrize("commits", [0, 1, 2])
def test_a_replay_that_was_cut_short_is_finished_by_the_next_run(
    open_lake, crashing, commits, finish
):
    lake = open_lake(cleaned())
    broken_then_mended(lake)
    with crashing(lake, after=commits):
        replay(lake.ctx, lake.table)
    finish(lake.ctx, lake.table)
    if (commits, finish) == (0, clean):  # nothing had been done
        replay(lake.ctx, lake.table)
    assert everything(lake) == undisturbed(open_lake, broken_then_mended, replayed)


def test_a_replay_is_finished_by_the_contract_it_was_begun_with(open_lake, crashing):
    lake = open_lake(cleaned())
    broken_then_mended(lake)
    with crashing(lake, after=1):
        replay(lake.ctx, lake.table)
    lake.declare(cleaned(Sale))
    clean(lake.ctx, lake.table)
    assert everything(lake) == undisturbed(open_lake, broken_then_mended, replayed)


@pytest.mark.parametrize("commits", [0, 1, 2])
def test_a_table_made_anew_is_made_whole(open_lake, crashing, commits):
    lake = open_lake(cleaned())
    broken_then_mended(lake)
    with crashing(lake, after=commits):
        again(lake)
    lake.declare(cleaned(Sale if commits else MendedSale))
    clean(lake.ctx, lake.table)
    if not commits:
        again(lake)
    assert everything(lake) == undisturbed(open_lake, broken_then_mended, again)


def test_a_version_that_a_crash_left_out_of_the_records_is_noted(open_lake, engine):
    lake = open_lake(cleaned())
    first(lake)
    with lake.ctx.records.connection() as db:
        db.execute("DELETE FROM table_versions")
    clean(lake.ctx, lake.table)
    at = datetime(2999, 1, 1, tzinfo=UTC)
    versions = {z: lake.ctx.records.version_at(f"{z}/shop/sales", at) for z in lake.versions()}
    assert versions == lake.versions()
