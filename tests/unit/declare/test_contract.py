from __future__ import annotations

import typing
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from lakehouse.declare import Contract, column, event_time, key, known_at
from lakehouse.declare.columns import Column
from lakehouse.declare.constants import constant
from lakehouse.errors import DeclarationError


class Booking(Contract, owner="desk@hotel.example"):
    """One booking.

    Told by the desk.
    """

    hotel: str = key()
    booking: int = key()
    guest: str | None = column(personal=True)
    nights: int = column(ge=1, le=365)
    price_eur: Decimal = column(gt=0, scale=2)
    rate: float | None
    paid: bool
    arrives_on: date
    booked_at: datetime = event_time(zone="Europe/Berlin")
    told_at: datetime = known_at()


def test_columns_stand_in_declared_order() -> None:
    expected = (
        "hotel, booking, guest, nights, price_eur, rate, paid, arrives_on, booked_at, told_at"
    )
    assert expected == ", ".join(c.name for c in Booking.spec.columns)


def test_each_type_has_its_kind() -> None:
    expected = "string, int, string, int, decimal, float, bool, date, timestamp, timestamp"
    assert expected == ", ".join(c.kind for c in Booking.spec.columns)


def test_roles_are_found_by_what_columns_say() -> None:
    spec = Booking.spec
    assert (("hotel", "booking"), "booked_at", "told_at", ("guest",)) == (
        spec.keys,
        spec.event_time,
        spec.known_at,
        spec.personal,
    )


def test_only_columns_that_say_so_may_be_null() -> None:
    assert ["guest", "rate"] == [c.name for c in Booking.spec.columns if c.nullable]


def test_optional_is_another_way_to_say_or_none() -> None:
    class Old(Contract):
        guest: typing.Optional[str]  # noqa: UP045 (meant: the old spelling)

    assert Column("guest", nullable=True) == Old.spec.column("guest")


def test_a_contract_keeps_its_owner_and_its_words() -> None:
    assert ("desk@hotel.example", "One booking.\n\nTold by the desk.") == (
        Booking.spec.owner,
        Booking.spec.description,
    )


def test_a_known_event_time_is_both_times() -> None:
    class Payment(Contract):
        paid_at: datetime = event_time(known=True)

    assert ("paid_at", "paid_at") == (Payment.spec.event_time, Payment.spec.known_at)


def test_a_contract_that_extends_another_adds_its_columns_behind() -> None:
    class Rated(Booking):
        stars: int

    assert [*Booking.spec.by_name, "stars"] == [*Rated.spec.by_name]
    assert Booking.spec.column("nights") == Rated.spec.column("nights")


def test_a_contract_that_extends_another_may_say_a_column_anew() -> None:
    class Long(Booking):
        nights: int = column(ge=7)

    assert [*Booking.spec.by_name] == [*Long.spec.by_name]
    assert (7, None) == (Long.spec.column("nights").ge, Long.spec.column("nights").le)


def test_columns_named_as_types_methods_are_columns() -> None:
    class Odd(Contract):
        count: int
        index: int
        name: str

    assert ["count", "index", "name"] == [*Odd.spec.by_name]


def test_members_given_as_a_set_have_one_order() -> None:
    class Visit(Contract):
        airport: str = column(isin={"LGA", "EWR", "JFK"})

    assert ("EWR", "JFK", "LGA") == Visit.spec.column("airport").isin


def test_members_given_in_an_order_keep_it() -> None:
    class Visit(Contract):
        airport: str = column(isin=["LGA", "EWR", "JFK"])

    assert ("LGA", "EWR", "JFK") == Visit.spec.column("airport").isin


def test_bounds_given_as_times_are_kept_as_their_text() -> None:
    class Visit(Contract):
        began_at: datetime = column(ge=datetime(2013, 1, 1, tzinfo=UTC))
        on: date = column(isin=[date(2013, 1, 1)])

    assert "2013-01-01T00:00:00+00:00" == Visit.spec.column("began_at").ge
    assert ("2013-01-01",) == Visit.spec.column("on").isin


@pytest.mark.parametrize(
    ("declared", "given", "expected"),
    [
        (Column(kind="int"), -(2**63), -(2**63)),
        (Column(kind="float"), 7, 7.0),
        (Column(kind="float"), Decimal("0.1"), 0.1),
        (Column(kind="decimal", scale=2), 0.1, Decimal("0.1")),
        (Column(kind="decimal", scale=2), Decimal("7.5000"), Decimal("7.5")),
        (Column(kind="decimal", scale=2), 10**16 - 1, Decimal(10**16 - 1)),
        (Column(kind="bool"), False, False),
        (Column(kind="date"), "2013-02-28", date(2013, 2, 28)),
        (Column(kind="timestamp"), "2013-02-28", datetime(2013, 2, 28, tzinfo=UTC)),
        (
            Column(kind="timestamp"),
            "2013-02-28 12:00:00+05:30",
            datetime(2013, 2, 28, 12, tzinfo=timezone(timedelta(hours=5, minutes=30))),
        ),
        (
            Column(kind="timestamp", zone="America/New_York"),
            "2013-07-01T00:00",
            datetime(2013, 7, 1, 4, tzinfo=UTC),
        ),
    ],
)
def test_a_constant_is_a_value_of_its_column(
    declared: Column, given: object, expected: object
) -> None:
    assert (type(expected), expected) == (
        type(constant(declared, given)),
        constant(declared, given),
    )


@pytest.mark.parametrize(
    ("declared", "given"),
    [
        (Column(kind="int"), True),
        (Column(kind="int"), 2**63),
        (Column(kind="int"), 1.0),
        (Column(kind="float"), float("inf")),
        (Column(kind="float"), "1"),
        (Column(kind="decimal", scale=2), 10**16),
        (Column(kind="decimal", scale=2), Decimal("0.001")),
        (Column(kind="decimal", scale=2), Decimal("NaN")),
        (Column(kind="bool"), 1),
        (Column(kind="string"), 1),
        (Column(kind="date"), "2013-02-29"),
        (Column(kind="date"), "20130228"),
        (Column(kind="date"), "2013-02-28T00:00:00Z"),
        (Column(kind="timestamp"), "2013-W09-4"),
        (Column(kind="timestamp"), 1362009600),
    ],
)
def test_a_constant_that_its_column_cannot_hold_is_refused(declared: Column, given: object) -> None:
    with pytest.raises(DeclarationError, match=f" is no {declared.kind}; write "):
        constant(declared, given)


@pytest.mark.parametrize(
    "pattern",
    [
        "[A-Z]{3}",
        r"\d{4}-\d{2}(?:-\d{2})?",
        "(?i:de|at|ch)",
        "(DE|AT)[0-9]+",
        r"a\\+b",
        r"a\(\?=b",
        "[?+*]+",
        "[]^+]+",
        r"[\]+]+",
        "a+?b*?c??",
        "",
    ],
)
def test_patterns_that_every_engine_reads_are_taken(pattern: str) -> None:
    class Coded(Contract):
        code: str = column(str_matches=pattern)

    assert pattern == Coded.spec.column("code").str_matches


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("(?i)de", "(?i)"),
        ("a(?=b)", "(?="),
        ("(?<!a)b", "(?<!"),
        (r"(a)\1", r"\1"),
        ("(?P<a>b)(?P=a)", "(?P<"),
        ("(?>a)b", "(?>"),
        ("a++b", "++"),
        ("a{2}+b", "}+"),
        ("(?#note)a", "(?#"),
        ("(a)(?(1)b)", "(?("),
        ("[[a]]", "["),
        ("a{,3}", "{,3"),
        (r"a\Z", r"\Z"),
        (r"\bÉ", r"\b"),
        ("a^b", "^"),
    ],
)
def test_patterns_that_only_some_engines_read_are_refused(pattern: str, found: str) -> None:
    with pytest.raises(DeclarationError) as refused:

        class Coded(Contract):
            code: str = column(str_matches=pattern)

    assert f"Coded.code: str_matches='{pattern}' uses '{found}'" in str(refused.value)
