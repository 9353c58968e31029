from datetime import UTC, datetime, timedelta

import pytest

from lakehouse.records.clock import LakeClock, NoDataYet

NOON = datetime(2026, 11, 30, 12, 0, 0, 123_456, UTC)


def never() -> datetime:
    raise AssertionError("the wall was asked")


def test_wall_clock_is_the_same_for_every_domain():
    clock = LakeClock("wall", lambda: NOON, lambda domain: 0)
    assert NOON == clock.now("payments_fraud") == clock.now("flight_delay")


def test_data_clock_stands_at_each_domains_own_latest_event():
    latest = {"a": 1_000_001, "b": -1}
    clock = LakeClock("data", never, latest.get)
    assert (1_000_001, -1) == (clock.us("a"), clock.us("b"))
    assert datetime(1970, 1, 1, tzinfo=UTC) - timedelta(microseconds=1) == clock.now("b")


def test_data_clock_of_a_domain_without_data_names_the_command_that_takes_it_in():
    clock = LakeClock("data", never, lambda domain: None)
    with pytest.raises(NoDataYet) as refused:
        clock.us("a")
    expected = (
        "The clock of this lake is its data, and domain 'a' has none yet. "
        "Take deliveries in with 'lakehouse run a'."
    )
    assert expected == str(refused.value)


def test_clock_moves_with_what_it_reads():
    latest = {"a": 1}
    clock = LakeClock("data", never, latest.get)
    assert 1 == clock.us("a")
    latest["a"] = 2
    assert 2 == clock.us("a")
