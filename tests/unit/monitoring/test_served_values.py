"""Logged JSON as Arrow arrays of the types that history has."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from lakehouse.monitoring.consistency.served_values import ABSENT, as_array, present, values_by_name

AT = datetime(2018, 4, 1, 10, 0, 0, 5, tzinfo=UTC)


def test_null_is_a_value_and_absence_is_none() -> None:
    found, broken = values_by_name(['{"a": null, "class": [1]}', "{}"], ["a", "class"])
    assert {"a": (None, ABSENT), "class": ([1], ABSENT)} == found
    assert [True, False] == present(found["a"]).tolist()
    assert not broken.any()


def test_a_text_that_is_no_object_is_told_and_hides_no_other() -> None:
    found, broken = values_by_name(['{"a": 1}', "[1]", '{"a": 1},{"a": 2}', '{"a": 3}'], ["a"])
    assert [False, True, True, False] == broken.tolist()
    assert (1, ABSENT, ABSENT, 3) == found["a"]


@pytest.mark.parametrize(
    ("kind", "logged", "expected"),
    [
        (pa.int64(), [1, None, -(2**63)], [1, None, -(2**63)]),
        (pa.float64(), [1, 2.5, "-inf", None], [1.0, 2.5, -math.inf, None]),
        (pa.decimal128(18, 2), ["30.6", "-0.01", None], [Decimal("30.60"), Decimal("-0.01"), None]),
        (pa.bool_(), [True, None], [True, None]),
        (pa.string(), ["nan", ""], ["nan", ""]),
        (pa.timestamp("us", "UTC"), ["2018-04-01T10:00:00.000005Z", None], [AT, None]),
        (pa.date32(), ["2018-04-01"], [date(2018, 4, 1)]),
        (pa.list_(pa.string()), [["a", "b"], [], None], [["a", "b"], [], None]),
        (pa.list_(pa.decimal128(18, 1)), [["1.5"], []], [[Decimal("1.5")], []]),
        (pa.int64(), [None, None], [None, None]),
        (pa.list_(pa.date32()), [], []),
    ],
)
def test_each_kind_is_read_as_it_was_logged(
    kind: Any, logged: list[Any], expected: list[Any]
) -> None:
    found, unfit = as_array(logged, kind)
    assert (kind, expected) == (found.type, found.to_pylist())
    assert not unfit.any()


def test_nan_is_a_number_of_its_own_and_not_null() -> None:
    found, _ = as_array(["nan", None], pa.float64())
    assert math.isnan(found[0].as_py())
    assert found[1].as_py() is None


@pytest.mark.parametrize(
    ("kind", "wrong"),
    [
        (pa.int64(), 2.5),
        (pa.int64(), 2.0),
        (pa.int64(), True),
        (pa.int64(), 2**63),
        (pa.float64(), "1.5"),
        (pa.float64(), False),
        (pa.decimal128(18, 2), "1.005"),
        (pa.decimal128(18, 2), 1.5),
        (pa.bool_(), 1),
        (pa.string(), 7),
        (pa.timestamp("us", "UTC"), "noon"),
        (pa.list_(pa.string()), "a"),
        (pa.list_(pa.string()), [1]),
    ],
)
def test_a_value_of_another_type_is_told_and_spoils_no_other(kind: Any, wrong: Any) -> None:
    found, unfit = as_array([None, wrong, None], kind)
    assert [None, None, None] == found.to_pylist()
    assert [False, True, False] == unfit.tolist()
