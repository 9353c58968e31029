"""One digest for equal rows, another for any difference."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest

from lakehouse.errors import LakehouseError
from lakehouse.zones.digest import digest

AT = datetime(2018, 4, 1, 6, 30, 0, 1, tzinfo=UTC)


def table(**changed):
    columns = {
        "id": pa.array(["b", "a", "c"]),
        "n": pa.array([1, None, -3]),
        "money": pa.array([Decimal("1.50"), None, Decimal("-0.01")], pa.decimal128(18, 2)),
        "x": pa.array([0.5, float("nan"), None]),
        "flag": pa.array([True, None, False]),
        "day": pa.array([date(2018, 4, 1), None, date(1969, 12, 31)]),
        "at": pa.array([AT, None, AT], pa.timestamp("us", tz="UTC")),
    }
    return pa.table(columns | changed)


COLUMNS = table().column_names


def of(found, columns=COLUMNS):
    return digest(found, ["id"], columns)


def test_order_chunks_and_slices_make_no_difference():
    rows = table()
    chunked = pa.concat_tables([rows.slice(1, 2), rows.slice(0, 1)])
    assert of(chunked) == of(rows)
    assert of(pa.concat_tables([rows, rows]).slice(3)) == of(rows)
    assert of(rows.select(COLUMNS[::-1])) == of(rows)


@pytest.mark.parametrize(
    "changed",
    [
        {"id": pa.array(["b", "a", "c"], pa.large_string())},
        {"id": pa.array(["b", "a", "c"]).dictionary_encode()},
        {"n": pa.array([1, None, -3], pa.int8())},
        {"money": pa.array([Decimal("1.50"), None, Decimal("-0.01")], pa.decimal128(10, 2))},
        {"at": pa.array([AT, None, AT], pa.timestamp("us", tz="Europe/Berlin"))},
    ],
)
def test_how_a_type_is_stored_makes_no_difference(changed):
    assert of(table(**changed)) == of(table())


@pytest.mark.parametrize(
    "changed",
    [
        {"n": pa.array([1, 0, -3])},
        {"n": pa.array([1, None, 3])},
        {"x": pa.array([0.5, None, float("nan")])},
        {"money": pa.array([Decimal("1.5"), None, Decimal("-0.1")], pa.decimal128(18, 1))},
        {"flag": pa.array([True, False, None])},
        {"day": pa.array([date(2018, 4, 2), None, date(1969, 12, 31)])},
        {"id": pa.array(["b", "a", "d"])},
    ],
)
def test_every_difference_in_a_value_counts(changed):
    assert of(table(**changed)) != of(table())


def test_neighbouring_texts_do_not_run_together():
    one = pa.table({"id": ["ab", "c"]})
    two = pa.table({"id": ["a", "bc"]})
    assert digest(one, ["id"], ["id"]) != digest(two, ["id"], ["id"])


def test_a_null_text_is_no_empty_text():
    assert digest(pa.table({"s": ["", "a"]}), [], ["s"]) != digest(
        pa.table({"s": [None, "a"]}), [], ["s"]
    )


def test_values_under_nulls_make_no_difference():
    hidden = pa.array([7, 8], mask=np.array([False, True]))
    assert digest(pa.table({"n": hidden}), ["n"], ["n"]) == digest(
        pa.table({"n": [7, None]}), ["n"], ["n"]
    )


def test_both_zeros_are_the_same():
    assert digest(pa.table({"x": [0.0]}), [], ["x"]) == digest(pa.table({"x": [-0.0]}), [], ["x"])


def test_rows_that_tie_in_the_sort_columns_are_ordered_by_the_others():
    rows = pa.table({"k": [1, 1, None, None], "v": ["a", "b", "c", "d"]})
    assert digest(rows, ["k"], ["k", "v"]) == digest(rows.take([3, 1, 0, 2]), ["k"], ["k", "v"])


def test_a_column_only_sorted_by_is_not_part_of_the_digest():
    rows = pa.table({"k": [1, 2], "v": ["a", "b"]})
    other = pa.table({"k": [5, 6], "v": ["a", "b"]})
    assert digest(rows, ["k"], ["v"]) == digest(other, ["k"], ["v"])


def test_no_rows_have_a_digest_too():
    assert of(table().slice(0, 0)) != of(table())
    assert of(table().slice(0, 0)) != of(table().slice(0, 0), COLUMNS[:1])


def test_the_digest_is_this_one_for_ever():
    assert of(table()) == "b7088133da4d7e4c057a839ff9dbbddcc6728ef6dc4f2dee9e6b0ff4ac04e5cb"


def test_an_unknown_column_and_a_nested_one_are_named():
    with pytest.raises(LakehouseError, match="no column 'idd'; did you mean 'id'"):
        digest(table(), ["idd"], COLUMNS)
    with pytest.raises(LakehouseError, match="Column 'l' of type list"):
        digest(pa.table({"l": [[1]]}), [], ["l"])
