"""Columns put together from pieces are those that were cut into them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from lakehouse.engines.arrow_types import MICROSECONDS
from lakehouse.engines.embedded.parts.scatter import Scatter, narrow

SIZE = 97


def some(values: list[Any], kind: Any, nulls: bool) -> Any:
    random = np.random.default_rng(3)
    picked = [values[n] for n in random.integers(0, len(values), SIZE)]
    return pa.array([None if nulls and random.random() < 0.3 else v for v in picked], kind)


@pytest.mark.parametrize("nulls", [False, True])
@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1, -(2**63), 2**63 - 1], pa.int64()),
        ([1, -(2**31), 2**31 - 1], pa.int64()),
        ([1] * 20 + [2**31], pa.int64()),
        ([1] * 20 + [-(2**31) - 1], pa.int64()),
        ([1.5, float("inf"), -0.0], pa.float64()),
        ([True, False], pa.bool_()),
        ([Decimal("1.20"), Decimal("-999999999999999.99")], pa.decimal128(18, 2)),
        ([Decimal("1.20"), Decimal("-9.99")], pa.decimal128(18, 2)),
        ([0, -1, 10**15], MICROSECONDS),
        ([date(1969, 1, 1), date(2024, 2, 29)], pa.date32()),
        (["", "a", "gänse" * 9], pa.string()),
        ([[], [1, None], [3]], pa.list_(pa.int64())),
        ([7, -8], pa.int16()),
    ],
)
def test_a_column_is_put_together_from_its_pieces(
    values: list[Any], kind: Any, nulls: bool
) -> None:
    given = some(values, kind, nulls)
    order = np.random.default_rng(5).permutation(SIZE)
    placed = Scatter(kind, SIZE)
    for number, rows in enumerate(np.split(order, [3, 3, 9, 15, 40, 41])):
        whole = pa.concat_arrays([given.slice(0, 2), given.take(pa.array(rows))])
        pieces = narrow(whole).slice(2), narrow(whole.slice(2))  # one with an offset
        assert pieces[0].to_pylist() == pieces[1].to_pylist()
        placed.put(rows, pieces[number % 2])
    assert given.equals(placed.array())


def test_whole_numbers_that_fit_take_half_the_room() -> None:
    limits = [-(2**31), 2**31 - 1]
    assert narrow(pa.array([*limits, None])).type == pa.int32()
    assert [narrow(pa.array([one])).type for one in (limits[0] - 1, limits[1] + 1)] == [
        pa.int64(),
        pa.int64(),
    ]
    cents = [Decimal(one).scaleb(-2) for one in (*limits, limits[1] + 1)]
    kinds = [narrow(pa.array([one], pa.decimal128(18, 2))).type for one in cents]
    assert kinds == [pa.int32(), pa.int32(), pa.int64()]


@pytest.mark.parametrize("kind", [pa.int64(), pa.bool_(), pa.string()])
def test_a_column_without_rows_is_empty(kind: Any) -> None:
    assert pa.array([], kind).equals(Scatter(kind, 0).array())
