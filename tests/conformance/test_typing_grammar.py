"""The grammar of delivered text, on awkward texts."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest

from lakehouse.declare.contract import Column
from lakehouse.errors import DeclarationError
from lakehouse.zones.typing_grammar import blank, literal, sql_type, typed


def read(engine, column, texts):
    """The typed values of texts, as Python values."""
    frame = engine.from_arrow(pa.table({"t": pa.array(texts, pa.string())}))
    found = engine.query(f"SELECT {typed(column, 't')} AS v FROM texts", {"texts": frame})
    return engine.to_arrow(found)["v"].to_pylist()


def assert_read(engine, column, cases):
    texts = [text for text, _ in cases]
    assert dict(zip(texts, read(engine, column, texts), strict=True)) == dict(cases)


def utc(*parts):
    return datetime(*parts, tzinfo=UTC)


WHOLE_NUMBERS = [
    ("7", 7),
    ("-7", -7),
    ("+7", 7),
    ("007", 7),
    (" 7 ", 7),
    ("7.0", 7),
    ("7.", 7),
    ("-0", 0),
    ("9223372036854775807", 2**63 - 1),
    ("9223372036854775808", None),
    ("-9223372036854775808", -(2**63)),
    ("7.01", None),
    ("7e0", None),
    ("1_000", None),
    ("1,000", None),
    ("0x10", None),
    (".0", None),
    ("7\n", None),
    ("\t7", None),
    ("7 7", None),
    ("", None),
    ("  ", None),
    ("NA", None),
    ("NULL", None),
    ("٧", None),
]


def test_whole_numbers(engine):
    assert_read(engine, Column("n", "int"), WHOLE_NUMBERS)


DECIMALS = [
    ("1.5", Decimal("1.50")),
    ("1.50", Decimal("1.50")),
    ("1.5000000000000000000000000", Decimal("1.50")),
    ("1.505", None),
    ("1.5e1", None),
    ("1.", Decimal("1.00")),
    (".5", Decimal("0.50")),
    ("-.05", Decimal("-0.05")),
    (".", None),
    ("", None),
    ("0000000000000000000000001", Decimal("1.00")),
    ("9999999999999999.99", Decimal("9999999999999999.99")),
    ("10000000000000000", None),
    ("1 .5", None),
    ("1,5", None),
    ("€1", None),
]


def test_decimals_with_more_digits_than_their_scale_are_refused(engine):
    assert_read(engine, Column("n", "decimal", scale=2), DECIMALS)


def test_decimal_without_places_takes_a_fraction_of_zeros(engine):
    texts = ["7", "7.0", "7.5", ".0", "123456789012345678", "1234567890123456789"]
    found = read(engine, Column("n", "decimal", scale=0), texts)
    assert found == [Decimal(7), Decimal(7), None, None, Decimal(123456789012345678), None]


FLOATS = [
    ("1", 1.0),
    ("-1.5E-3", -0.0015),
    (".5", 0.5),
    ("5.", 5.0),
    ("1e308", 1e308),
    ("1e309", None),
    ("1e-999", 0.0),
    ("0.1", 0.1),
    ("nan", None),
    ("NaN", None),
    ("inf", None),
    ("Infinity", None),
    ("1e", None),
    ("e1", None),
    ("1d", None),
    ("1_0", None),
]


def test_floats_are_finite_numbers(engine):
    assert_read(engine, Column("n", "float"), FLOATS)


TRUTH_VALUES = [
    *((t, True) for t in ("true", "TRUE", "t", "yes", "Y", "1", " true ")),
    *((t, False) for t in ("false", "False", "F", "no", "n", "0")),
    *((t, None) for t in ("", "on", "off", "2", "1.0", "NA")),
]


def test_truth_values(engine):
    assert_read(engine, Column("b", "bool"), TRUTH_VALUES)


def test_dates_are_days_that_exist(engine):
    texts = [
        "2018-04-01",
        " 2018-04-01",
        "2018-02-29",
        "2020-02-29",
        "2018-4-1",
        "2018-04-01T00",
        "01.04.2018",
        "0999-01-01",
        "9999-12-31",
        "",
    ]
    assert read(engine, Column("d", "date"), texts) == [
        date(2018, 4, 1), date(2018, 4, 1), None, date(2020, 2, 29), None, None,
        None, None, date(9999, 12, 31), None,
    ]  # fmt: skip


TIMES = [
    ("2018-04-01T06:30:00Z", utc(2018, 4, 1, 6, 30)),
    ("2018-04-01 06:30:00", utc(2018, 4, 1, 6, 30)),
    ("2018-04-01T06:30", utc(2018, 4, 1, 6, 30)),
    ("2018-04-01T06:30Z", utc(2018, 4, 1, 6, 30)),
    ("2018-04-01", utc(2018, 4, 1)),
    ("2018-04-01T06:30:00.1", utc(2018, 4, 1, 6, 30, 0, 100_000)),
    ("2018-04-01T06:30:00.123456Z", utc(2018, 4, 1, 6, 30, 0, 123_456)),
    ("2018-04-01T06:30:00.1234567Z", None),
    ("2018-04-01T06:30:00+02:00", utc(2018, 4, 1, 4, 30)),
    ("2018-04-01T06:30:00-09:30", utc(2018, 4, 1, 16)),
    ("2018-04-01 06:30:00+02", utc(2018, 4, 1, 4, 30)),
    ("2018-04-01T06:30:00+0200", None),
    ("2018-04-01T06:30:00+15:00", None),
    ("2018-04-01Z", None),
    ("2018-04-01T06", None),
    ("2018-04-01T24:00:00", None),
    ("2018-04-01T23:59:60", None),
    ("2018-02-29T00:00:00", None),
    ("2018-04-01t06:30:00z", None),
    ("2018-04-01  06:30:00", None),
    ("20180401T063000", None),
    ("1522564200", None),
    ("0999-04-01T00:00:00", None),
    ("9999-12-31T23:59:59.999999", utc(9999, 12, 31, 23, 59, 59, 999_999)),
    ("9999-12-31T23:59:59-01:00", None),
    ("now", None),
    ("", None),
]


def test_times_are_iso_8601(engine):
    assert_read(engine, Column("at", "timestamp"), TIMES)


TIMES_IN_BERLIN = [
    ("2018-03-25 01:59:59.999999", utc(2018, 3, 25, 0, 59, 59, 999_999)),
    ("2018-03-25 02:00", None),
    ("2018-03-25T02:59:59.5", None),
    ("2018-03-25T03:00:00", utc(2018, 3, 25, 1)),
    ("2018-10-28T02:30:00", utc(2018, 10, 28, 0, 30)),
    ("2018-10-28T02:30:00+01:00", utc(2018, 10, 28, 1, 30)),
    ("2018-10-28T03:00:00", utc(2018, 10, 28, 2)),
    ("2018-07-01T00:00:00Z", utc(2018, 7, 1)),
    ("2018-07-01", utc(2018, 6, 30, 22)),
]


def test_a_skipped_hour_is_no_time_and_of_a_doubled_one_the_first_is_meant(engine):
    assert_read(engine, Column("at", "timestamp", zone="Europe/Berlin"), TIMES_IN_BERLIN)


@pytest.mark.parametrize(
    "zone", ["America/New_York", "Australia/Lord_Howe", "America/Havana", "Asia/Kolkata"]
)
def test_local_times_agree_with_the_zone_database(engine, zone):
    chance, rules = random.Random(zone), ZoneInfo(zone)
    changes = [utc(2018, 3, 11), utc(2018, 11, 4), utc(2018, 4, 1), utc(2018, 10, 7)]
    local = [
        (start + timedelta(minutes=15 * chance.randrange(-200, 200))).replace(tzinfo=None)
        for start in changes * 60
    ]
    epoch = utc(1970, 1, 1).replace(tzinfo=None)
    local += [epoch + timedelta(hours=chance.randrange(800_000)) for _ in range(60)]

    def expected(at):
        back = at.replace(tzinfo=rules).astimezone(UTC)
        return back if back.astimezone(rules).replace(tzinfo=None) == at else None

    found = read(engine, Column("at", "timestamp", zone=zone), [at.isoformat() for at in local])
    assert dict(zip(local, found, strict=True)) == {at: expected(at) for at in local}


def test_text_is_kept_as_it_is_and_empty_text_is_null(engine):
    texts = [" a ", "", None, "NULL", " ", "it's \\ \n"]
    assert read(engine, Column("s"), texts) == [" a ", None, None, "NULL", " ", "it's \\ \n"]


@pytest.mark.parametrize(("kind", "expected"), [("string", [True, False]), ("int", [True, True])])
def test_only_strings_may_be_blank(engine, kind, expected):
    frame = engine.from_arrow(pa.table({"t": ["", "  "]}))
    found = engine.query(f"SELECT {blank(Column('c', kind), 't')} AS v FROM x", {"x": frame})
    assert engine.to_arrow(found)["v"].to_pylist() == expected


@pytest.mark.parametrize(
    ("column", "value", "expected"),
    [
        (Column("n", "int"), 5, 5),
        (Column("n", "int"), 0.5, Decimal("0.5")),
        (Column("n", "decimal", scale=2), 50_000, 50_000),
        (Column("n", "float"), 0.1, 0.1),
        (Column("s"), "it's \\d", "it's \\d"),
        (Column("b", "bool"), True, True),
        (Column("d", "date"), "2013-02-01", date(2013, 2, 1)),
        (Column("at", "timestamp"), "2013-02-01T06:00:00+02:00", utc(2013, 2, 1, 4)),
        (Column("at", "timestamp", zone="Europe/Berlin"), "2013-02-01", utc(2013, 1, 31, 23)),
    ],
)
def test_constants_of_a_declaration_have_the_columns_type(engine, column, value, expected):
    found = engine.query(f"SELECT {literal(column, value)} AS v", {})
    assert engine.to_arrow(found)["v"].to_pylist() == [expected]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        (Column("n", "int"), "many"),
        (Column("n", "int"), True),
        (Column("n", "float"), float("nan")),
        (Column("s"), 5),
        (Column("b", "bool"), 1),
        (Column("d", "date"), "1st of May"),
        (Column("at", "timestamp"), 5),
    ],
)
def test_a_constant_that_the_column_cannot_hold_is_a_wrong_declaration(column, value):
    with pytest.raises(DeclarationError, match=f"Column '{column.name}'"):
        literal(column, value)


def test_an_unknown_zone_is_a_wrong_declaration():
    with pytest.raises(DeclarationError, match="Time zone 'Europe/Bonn' does not exist"):
        typed(Column("at", "timestamp", zone="Europe/Bonn"), "t")


def test_types_of_the_tables():
    assert sql_type(Column("n", "decimal", scale=3)) == "DECIMAL(18, 3)"
    assert sql_type(Column("at", "timestamp")) == "TIMESTAMP"
