"""Rows of a contract read from JSON: exact, and refused field by field."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from lakehouse.declare import Contract, column, event_time, key, known_at
from serving.problems import Problem
from serving.rows import RowReader


class Payment(Contract):
    payment_id: str = key()
    card_id: str = column(personal=True, str_matches="c[0-9]+$")
    amount_eur: Decimal = column(ge=0, le=50_000, scale=2)
    rate: Decimal | None = column(gt=0.1, scale=1)
    country: str | None = column(isin=["DE", "FR"])
    items: int = column(ge=1)
    weight: float | None
    online: bool
    born: date | None
    paid_at: datetime = event_time(zone="Europe/Berlin")


class Report(Contract):
    payment_id: str = key()
    reported_at: datetime = known_at()


GOOD = {
    "payment_id": "p1",
    "card_id": "c42",
    "amount_eur": "12.30",
    "items": 2,
    "online": True,
    "paid_at": "2018-04-01T10:00:00Z",
}
reader = RowReader(Payment.spec, "request body")


def read(**changes: Any) -> dict[str, Any]:
    return reader.one(msgspec.json.encode(GOOD | changes))


def reasons(**changes: Any) -> dict[str, str]:
    with pytest.raises(Problem) as caught:
        read(**changes)
    assert caught.value.status == 422
    return {e.field: e.reason for e in caught.value.fields}


def test_a_row_has_every_column_in_declared_order_and_type() -> None:
    row = read(born="2000-02-29", weight=3)
    assert list(row) == [c.name for c in Payment.spec.columns]
    assert row == {
        "payment_id": "p1",
        "card_id": "c42",
        "amount_eur": Decimal("12.30"),
        "rate": None,
        "country": None,
        "items": 2,
        "weight": 3.0,
        "online": True,
        "born": date(2000, 2, 29),
        "paid_at": datetime(2018, 4, 1, 10, tzinfo=UTC),
    }


@pytest.mark.parametrize("text", [b'"0.10"', b"0.1", b"0.10", b"0.1000", b"1e-1"])
def test_decimals_are_exact_as_number_or_text(text: bytes) -> None:
    body = msgspec.json.encode(GOOD | {"amount_eur": 0}).replace(b":0,", b":" + text + b",")
    assert str(reader.one(body)["amount_eur"]) == "0.10"


def test_decimals_beyond_floats_keep_every_digit() -> None:
    class Wide(Contract):
        amount: Decimal = column(scale=4)

    row = RowReader(Wide.spec, "body").one(b'{"amount":12345678901234.5678}')
    assert row["amount"] == Decimal("12345678901234.5678")


def test_a_time_without_a_zone_is_of_the_columns_zone() -> None:
    assert read(paid_at="2018-07-01T10:00:00")["paid_at"] == datetime(2018, 7, 1, 8, tzinfo=UTC)


def test_of_an_hour_that_comes_twice_the_first_is_meant() -> None:
    assert read(paid_at="2018-10-28T02:30:00")["paid_at"] == datetime(
        2018, 10, 28, 0, 30, tzinfo=UTC
    )


@pytest.mark.parametrize(
    ("changes", "field", "reason"),
    [
        ({"paid_at": "2018-03-25T02:30:00"}, "paid_at", "is in an hour that Europe/Berlin skips"),
        ({"paid_at": "yesterday"}, "paid_at", "must be a time such as 2018-04-01T10:00:00Z"),
        ({"paid_at": None}, "paid_at", "must not be null"),
        ({"paid_at": "0001-01-01T00:00:00"}, "paid_at", "must lie between the years 1000 and 9999"),
        ({"amount_eur": "12.345"}, "amount_eur", "must have at most 2 digits after the point"),
        ({"amount_eur": "1e30"}, "amount_eur", "must have at most 16 digits before the point"),
        ({"amount_eur": "NaN"}, "amount_eur", "must be a finite number"),
        ({"amount_eur": "12,30"}, "amount_eur", "must be a decimal, as a number or a string"),
        ({"amount_eur": -1}, "amount_eur", "must be at least 0"),
        ({"amount_eur": 50_001}, "amount_eur", "must be at most 50000"),
        ({"rate": "0.1"}, "rate", "must be more than 0.1"),
        ({"country": "XX"}, "country", "must be one of DE, FR"),
        ({"card_id": "4000"}, "card_id", "must match c[0-9]+$"),
        ({"payment_id": ""}, "payment_id", "must not be empty"),
        ({"items": 2.5}, "items", "must be a whole number"),
        ({"items": "2"}, "items", "must be a whole number"),
        ({"items": 2**63}, "items", "must fit into 64 bits"),
        ({"online": 1}, "online", "must be true or false"),
        ({"weight": "heavy"}, "weight", "must be a number"),
        ({"born": "29.02.2000"}, "born", "must be a date such as 2018-04-01"),
        ({"born": "0999-01-01"}, "born", "must lie between the years 1000 and 9999"),
    ],
)
def test_each_field_at_fault_says_why(changes: dict[str, Any], field: str, reason: str) -> None:
    told = reasons(**changes)
    assert list(told) == [field]
    assert told[field].startswith(reason)


def test_every_field_at_fault_is_named_at_once() -> None:
    told = reasons(amount_eur=-1, items=0, online=None, colour="red")
    assert list(told) == ["amount_eur", "items", "online", "colour"]


def test_a_field_the_contract_has_not_is_told_with_the_one_meant() -> None:
    assert "did you mean 'amount_eur'?" in reasons(amount="1")["amount"]


def test_a_missing_field_is_told_apart_from_a_null_one() -> None:
    body = {k: v for k, v in GOOD.items() if k != "items"}
    with pytest.raises(Problem) as caught:
        reader.one(msgspec.json.encode(body))
    assert [(e.field, e.reason) for e in caught.value.fields] == [("items", "is missing")]


def test_empty_text_is_null_as_in_delivered_files() -> None:
    assert read(country="")["country"] is None


def test_no_value_stands_in_the_message() -> None:
    with pytest.raises(Problem) as caught:
        read(card_id="4000123412341234", amount_eur="secret", country="Atlantis")
    told = str(caught.value.what) + str(caught.value.fields)
    assert [v for v in ("4000123412341234", "secret", "Atlantis") if v in told] == []


@pytest.mark.parametrize("body", [b"", b"{", b'{"payment_id":"\xff"}', b'{"payment_id":"\\ud800"}'])
def test_what_is_no_json_is_a_bad_request(body: bytes) -> None:
    with pytest.raises(Problem) as caught:
        reader.one(body)
    assert caught.value.status == 400


@pytest.mark.parametrize("body", [b"[]", b"1", b"null", b'"x"'])
def test_a_row_is_a_json_object(body: bytes) -> None:
    with pytest.raises(Problem) as caught:
        reader.one(body)
    assert (caught.value.status, caught.value.fields[0].reason) == (422, "must be a JSON object")


def test_a_column_that_is_stamped_may_be_absent_or_null() -> None:
    reports = RowReader(Report.spec, "body", may_miss=["reported_at"])
    rows = reports.many(b'[{"payment_id":"a"},{"payment_id":"b","reported_at":null}]', 10)
    assert rows == [
        {"payment_id": "a", "reported_at": None},
        {"payment_id": "b", "reported_at": None},
    ]


def test_one_bad_row_refuses_the_list_and_is_counted_from_0() -> None:
    reports = RowReader(Report.spec, "body", may_miss=["reported_at"])
    with pytest.raises(Problem) as caught:
        reports.many(b'[{"payment_id":"a"},{"payment_id":7},{}]', 10)
    assert [(e.row, e.field) for e in caught.value.fields] == [
        (1, "payment_id"),
        (2, "payment_id"),
    ]


def test_more_rows_than_allowed_are_refused() -> None:
    reports = RowReader(Report.spec, "body", may_miss=["reported_at"])
    with pytest.raises(Problem) as caught:
        reports.many(b"[" + b",".join([b'{"payment_id":"a"}'] * 4) + b"]", 3)
    assert caught.value.status == 413
