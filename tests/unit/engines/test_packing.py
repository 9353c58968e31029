"""Packed rows are unpacked as they were, and equal keys meet in one bucket."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from lakehouse.engines.spark import packing
from lakehouse.engines.spark.packing import BUCKET, Packer, buckets_of, none_packed, unpacked

AT = datetime(2026, 1, 1, tzinfo=UTC)
ROWS = pa.table(
    {
        "key": pa.array([f"k{n % 7}" if n % 5 else None for n in range(1_000)]),
        "n": pa.array(range(1_000), pa.int64()),
        "listed": pa.array([[n, None] if n % 3 else None for n in range(1_000)]),
        "slice": pa.array([n % 2 if n % 7 == 1 else None for n in range(1_000)], pa.int32()),
    }
)


def packed(packer: Packer, rows: pa.Table) -> pa.Table:
    return pa.Table.from_batches(packer.batches(iter(rows.to_batches(max_chunksize=130))))


@pytest.mark.parametrize("most", [1, 300, 10_000])
def test_rows_come_back_whatever_is_packed_at_once(
    most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packing, "MOST_ROWS", most)
    rows = ROWS.drop_columns(["slice"])
    together = pa.concat_tables(
        [packed(Packer(2, ("key",), 16), rows), packed(Packer(3, ("key",), 16), rows.slice(990))]
    )
    found = unpacked(together, 2)
    assert found is not None
    assert found.schema == rows.schema
    assert found.sort_by("n").to_pylist() == rows.to_pylist()
    buckets: dict[Any, set[int]] = {}
    for one in together.to_batches(max_chunksize=1):
        for part in (2, 3):
            some = unpacked(pa.Table.from_batches([one]), part)
            for key in [] if some is None else some.column("key").unique().to_pylist():
                buckets.setdefault(key, set()).add(one.column(BUCKET)[0].as_py())
    assert len(buckets.pop(None)) == 16  # rows of no entity are a burden to no bucket
    assert all(len(of_key) == 1 for of_key in buckets.values())


def test_a_part_without_rows_is_empty_or_none() -> None:
    assert unpacked(none_packed(), 2) is None
    empty = unpacked(none_packed(), 2, ROWS.schema)
    assert empty is not None
    assert empty.schema == ROWS.schema
    assert not len(empty)


def test_slices_have_buckets_of_their_own_and_do_not_travel() -> None:
    table = packed(Packer(0, ("key",), 4, "slice"), ROWS)
    assert set(table.column(BUCKET).to_pylist()) == set(range(6))
    for one in table.to_batches(max_chunksize=1):
        rows = unpacked(pa.Table.from_batches([one]), 0)
        assert rows is not None
        assert rows.column_names == ["key", "n", "listed"]
        of_slice = one.column(BUCKET)[0].as_py() - 4
        for n in rows.column("n").to_pylist():
            assert ROWS.column("slice")[n].as_py() == (of_slice if of_slice >= 0 else None)


def texts(values: list[Any], kind: pa.DataType) -> Any:
    return pa.chunked_array([pa.array(values[:1], kind), pa.array(values[1:], kind)])


@pytest.mark.parametrize(
    ("values", "kinds"),
    [
        ([-3, 0, 7], [pa.int8(), pa.int32(), pa.int64(), pa.uint16()]),
        ([-0.0, 0.0, 2.5], [pa.float32(), pa.float64()]),
        ([Decimal("-1.50"), Decimal(0), Decimal(12)], [pa.decimal128(4, 2), pa.decimal128(18, 5)]),
        (["a", "", "ü"], [pa.string(), pa.large_string()]),
        ([True, False], [pa.bool_()]),
        ([date(1969, 1, 1), date(2026, 1, 1)], [pa.date32()]),
        ([AT, AT - timedelta(days=30_000)], [pa.timestamp("us", "UTC"), pa.timestamp("s", "UTC")]),
    ],
)
def test_equal_keys_share_a_bucket_in_any_type(values: list[Any], kinds: list[pa.DataType]) -> None:
    found = [
        buckets_of([texts([v for v in values if kind != pa.uint16() or v >= 0], kind)], 1_000_000)
        for kind in kinds
    ]
    assert all(set(other.tolist()) <= set(found[0].tolist()) for other in found)
    assert len(set(found[0].tolist())) == len(set(values))


def test_every_nan_is_in_one_bucket() -> None:
    bits = np.array([0x7FF8000000000000, 0x7FF8000000000001, 0xFFF8000000000000], dtype=np.uint64)
    assert len(set(buckets_of([pa.array(bits.view(np.float64))], 1_000_000).tolist())) == 1


def test_buckets_are_even_and_keys_of_two_columns_are_told_apart() -> None:
    numbers = pa.array(range(100_000))
    counts = np.bincount(buckets_of([numbers], 16), minlength=16)
    assert counts.min() > 5_900
    assert counts.max() < 6_600
    one, other = pa.array(["1", "11"]), pa.array(["11", "1"])
    assert len(Counter(buckets_of([one, other], 1_000_000).tolist())) == 2
