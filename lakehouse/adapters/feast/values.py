"""Values between Feast's types and the declared kinds.

Feast keeps times in whole seconds and has no dates; amounts are exact in both. A date is text
there, as 2026-01-31.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from feast.protos.feast.types.Value_pb2 import Value
from feast.types import Array, Bool, Float64, Int64, PrimitiveFeastType, String, UnixTimestamp
from feast.types import Decimal as FeastDecimal

from lakehouse.declare.features import Feature
from lakehouse.errors import LakehouseError
from lakehouse.language.kinds import Kind

FEAST_TYPES: dict[Kind, PrimitiveFeastType] = {
    "string": String,
    "int": Int64,
    "decimal": FeastDecimal,
    "float": Float64,
    "bool": Bool,
    "timestamp": UnixTimestamp,
    "date": String,
}
_NOTHING = Value()


def feast_type(feature: Feature) -> PrimitiveFeastType | Array:
    """The Feast type of a feature: of its kind, or a list of it where it is many."""
    kind = FEAST_TYPES[feature.kind]
    return kind if feature.many is None else Array(kind)


def feature_proto(feature: Feature, value: Any) -> Value:
    """A feature's value as Feast carries it; an empty list is a list, and not null."""
    if feature.many is None or value is None:
        return to_proto(feature.kind, value)
    field = _FIELDS[feature.kind]
    found = Value()
    listed = getattr(found, f"{field}_list_val")
    listed.SetInParent()
    listed.val.extend(getattr(to_proto(feature.kind, one), f"{field}_val") for one in value)
    return found


def to_proto(kind: Kind, value: Any) -> Value:
    """A value of a kind as Feast carries it; null is a value without content."""
    return _NOTHING if value is None else _WRITERS[kind](value)


_FIELDS: dict[Kind, str] = {
    "string": "string",
    "int": "int64",
    "decimal": "decimal",
    "float": "double",
    "bool": "bool",
    "timestamp": "unix_timestamp",
    "date": "string",
}
_WRITERS: dict[Kind, Callable[[Any], Value]] = {
    "string": lambda v: Value(string_val=v),
    "int": lambda v: Value(int64_val=v),
    "decimal": lambda v: Value(decimal_val=str(v)),
    "float": lambda v: Value(double_val=v),
    "bool": lambda v: Value(bool_val=v),
    "timestamp": lambda v: Value(unix_timestamp_val=math.floor(v.timestamp())),
    "date": lambda v: Value(string_val=v.isoformat()),
}


def from_proto(value: Value) -> Any:
    """What a Feast value holds, in plain Python; a time is whole seconds since 1970."""
    held = value.WhichOneof("val")
    if held is None:
        return None
    found = getattr(value, held)
    return list(found.val) if held.endswith("_list_val") else found


def parsed(kind: Kind, scale: int | None, value: Any, where: str) -> Any:
    """A value as notebooks, JSON and Feast hold it, as one of a declared kind.

    Null, NaN and NaT are null. Raises LakehouseError for what does not fit.
    """
    if value is None or (value != value and kind != "float"):
        return None
    if hasattr(value, "item") and not isinstance(value, datetime):
        value = value.item()
    try:
        return _PARSERS[kind](value, scale or 0)
    except (ValueError, TypeError, InvalidOperation) as error:
        raise LakehouseError(
            f"{where}: {value!r} is no {kind} ({error}); give one that fits its declaration."
        ) from error


def _text(value: Any, _scale: int) -> str:
    if isinstance(value, bool | float):
        raise TypeError(f"it is a {type(value).__name__}")
    return str(value)


def _whole(value: Any, _scale: int) -> int:
    number = int(value)
    if not isinstance(value, str) and number != value:
        raise ValueError("it is not whole")
    return number


def _amount(value: Any, scale: int) -> Decimal:
    amount = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    rounded = amount.quantize(Decimal(1).scaleb(-scale))
    if rounded != amount:
        raise ValueError(f"it has more than {scale} digits after its point")
    return rounded


def _truth(value: Any, _scale: int) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"it is a {type(value).__name__}")
    return value


def _time(value: Any, _scale: int) -> datetime:
    if isinstance(value, bool):
        raise TypeError("it is a bool")
    if isinstance(value, int):
        return datetime.fromtimestamp(value, UTC)
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    if hasattr(value, "to_pydatetime"):
        value = value.to_pydatetime(warn=False)
    aware: datetime = value if value.tzinfo is not None else value.replace(tzinfo=UTC)
    return aware.astimezone(UTC)


def _day(value: Any, _scale: int) -> date:
    if isinstance(value, str):
        return date.fromisoformat(value)
    if isinstance(value, datetime):
        return value.date()
    if not isinstance(value, date):
        raise TypeError(f"it is a {type(value).__name__}")
    return value


_PARSERS: dict[Kind, Callable[[Any, int], Any]] = {
    "string": _text,
    "int": _whole,
    "decimal": _amount,
    "float": lambda value, _scale: float(value),
    "bool": _truth,
    "timestamp": _time,
    "date": _day,
}
