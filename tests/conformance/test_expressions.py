"""Expressions mean the same in SQL and in plain Python: nulls, order, exactness, errors."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from lakehouse.engines.protocol import Engine
from lakehouse.errors import DeclarationError, LakehouseError
from lakehouse.language.expressions import parse
from lakehouse.language.expressions import python as expressions_python
from lakehouse.language.expressions.sql import to_sql
from tests.conformance import evaluators
from tests.conformance.evaluators import KINDS, NAMES, in_python, row

Both = Callable[..., Any]


@pytest.fixture
def both(engine: Engine) -> Both:
    """The value of an expression, which the engine and Python must agree on."""
    return partial(evaluators.both, engine)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("null and false", False),
        ("null and true", None),
        ("null or true", True),
        ("not known", None),
        ("visits in (1, null)", None),
        ("visits in (2, null)", True),
        ("visits not in (1, null)", None),
        ("score between 3 and null", False),
        ("score between null and 5", None),
        ("case when known then 1 else 2 end", 2),
        ("coalesce(known, visits = 2)", True),
        ("nullif(visits, 2)", None),
        ("least(null, visits, 5)", 2),
        ("greatest(known, known)", None),
    ],
)
def test_null_is_unknown_as_in_sql(both: Both, text: str, expected: Any) -> None:
    assert both(text, visits=2, score=1.0) is expected


def test_a_division_by_zero_raises_and_null_does_not(both: Both) -> None:
    assert both("score / visits", score=1.0, visits=0) == "division by zero"
    assert both("score / visits", score=1.0, visits=None) is None
    assert both("score / visits", score=None, visits=0) is None
    assert both("visits % 0", visits=5) == "division by zero"


def test_nothing_is_computed_beside_null(both: Both) -> None:
    for text in (
        "6 / visits + score",
        "score + 6 / visits",
        "score > 6 / visits + 1",
        "not (6 / visits = score * 2)",
        "round(6 / visits, 2) >= score",
        "coalesce(6 / visits, 1.0) + score",
        "score + case when 6 / visits > 2 then 1 else 2 end",
        "timestampadd('day', visits % 0, at)",
        "nullif(score, 6 / visits)",
    ):
        assert both(text, visits=0) is None, text
        if "score" in text:
            assert both(text, visits=0, score=1.0) == "division by zero", text
    assert both("abs(visits) = views.visits_1d", visits=-(2**63)) is None
    assert both("visits + null", visits=2**63 - 1) is None
    assert both("(visits + 1) * null", visits=2**63 - 1) is None
    assert both("visits + 1 in (views.visits_1d)", visits=2**63 - 1) is None


def test_a_choice_beside_null_is_made_from_left_to_right(both: Both) -> None:
    undefined, null = "least(6 / visits, score)", "nullif(2 + visits, 2)"
    assert both(f"{null} + {undefined}", visits=0) is None
    assert both(f"{undefined} + {null}", visits=0) == "division by zero"


def test_and_or_case_and_coalesce_protect_what_stands_to_the_right(both: Both) -> None:
    assert both("visits <> 0 and 6 / visits > 2", visits=0) is False
    assert both("visits = 0 or 6 / visits > 2", visits=0) is True
    assert both("known and visits <> 0 and 6 / visits > 2", known=None, visits=0) is False
    assert both("known and 6 / visits > 2", known=None, visits=0) == "division by zero"
    assert both("case when visits = 0 then 0.0 else 6 / visits end", visits=0) == 0.0
    assert both("coalesce(score, 6 / visits)", score=1.0, visits=0) == 1.0


def test_a_remainder_has_the_sign_of_what_is_divided(both: Both) -> None:
    assert both("visits % 3", visits=-7) == -1
    assert both("visits % -3", visits=7) == 1


def test_decimals_stay_exact_and_become_the_nearest_float(both: Both) -> None:
    amount, rate = Decimal("9999999999.99"), Decimal("9999999999.999")
    assert both("amount + rate", amount=amount, rate=rate) == Decimal("19999999999.989")
    widest = Decimal("9999999999999999.99")
    assert both("amount * 1000 + rate > amount * 1000", amount=widest, rate=rate) is True
    assert both("float(amount)", amount=Decimal("9007199254740993.07")) == 9007199254740994.0
    assert both("amount * 3 = 0.30", amount=Decimal("0.10")) is True
    assert both("amount > 0.1", amount=Decimal("0.10")) is False
    assert both("score > 0.1", score=0.1) is False


def test_whole_numbers_that_leave_64_bits_raise(both: Both) -> None:
    assert both("visits + 1", visits=2**63 - 1) == "overflow"
    assert both("visits * visits", visits=2**32) == "overflow"
    assert both("2147483647 + 1") == 2_147_483_648


def test_what_is_compared_with_a_constant_is_computed_first(both: Both) -> None:
    for text in (
        "visits + 1 = 5",
        "1 - -visits <> 5",
        "visits * 2 > 5",
        "visits + 1 between 2 and 5",
        "visits + 1 in (2, 3)",
        "case when visits + 1 = 5 then 1 end = 1",
    ):
        assert both(text, visits=2**63 - 1) == "overflow", text
    assert both("-visits = 1", visits=-(2**63)) == "overflow"


def test_a_whole_number_of_a_float_fits_64_bits(both: Both) -> None:
    for text in ("floor(score)", "ceil(score)"):
        assert both(text, score=2.0**63) == "overflow", text
        assert both(text, score=-(2.0**63)) == -(2**63), text
        assert both(text, score=2.0**63 - 1024) == 2**63 - 1024, text


def test_nan_is_the_greatest_number_and_equals_itself(both: Both) -> None:
    assert both("score = score", score=math.nan) is True
    assert both("score > 1", score=math.nan) is True
    assert both("least(score, 1)", score=math.nan) == 1.0


def test_parts_of_a_time_are_utc_and_monday_is_0(both: Both) -> None:
    at = datetime(2018, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)  # a Monday
    parts = ("hour", "minute", "day", "month", "weekday")
    assert [both(f"{part}(at)", at=at) for part in parts] == [23, 59, 31, 12, 0]
    assert both("weekday(at)", at=datetime(1969, 12, 28, tzinfo=UTC)) == 6
    berlin = timezone(timedelta(hours=1))
    assert in_python(parse("hour(at)"), row(at=datetime(2019, 1, 1, 0, 30, tzinfo=berlin))) == 23


def test_letters_change_one_for_one(both: Both) -> None:
    assert both("upper(country)", country="straße ﬁ ᾀ äé") == "STRAẞE ﬁ ᾈ ÄÉ"
    assert both("lower(country)", country="İΑΣ ÄẞO") == "iασ äßo"
    assert both("length(country)", country="\U0001f9e6é") == 2


def test_text_reaches_sql_as_it_is_written(both: Both) -> None:
    for text in ("it's", "a\\b", "\\", "'; --", "% _ \n"):
        escaped = text.replace("'", "''")
        assert both(f"country = '{escaped}'", country=text) is True


def test_numbers_of_several_kinds_meet_in_the_widest(both: Both) -> None:
    assert both("nullif(visits, score)", visits=3, score=1.5) == 3.0
    assert type(both("nullif(visits, score)", visits=3, score=1.5)) is float
    assert type(both("coalesce(visits, score)", visits=3)) is float
    assert type(both("case when known then visits else score end", known=True, visits=3)) is float


def test_an_unknown_name_is_refused_and_a_missing_value_is_named() -> None:
    with pytest.raises(DeclarationError, match="no column 'amuont'; did you mean 'amount'"):
        expressions_python.compile(parse("amuont > 1"), KINDS, "Rule 'decline'")
    with pytest.raises(LakehouseError, match="no column 'amuont'; did you mean 'amount'"):
        to_sql(parse("amuont > 1"), NAMES)
    with pytest.raises(LakehouseError, match="Rule 'decline' has no value 'amount'"):
        expressions_python.compile(parse("amount > 1"), KINDS, "Rule 'decline'")({"rate": 1})
