"""Arrow columns as kernel arrays and back."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from lakehouse.engines.kernels.arrow_numbers import (
    ColumnTypeError,
    as_flags,
    as_microseconds,
    as_numbers,
    from_floats,
    from_integers,
    from_scaled_integers,
)

AMOUNTS = [Decimal("0.01"), None, Decimal("-1234567890123456.78"), Decimal("9999999999999999.99")]
UNITS = [1, 0, -123456789012345678, 999999999999999999]


@pytest.mark.parametrize("kind", [pa.decimal128(18, 2), pa.decimal128(38, 2), pa.decimal256(40, 2)])
def test_decimals_become_scaled_integers(kind: Any) -> None:
    column = pa.chunked_array([pa.array(AMOUNTS[:1], kind), pa.array(AMOUNTS[1:], kind)])
    found = as_numbers(column, "Column")
    assert np.where(found.valid, found.values, 0).tolist() == UNITS
    assert (found.valid.tolist(), found.scale) == ([True, False, True, True], 2)


def test_slice_of_decimals_begins_at_its_own_first_row() -> None:
    column = pa.array(AMOUNTS, pa.decimal128(18, 2))
    assert as_numbers(column[2:], "Column").values.tolist() == UNITS[2:]
    assert as_numbers(column[:0], "Column").values.tolist() == []


def test_decimal_of_more_than_eighteen_digits_is_refused() -> None:
    column = pa.array([Decimal(1), Decimal(10**20)], pa.decimal128(38, 2))
    with pytest.raises(ColumnTypeError, match=r"'amount' holds 1 amounts of more than 18 digits"):
        as_numbers(column, "'amount'")


@pytest.mark.parametrize(
    ("column", "values"),
    [
        (pa.array([True, None, False]), [1, 0, 0]),
        (pa.array([2**63 - 1, None, -(2**63)]), [2**63 - 1, 0, -(2**63)]),
        (pa.array([1, None, 255], pa.uint8()), [1, 0, 255]),
        (pa.array([1.5, None, 2.5], pa.float32()), [1.5, 0.0, 2.5]),
    ],
)
def test_nulls_do_not_change_the_type_of_numbers(column: Any, values: list[Any]) -> None:
    found = as_numbers(column, "Column")
    assert found.values.tolist() == values
    assert found.valid.tolist() == [True, False, True]
    assert found.values.dtype == (np.float64 if isinstance(values[0], float) else np.int64)


def test_text_is_no_number() -> None:
    with pytest.raises(ColumnTypeError, match="'note' is string, not a number"):
        as_numbers(pa.array(["1"]), "'note'")


def test_times_of_any_zone_and_unit_are_utc_microseconds() -> None:
    moment = datetime(2024, 10, 27, 1, 30, tzinfo=UTC)
    us = int(moment.timestamp()) * 1_000_000
    for kind in (
        pa.timestamp("us", "Europe/Berlin"),
        pa.timestamp("s", "UTC"),
        pa.timestamp("ns", "UTC"),
    ):
        times, present = as_microseconds(pa.array([moment, None], kind), "Column")
        assert (times[0], present.tolist()) == (us, [True, False])
    naive = pa.array([moment.replace(tzinfo=None)], pa.timestamp("us"))
    assert as_microseconds(naive, "Column")[0].tolist() == [us]
    with pytest.raises(ColumnTypeError, match="does not fit whole microseconds"):
        as_microseconds(pa.array([1], pa.timestamp("ns", "UTC")), "Column")
    with pytest.raises(ColumnTypeError, match="'at' is int64, not a time"):
        as_microseconds(pa.array([1]), "'at'")


def test_only_true_is_a_flag() -> None:
    assert as_flags(pa.array([True, False, None])).tolist() == [True, False, False]
    assert as_flags(pa.nulls(2)).tolist() == [False, False]


def test_results_keep_nulls_and_nan_apart() -> None:
    valid = np.array([True, False, True])
    floats = from_floats(np.array([np.nan, 0.0, 1.0]), valid)
    assert (str(floats[0].as_py()), floats.null_count) == ("nan", 1)
    assert from_integers(np.array([1, 0, -1]), valid).to_pylist() == [1, None, -1]


def test_scaled_integers_become_decimals_of_eighteen_digits() -> None:
    valid = np.array([True, False, True, True])
    column = from_scaled_integers(np.array(UNITS), valid, 2, "Feature 'v.f'")
    assert column.type == pa.decimal128(18, 2)
    assert column.to_pylist() == AMOUNTS
    column.validate(full=True)
    everywhere = from_scaled_integers(np.array(UNITS[2:]), valid[2:], 2, "Feature 'v.f'")
    assert everywhere.to_pylist() == AMOUNTS[2:]


@pytest.mark.parametrize("units", [10**18, -(10**18), -(2**63)])
def test_nineteen_digits_are_refused_with_the_feature(units: int) -> None:
    with pytest.raises(ColumnTypeError, match=r"Feature 'v\.f': 1 values have more than 18 digits"):
        from_scaled_integers(np.array([0, units]), np.array([True, True]), 2, "Feature 'v.f'")
