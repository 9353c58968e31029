"""Values that the service logged as JSON, as Arrow arrays."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

ABSENT: Any = msgspec.UNSET
"""Stands where a JSON object does not have a name; null is a value."""
_NOT_NUMBERS = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}
"""How a log writes the floats that JSON has no number for."""

Mask = npt.NDArray[np.bool_]


def values_by_name(
    texts: Sequence[str], names: Sequence[str]
) -> tuple[dict[str, Sequence[Any]], Mask]:
    """Read the values of these names from JSON objects, and which texts are no JSON object.

    A value is what JSON has: int, float, str, bool, None, list. ABSENT stands where an object
    lacks the name, and for every name of a text that is no object.

    >>> values_by_name(['{"a": 1}', '{"b": null}', 'a'], ["a", "b"])
    ({'a': (1, UNSET, UNSET), 'b': (UNSET, None, UNSET)}, array([False, False,  True]))
    """
    fields = [f"f{number}" for number in range(len(names))]
    struct = msgspec.defstruct(
        "Values",
        [(field, Any, ABSENT) for field in fields],
        rename=dict(zip(fields, names, strict=True)),
        gc=False,
    )
    decode = msgspec.json.Decoder(struct).decode
    nothing = struct()
    broken = np.zeros(len(texts), dtype=np.bool_)
    rows = []
    for number, text in enumerate(texts):
        try:
            rows.append(decode(text))
        except msgspec.DecodeError:
            rows.append(nothing)
            broken[number] = True
    columns = [tuple(map(attrgetter(field), rows)) for field in fields]
    return dict(zip(names, columns, strict=True)), broken


def as_array(values: Sequence[Any], kind: Any) -> tuple[Any, Mask]:
    """Logged values as an Arrow array of a type, and which do not fit it; null stands for those.

    Decimals, times and dates are text in JSON, and so are the floats that are no numbers.

    >>> as_array(["1.50", None, "x"], pa.decimal128(18, 2))[0].to_pylist()
    [Decimal('1.50'), None, None]
    """
    unfit = np.zeros(len(values), dtype=np.bool_)
    try:
        return _array(values, kind), unfit
    except _UNFIT:
        pass
    fitting = []
    for number, value in enumerate(values):
        try:
            _array([value], kind)
            fitting.append(value)
        except _UNFIT:
            fitting.append(None)
            unfit[number] = True
    return _array(fitting, kind), unfit


class _Unfit(Exception):
    """A value is of another type."""


_UNFIT = (_Unfit, pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError)


def _array(values: Sequence[Any], kind: Any) -> Any:
    if pa.types.is_list(kind):
        return _lists(values, kind)
    if pa.types.is_floating(kind) and any(type(v) is str for v in values):
        values = [_NOT_NUMBERS.get(v, v) if type(v) is str else v for v in values]
    array = pa.array(values)
    if not pa.types.is_null(array.type) and not _allowed(kind)(array.type):
        raise _Unfit
    return array.cast(kind)


def _lists(values: Sequence[Any], kind: Any) -> Any:
    if any(v is not None and not isinstance(v, list) for v in values):
        raise _Unfit
    lengths = [0 if v is None else len(v) for v in values]
    flat = _array([each for v in values if v is not None for each in v], kind.value_type)
    offsets = pa.array(np.concatenate([[0], np.cumsum(lengths)]), pa.int32())
    missing = pa.array([v is None for v in values], pa.bool_())
    return pa.ListArray.from_arrays(offsets, flat, mask=missing).cast(kind)


def _allowed(kind: Any) -> Callable[[Any], bool]:
    """Whether values that JSON has as another Arrow type may stand for this one."""
    if pa.types.is_boolean(kind):
        return pa.types.is_boolean  # type: ignore[no-any-return]
    if pa.types.is_integer(kind):
        return pa.types.is_integer  # type: ignore[no-any-return]
    if pa.types.is_floating(kind):
        return lambda held: pa.types.is_floating(held) or pa.types.is_integer(held)
    return pa.types.is_string  # type: ignore[no-any-return]


def present(values: Sequence[Any]) -> Mask:
    """Which values are not ABSENT."""
    return np.fromiter((v is not ABSENT for v in values), np.bool_, len(values))
