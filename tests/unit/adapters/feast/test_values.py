"""Values between Feast's types and the declared kinds."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest
from feast.type_map import feast_value_type_to_python_type
from feast.types import Array

from lakehouse.adapters.feast.values import (
    FEAST_TYPES,
    feast_type,
    feature_proto,
    from_proto,
    parsed,
    to_proto,
)
from lakehouse.declare.features import Feature
from lakehouse.errors import LakehouseError

AT = datetime(2024, 3, 15, 12, 0, 0, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("kind", "given", "wanted"),
    [
        ("string", "", ""),
        ("string", 12, "12"),
        ("int", np.int64(3), 3),
        ("int", 3.0, 3),
        ("decimal", 0.1, Decimal("0.10")),
        ("decimal", "129.9", Decimal("129.90")),
        ("decimal", 7, Decimal("7.00")),
        ("float", 1, 1.0),
        ("bool", np.True_, True),
        ("timestamp", AT.isoformat(), AT),
        ("timestamp", AT.replace(tzinfo=None), AT),
        ("timestamp", pd.Timestamp(AT).tz_convert("Asia/Tokyo"), AT),
        ("timestamp", 0, datetime(1970, 1, 1, tzinfo=UTC)),
        ("date", "2024-02-29", date(2024, 2, 29)),
        ("int", None, None),
        ("decimal", float("nan"), None),
        ("timestamp", pd.NaT, None),
    ],
)
def test_what_fits_is_taken(kind: Any, given: Any, wanted: Any) -> None:
    found = parsed(kind, 2, given, "Here")
    assert (found, type(found)) == (wanted, type(wanted))


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        ("int", 3.5),
        ("int", "x"),
        ("string", 1.5),
        ("decimal", 0.001),
        ("decimal", "much"),
        ("bool", 1),
        ("timestamp", "noon"),
        ("timestamp", True),
        ("date", 5),
    ],
)
def test_what_does_not_fit_is_refused_with_its_place(kind: Any, given: Any) -> None:
    with pytest.raises(LakehouseError, match=f"Here: .* is no {kind}"):
        parsed(kind, 2, given, "Here")


def test_values_come_back_from_feast() -> None:
    for kind, value in (
        ("string", "Ö"),
        ("int", -(2**62)),
        ("decimal", Decimal("-0.10")),
        ("float", 0.1),
        ("bool", False),
        ("date", date(2024, 2, 29)),
        ("timestamp", datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC)),
        ("timestamp", None),
    ):
        held = from_proto(to_proto(kind, value))  # type: ignore[arg-type]
        assert parsed(kind, 2, held, "Here") == value  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("string", ["Ö", ""]),
        ("int", [-(2**62), 0]),
        ("decimal", [Decimal("-0.10"), Decimal("7.00")]),
        ("float", [0.1, 1e300]),
        ("bool", [False, True, False]),
        ("date", [date(2024, 2, 29), date(1969, 12, 31)]),
        ("timestamp", [datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC)]),
    ],
)
def test_lists_come_back_from_feast_in_their_order(kind: Any, values: list[Any]) -> None:
    feature = Feature(view="v", name="f_1d", kind=kind, scale=2, many=5)
    assert feast_type(feature) == Array(FEAST_TYPES[kind])
    for given in (values, values[::-1], []):
        held = feature_proto(feature, given)
        assert [parsed(kind, 2, one, "Here") for one in from_proto(held)] == given
        assert len(feast_value_type_to_python_type(held)) == len(given)
    assert from_proto(feature_proto(feature, None)) is None


def test_a_single_value_is_no_list() -> None:
    feature = Feature(view="v", name="f_1d", kind="int")
    assert feast_type(feature) == FEAST_TYPES["int"]
    assert from_proto(feature_proto(feature, 7)) == 7
