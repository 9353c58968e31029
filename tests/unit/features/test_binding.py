"""Which rows of a table its views need."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lakehouse.declare import (
    Cleaned,
    Contract,
    Count,
    Entity,
    FeatureView,
    Last,
    LatestView,
    Raw,
    Source,
    event_time,
    key,
    last,
)
from lakehouse.declare.features import StoredView
from lakehouse.features.binding import event_times_needed
from lakehouse.times import microseconds, moment

NOON = datetime(2024, 3, 15, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


class Payment(Contract):
    payment_id: str = key()
    card_id: str
    country: str | None
    paid_at: datetime = event_time(known=True)


class Card(Contract):
    card_no: str = key()
    card_id: str
    tier: str | None


payments = Cleaned("payments", Raw("payments_raw", Source("payment_feed", Payment, "p/*.csv")))
cards = Cleaned(
    "cards",
    Raw("cards_raw", Source("card_feed", Card, "c/{delivered_at}.csv")),
    on_conflict="latest",
)
card = Entity("card", key="card_id")
held = LatestView("held", of=cards, by=card, columns=("tier",))


def test_columns_needed_hold_times_criteria_and_what_orders_ties() -> None:
    abroad = FeatureView(
        "abroad", of=payments, by=card, n=Count(over=last("1d"), where="country <> 'DE'")
    )
    assert list(abroad.source_columns) == ["card_id", "_known_at", "paid_at", "country"]
    newest = FeatureView("newest", of=payments, by=card, c=Last("country", over=last("1d")))
    assert list(newest.source_columns) == [
        "card_id",
        "_known_at",
        "paid_at",
        "payment_id",
        "country",
    ]
    assert list(held.source_columns) == ["card_id", "_known_at", "card_no", "tier"]


def test_times_before_the_calendar_begins_are_its_first_day() -> None:
    view = FeatureView("v", of=payments, by=card, n=Count(over=last("30d")))
    first = microseconds(datetime(1, 1, 2, tzinfo=UTC))
    assert needed([view], first) == ("0001-01-01 00", "0001-01-02 00")


@pytest.mark.parametrize(
    ("windows", "delay", "begin"),
    [
        (last("1h"), None, NOON - HOUR),
        (last("1h", "30d"), None, NOON - 30 * DAY),
        (last("1h"), "7d", NOON - 7 * DAY - HOUR),
        (last("1d", edge="1d"), None, NOON - DAY - 12 * HOUR),
        (last("1h") + last("1d", edge="1d"), "13h", NOON - 2 * DAY - 12 * HOUR),
    ],
)
def test_oldest_row_needed_is_where_the_longest_window_begins(
    windows: Any, delay: str | None, begin: datetime
) -> None:
    view = FeatureView("v", of=payments, by=card, delay=delay, n=Count(over=windows))
    assert moment(view.begin_us(microseconds(NOON)) or 0) == begin


def test_rows_needed_end_where_the_last_window_ends() -> None:
    late = FeatureView("late", of=payments, by=card, delay="2d", n=Count(over=last("1d")))
    later = FeatureView("later", of=payments, by=card, delay="3d", n=Count(over=last("1d")))
    fresh = LatestView("fresh", of=payments, by=card, columns=("country",), ttl="1h")
    stale = LatestView("stale", of=payments, by=card, columns=("country",))
    at = microseconds(NOON)
    assert needed([late, later], at) == ("2024-03-11 12", "2024-03-13 12")
    assert needed([late, fresh], at) == ("2024-03-12 12", "2024-03-15 12")
    assert needed([late, stale], at) == (None, "2024-03-15 12")
    assert event_times_needed([held], at, at) is None


def needed(views: Sequence[StoredView], at: int) -> tuple[str | None, str]:
    """The hours between which rows are read."""
    texts = str(event_times_needed(views, at, at)).split("'")[1::2]
    begin, end = texts if len(texts) == 2 else (None, texts[0])
    return (begin and begin[:13]), end[:13]
