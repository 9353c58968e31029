"""Snapshot sources: each delivery is the whole state."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from lakehouse.declare import Cleaned, Contract, Raw, Source, column, key
from lakehouse.zones.balance import balance
from lakehouse.zones.cleaned import clean


class Airport(Contract):
    code: str = key()
    height: int | None = column(ge=0)


def airports(policy="latest"):
    source = Source("feed", Airport, "airports/{delivered_at}.csv", mode="snapshot")
    return Cleaned("airports", Raw("airports_raw", source), on_conflict=policy)


def snapshot(day, **heights):
    rows = [{"code": code, "height": height} for code, height in heights.items()]
    return (f"{day}.csv", rows, datetime(2020, 1, day, tzinfo=UTC))


def taken(open_lake, *batches, policy="latest"):
    """A lake that took batches of snapshots in, each cleaned by itself."""
    lake = open_lake(airports(policy))
    for batch in batches:
        lake.deliver(*batch)
        clean(lake.ctx, lake.table)
        assert balance(lake.ctx, lake.table).holds
    return lake


def state(lake):
    """Code to height, and the file that the row came in."""
    return {row["code"]: (row["height"], row["_delivery"]) for row in lake.rows()}


def test_an_unchanged_row_is_a_duplicate_of_the_version_already_there(open_lake):
    lake = taken(open_lake, [snapshot(1, A="1", B="2")], [snapshot(2, A="1", B="3")])
    assert state(lake) == {"A": (1, "1.csv"), "B": (3, "2.csv")}
    assert lake.places() == {
        ("1.csv", 1): "cleaned",
        ("1.csv", 2): "superseded",
        ("2.csv", 1): "duplicate",
        ("2.csv", 2): "cleaned",
    }


def test_a_key_missing_from_the_newest_snapshot_leaves_the_table(open_lake):
    lake = taken(open_lake, [snapshot(1, A="1", B="2")], [snapshot(2, A="1")])
    assert state(lake) == {"A": (1, "1.csv")}
    gone = next(row for row in lake.rows("set_aside") if row["_fate"] == "superseded")
    assert (gone["_delivery"], gone["_row"]) == ("1.csv", 2)
    assert (gone["_by_delivery"], gone["_by_row"]) == ("2.csv", None)


def test_history_keeps_the_last_version_of_a_key_that_is_gone(open_lake):
    lake = taken(
        open_lake, [snapshot(1, A="1", B="2")], [snapshot(2, A="5")], [snapshot(3, A="5", B="2")],
        policy="history",
    )  # fmt: skip
    assert lake.places() == {
        ("1.csv", 1): "cleaned",
        ("1.csv", 2): "cleaned",
        ("2.csv", 1): "cleaned",
        ("3.csv", 1): "duplicate",
        ("3.csv", 2): "duplicate",
    }


def test_a_key_that_comes_back_is_known_from_then_on(open_lake):
    lake = taken(
        open_lake, [snapshot(1, A="1", B="2")], [snapshot(2, A="1")], [snapshot(3, A="1", B="2")]
    )
    assert state(lake) == {"A": (1, "1.csv"), "B": (2, "3.csv")}


def test_a_late_snapshot_does_not_bring_back_what_the_newest_lacks(open_lake):
    lake = taken(open_lake, [snapshot(2, A="2")], [snapshot(1, A="1", B="1")])
    assert state(lake) == {"A": (2, "2.csv")}


def test_a_late_snapshot_without_a_key_parts_two_equal_rows(open_lake):
    lake = taken(
        open_lake, [snapshot(1, A="1", B="2")], [snapshot(3, A="1", B="2")], [snapshot(2, A="1")]
    )
    assert state(lake) == {"A": (1, "1.csv"), "B": (2, "3.csv")}


ORDERS = [[[1, 2, 3, 4]], [[4], [3], [1, 2]], [[2, 3], [1, 4]]]


@pytest.mark.parametrize("policy", ["latest", "history"])
def test_the_state_does_not_depend_on_the_order_of_arrival(open_lake, policy):
    days = {
        1: snapshot(1, A="1", B="1", C="1"),
        2: snapshot(2, A="1", B="2", C="-1"),
        3: snapshot(3, A="1", D="1"),
        4: snapshot(4, A="2", B="2", C="1", D="1"),
    }
    digests = {
        str(order): taken(
            open_lake, *([days[d] for d in batch] for batch in order), policy=policy
        ).digest()
        for order in ORDERS
    }
    assert set(digests.values()) == {digests[str(ORDERS[0])]}


def test_a_broken_row_still_shows_that_its_key_is_there(open_lake):
    lake = taken(
        open_lake, [snapshot(1, A="1", B="2")], [snapshot(2, A="high", B="2")], [snapshot(3, A="1")]
    )
    assert state(lake) == {"A": (1, "1.csv")}
    assert lake.places()[("2.csv", 1)] == "height dtype"


def test_a_snapshot_without_a_good_row_is_no_state(open_lake):
    lake = taken(open_lake, [snapshot(1, A="1")], [snapshot(2, A="low", B="high")], [snapshot(3)])
    assert state(lake) == {"A": (1, "1.csv")}
    before = lake.digest()
    lake.deliver(("torn.csv", [{"_unparsed": "A;1"}], datetime(2020, 1, 4, tzinfo=UTC)))
    clean(lake.ctx, lake.table)
    assert lake.digest() == before


def test_one_key_twice_in_a_snapshot_counts_by_its_last_row(open_lake):
    rows = [{"code": "A", "height": "1"}, {"code": "A", "height": "2"}]
    lake = taken(open_lake, [("1.csv", rows, datetime(2020, 1, 1, tzinfo=UTC))])
    assert state(lake) == {"A": (2, "1.csv")}
