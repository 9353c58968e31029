"""The Arrow type of each declared kind of column, the same in every engine."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pyarrow as pa

from lakehouse.declare.contract import Column
from lakehouse.declare.features import Feature
from lakehouse.language.kinds import MAX_DECIMAL_PRECISION, Kind

MICROSECONDS = pa.timestamp("us", tz="UTC")
"""Every time in the lake: microseconds of UTC."""

_TYPES: dict[Kind, Any] = {
    "string": pa.string(),
    "int": pa.int64(),
    "float": pa.float64(),
    "bool": pa.bool_(),
    "timestamp": MICROSECONDS,
    "date": pa.date32(),
}


def arrow_type(kind: Kind, scale: int | None = None) -> Any:
    """Return the Arrow type of a declared kind; decimals have 18 digits.

    >>> arrow_type("decimal", 2), arrow_type("int")
    (Decimal128Type(decimal128(18, 2)), DataType(int64))
    """
    if kind == "decimal":
        return pa.decimal128(MAX_DECIMAL_PRECISION, scale)
    return _TYPES[kind]


def feature_type(feature: Feature) -> Any:
    """Return the Arrow type that a feature has in an answer: a list of its kind where it is many.

    >>> feature_type(Feature(view="v", name="shops_1d", kind="int", many=5))
    ListType(list<item: int64>)
    """
    kind = arrow_type(feature.kind, feature.scale)
    return kind if feature.many is None else pa.list_(kind)


def arrow_schema(columns: Iterable[Column]) -> Any:
    """Return the Arrow schema of declared columns, in their order."""
    return pa.schema([(c.name, arrow_type(c.kind, c.scale)) for c in columns])
