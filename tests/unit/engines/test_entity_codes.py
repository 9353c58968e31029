"""Entity keys as codes: equal column by column, whatever the types and layouts."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from lakehouse.engines.kernels.entity_codes import EntityKeyError, entity_codes, rank_codes


def codes(events: Any, moments: Any) -> tuple[list[int], list[int]]:
    """The codes of one key column, or of several given as lists of columns."""
    first = events if isinstance(events, list) else [events]
    second = moments if isinstance(moments, list) else [moments]
    names = [f"k{n}" for n in range(len(first))]
    found = entity_codes(first, second, names, "View 'v'")
    return found[0].tolist(), found[1].tolist()


def test_unknown_keys_and_nulls_are_no_entity() -> None:
    events = pa.array(["b", None, "a", "b"])
    assert codes(events, pa.array(["a", None, "c"])) == ([0, -1, 1, 0], [1, -1, -1])


@pytest.mark.parametrize(
    ("events", "moments"),
    [
        (pa.array(["a", "b"]), pa.array(["b"], pa.large_string())),
        (pa.array(["a", "b"]), pa.array(["b"]).dictionary_encode()),
        (pa.chunked_array([["a"], ["b"]]), pa.chunked_array([[], ["b"]], pa.string_view())),
        (pa.array([1, 2]), pa.array([2], pa.int16())),
        (pa.array([1, 2]), pa.array([2], pa.uint64())),
        (pa.array([Decimal("1.0"), Decimal("2.5")]), pa.array([Decimal("2.500")])),
        (pa.array([1.5, 0.0]), pa.array([-0.0], pa.float32())),
        (
            pa.array([0, 86_400_000_000], pa.timestamp("us", "UTC")),
            pa.array([86_400], pa.timestamp("s", "Europe/Berlin")),
        ),
    ],
)
def test_equal_keys_of_one_kind_are_one_entity(events: Any, moments: Any) -> None:
    assert codes(events, moments) == ([0, 1], [1])


def test_spine_of_only_null_keys_is_of_any_type() -> None:
    assert codes(pa.array([1, 2]), pa.nulls(2)) == ([0, 1], [-1, -1])
    assert codes(pa.nulls(1), pa.nulls(1)) == ([-1], [-1])


def test_no_rows_on_either_side() -> None:
    assert codes(pa.array([], pa.string()), pa.array(["a"])) == ([], [-1])
    assert codes(pa.array(["a"]), pa.array([], pa.string())) == ([0], [])


def test_three_columns_with_nulls_and_collisions() -> None:
    events = [pa.array(["1", "11", "1"]), pa.array(["11", "1", None]), pa.array([1, 1, 1])]
    moments = [pa.array(["11", "1", "1", "1"]), pa.array(["1", "11", None, "1"]), pa.array([1] * 4)]
    assert codes(events, moments) == ([0, 1, -1], [1, 0, -1, -1])


@pytest.mark.parametrize(
    ("events", "moments"),
    [
        (pa.array(["1"]), pa.array([1])),
        (pa.array([1]), pa.array([1.0])),
        (pa.array([1]), pa.array([Decimal(1)])),
        (pa.array([True]), pa.array([1])),
    ],
)
def test_keys_of_different_kinds_are_refused(events: Any, moments: Any) -> None:
    with pytest.raises(EntityKeyError, match=r"View 'v': entity key 'k0' is .* in the spine"):
        codes(events, moments)


def test_key_beyond_the_type_is_refused() -> None:
    with pytest.raises(EntityKeyError, match="'k0' does not fit int64"):
        codes(pa.array([1]), pa.array([2**63], pa.uint64()))


def test_ranks_order_text_by_bytes_nulls_first_and_nan_last() -> None:
    assert rank_codes([pa.array(["a", "Z", "ä", None, "Z"])]).tolist() == [2, 1, 3, 0, 1]
    floats = pa.array([float("nan"), -0.0, 1.0, 0.0, None, float("inf")])
    assert rank_codes([floats]).tolist() == [4, 1, 2, 1, 0, 3]
    assert rank_codes([pa.array([True, False, None])]).tolist() == [2, 1, 0]
    amounts = pa.array([Decimal("10.00"), Decimal("-2.00"), Decimal("9.00")])
    assert rank_codes([amounts]).tolist() == [2, 0, 1]


def test_ranks_of_several_columns_go_by_the_first_then_the_next() -> None:
    columns = [pa.array([1, 0, 1, 0]), pa.array(["a", "z", None, "a"])]
    assert rank_codes(columns).tolist() == [3, 1, 2, 0]
