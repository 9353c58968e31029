"""Every way in which a served value can stand to history's."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from lakehouse.monitoring.consistency.comparing import (
    EQUAL,
    EXTRA,
    MISMATCH,
    MISSING,
    TOLERANCE,
    compare,
)

AT = datetime(2018, 4, 1, 10, tzinfo=UTC)
KINDS: dict[str, tuple[Any, list[Any]]] = {
    "int": (pa.int64(), [0, 1, -(2**62), 2**63 - 1]),
    "float": (pa.float64(), [0.0, 1.5, math.inf, math.nan]),
    "decimal": (pa.decimal128(18, 2), [Decimal("0.00"), Decimal("0.01"), Decimal("-9.99")]),
    "bool": (pa.bool_(), [False, True]),
    "string": (pa.string(), ["", "a", "A"]),
    "timestamp": (pa.timestamp("us", "UTC"), [AT, AT.replace(microsecond=1)]),
    "date": (pa.date32(), [date(2018, 4, 1), date(2018, 4, 2)]),
    "list": (pa.list_(pa.string()), [[], ["a"], ["b"], ["a", "b"], ["b", "a"]]),
    "amounts": (pa.list_(pa.decimal128(18, 2)), [[], [Decimal("1.50")], [Decimal("1.51")]]),
}


@pytest.mark.parametrize("kind", KINDS)
def test_values_of_each_kind_are_equal_to_themselves_alone(kind: str) -> None:
    arrow, values = KINDS[kind]
    several = [None, *values]
    served = [a for a in several for _ in several]
    history = [b for _ in several for b in several]
    expected = [
        EQUAL if n == m else MISSING if n == 0 else EXTRA if m == 0 else MISMATCH
        for n in range(len(several))
        for m in range(len(several))
    ]
    found = compare(pa.array(served, arrow), pa.array(history, arrow))
    assert expected == found.code.tolist()


def test_floats_differ_only_beyond_the_tolerance() -> None:
    served = pa.array([1.0, 1.0, -1e300, 0.0, 0.0])
    history = [1 + 0.9 * TOLERANCE, 1 + 1.1 * TOLERANCE, -1e300 * (1 + 1e-12), 5e-324, -0.0]
    found = compare(served, pa.array(history), tolerance=TOLERANCE)
    assert [EQUAL, MISMATCH, EQUAL, MISMATCH, EQUAL] == found.code.tolist()
    exactly = compare(served, pa.array(history))
    assert [MISMATCH, MISMATCH, MISMATCH, MISMATCH, EQUAL] == exactly.code.tolist()


def test_the_difference_of_numbers_is_told_and_of_nothing_else() -> None:
    served = pa.array([3, 3, None, 2**62])
    history = pa.array([3, 5, 1, -(2**62)])
    found = compare(served, history).difference
    assert [0.0, 2.0, 2.0**63] == found[[0, 1, 3]].tolist()
    assert np.isnan(found[2])
    texts = compare(pa.array(["a"]), pa.array(["b"])).difference
    assert np.isnan(texts).all()


@pytest.mark.parametrize(
    ("served", "history", "expected"),
    [
        (math.inf, math.inf, 0.0),
        (math.nan, math.nan, 0.0),
        (math.inf, -math.inf, math.inf),
        (math.nan, 1.0, math.inf),
        (1.0, math.inf, math.inf),
    ],
)
def test_what_is_no_number_differs_infinitely_from_what_is(
    served: float, history: float, expected: float
) -> None:
    assert [expected] == compare(pa.array([served]), pa.array([history])).difference.tolist()


def test_a_list_of_floats_holds_stored_values_which_are_equal_exactly() -> None:
    kind = pa.list_(pa.float64())
    served = pa.array([[1.0, math.nan], [1.0], [1.0]], kind)
    history = pa.array([[1.0, math.nan], [1 + 1e-12], [1.0, 2.0]], kind)
    assert [EQUAL, MISMATCH, MISMATCH] == compare(served, history).code.tolist()


def test_a_value_of_another_type_is_a_mismatch_even_where_history_has_none() -> None:
    served, history = pa.array([None, None, 1]), pa.array([None, 2, 1])
    found = compare(served, history, np.array([True, True, False]))
    assert [MISMATCH, MISMATCH, EQUAL] == found.code.tolist()
    assert np.isnan(found.difference[:2]).all()


def test_nothing_compared_with_nothing_is_nothing() -> None:
    for arrow, _ in KINDS.values():
        assert [] == compare(pa.array([], arrow), pa.array([], arrow)).code.tolist()
