"""Rows that stream by have the digest of the same rows in memory."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from lakehouse.errors import LakehouseError
from lakehouse.zones.digest import digest
from lakehouse.zones.streamed_digest import streamed_digest

COLUMNS = ("key", "at", "amount", "share", "flag", "nothing")


def rows(count: int, times: int) -> pa.Table:
    """Rows of `times` different moments, with nulls in every column but the moment's."""
    draw = np.random.default_rng(count)
    return pa.table(
        {
            "at": pa.array(np.sort(draw.integers(0, times, count)), pa.timestamp("us", tz="UTC")),
            "key": pa.array(
                [None if n % 11 == 0 else "ü" * (n % 4) + str(n) for n in range(count)]
            ),
            "amount": pa.array(
                [None if n % 5 == 0 else Decimal(n) for n in range(count)], pa.decimal128(18, 2)
            ),
            "share": pa.array([None if n % 3 == 0 else n / 7 for n in range(count)]),
            "flag": pa.array([None if n % 13 == 0 else n % 2 == 0 for n in range(count)]),
            "nothing": pa.nulls(count, pa.string()),
        }
    )


def batches(table: pa.Table, size: int) -> Iterator[Any]:
    """Batches in order of time alone: rows of one moment come in any order."""
    shuffled = table.take(np.random.default_rng(0).permutation(table.num_rows))
    return iter(shuffled.sort_by("at").combine_chunks().to_batches(max_chunksize=size))


@pytest.mark.parametrize("slice_rows", [1, 7, 64, 10_000])
@pytest.mark.parametrize("times", [1, 3, 100, 100_000])
def test_slices_make_no_difference(times: int, slice_rows: int) -> None:
    table = rows(1003, times)
    streamed = streamed_digest(batches(table, 50), ["at", "key"], COLUMNS, slice_rows)
    assert streamed == digest(table, ["at", "key"], COLUMNS)


def test_one_row_is_enough_and_none_is_not() -> None:
    table = rows(1, 5)
    streamed = streamed_digest(batches(table, 50), ["at", "key"], COLUMNS)
    assert streamed == digest(table, ["at", "key"], COLUMNS)
    with pytest.raises(LakehouseError, match="without a row"):
        streamed_digest(iter([]), ["at", "key"], COLUMNS)


@pytest.mark.parametrize("slice_rows", [1, 5, 1000])
def test_rows_out_of_order_are_refused(slice_rows: int) -> None:
    table = rows(100, 1000)
    swapped = pa.concat_tables([table.slice(60), table.slice(0, 60)]).combine_chunks()
    with pytest.raises(LakehouseError, match="out of the order of 'at'"):
        streamed_digest(iter(swapped.to_batches(max_chunksize=10)), ["at"], COLUMNS, slice_rows)
