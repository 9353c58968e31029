"""What a window aggregates: a column of numbers, the rows that count, and its running sums."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lakehouse.engines.kernels.index import EventIndex
from lakehouse.engines.kernels.ordering import Bool, Int64, KernelInputError, prefix_sum
from lakehouse.engines.kernels.reductions import Numbers

_INT64_LIMIT = 2**63
_MAX_SCALE = 38
_LIMB_BITS = 32
_LIMB_MASK = (1 << _LIMB_BITS) - 1


class Weights:
    """Integers to sum over ranges of the sorted events, with their running sums kept.

    What has `each_is_one` is summed by counting positions.
    """

    def __init__(self, values: Int64, *, each_is_one: bool = False) -> None:
        self.values = values
        self.each_is_one = each_is_one
        self._prefix: dict[int | None, Int64] = {}

    def prefix(self, delay: int | None = None, order: Int64 | None = None) -> Int64:
        """Return running sums in event order, or in the `order` that belongs to a `delay`."""
        if delay not in self._prefix:
            self._prefix[delay] = prefix_sum(self.values if order is None else self.values[order])
        return self._prefix[delay]


class Measure:
    """A column of an index's events, and which of its rows count.

    `values` and `where` are in the caller's row order. `values` is bool, an integer type or a
    float type; None counts rows. Fixed-point amounts are integers, scaled by 10**`scale`.
    `where` is False for a row that does not match or whose value is null; None counts all rows.
    """

    def __init__(
        self,
        index: EventIndex,
        values: NDArray[Any] | None = None,
        *,
        where: Bool | None = None,
        scale: int = 0,
    ) -> None:
        for name, column in (("values", values), ("where", where)):
            if column is not None and column.shape != (index.size,):
                raise KernelInputError(
                    f"{name} has the shape {column.shape} where the index was built from "
                    f"{index.size} events: give one value for each event."
                )
        if where is not None and where.dtype.kind != "b":
            raise KernelInputError(f"where is an array of {where.dtype}: give booleans.")
        if not 0 <= scale <= _MAX_SCALE:
            raise KernelInputError(f"A scale of {scale} is not one of 0 to {_MAX_SCALE}.")
        self.index = index
        self.scale = scale
        self.counted: Bool | None = None
        if where is not None and not where.all():
            self.counted = where[index.rows]
        self._values = None if values is None else _as_numbers(values)[index.rows]
        self._kept: dict[int | None, tuple[Numbers, Int64 | None]] = {}
        if scale and self._values is not None and self.is_float:
            raise KernelInputError(f"Floats have no scale, and this column of them has {scale}.")

    @property
    def values(self) -> Numbers:
        """The values in the order of the index, int64 or float64; undefined where not counted."""
        if self._values is None:
            raise KernelInputError("This measure counts rows and has no values: name a column.")
        return self._values

    @property
    def is_float(self) -> bool:
        """Whether sums of this measure round."""
        return bool(self.values.dtype.kind == "f")

    @cached_property
    def ones(self) -> Weights:
        """One for each row that counts."""
        if self.counted is None:
            return Weights(np.ones(len(self.index.rows), dtype=np.int64), each_is_one=True)
        return Weights(self.counted.astype(np.int64))

    @cached_property
    def limbs(self) -> tuple[Weights, ...]:
        """The integer values as weights: one column, or two that cannot wrap (low, high).

        A window's sum is exact modulo 2**64, so one column is enough if no sum can leave int64.
        Otherwise the low 32 bits and the rest are summed apart.
        """
        values: Int64 = self.values
        if self.counted is not None:
            values = np.where(self.counted, values, 0)
        largest = max(int(values.max(initial=0)), -int(values.min(initial=0)))
        if largest * len(values) < _INT64_LIMIT:
            return (Weights(values),)
        return (Weights(values & _LIMB_MASK), Weights(values >> _LIMB_BITS))

    def kept(self, delay: int | None = None) -> tuple[Numbers, Int64 | None]:
        """Return the values that count, and how many of them the first n events hold (None: n).

        With a `delay`, both are about the steady events of that delay alone.
        """
        if delay not in self._kept:
            values, counted = self.values, self.counted
            if delay is not None:
                flags = self.index.steady(delay).flags
                values = values[flags]
                counted = None if counted is None else counted[flags]
            if counted is None:
                self._kept[delay] = (values, None)
            else:
                self._kept[delay] = (values[counted], prefix_sum(counted.astype(np.int64)))
        return self._kept[delay]


def join_limbs(sums: list[Int64]) -> tuple[Int64, Bool]:
    """Return the sums of a measure's limbs as one number each, and which did not fit int64."""
    if len(sums) == 1:
        return sums[0], np.zeros(len(sums[0]), dtype=np.bool_)
    low, high = sums
    high = high + (low >> _LIMB_BITS)
    joined: Int64 = (high << _LIMB_BITS) | (low & _LIMB_MASK)
    return joined, (joined >> _LIMB_BITS) != high


def scaled_to_float(units: Int64, scale: int) -> NDArray[np.float64]:
    """Return units / 10**scale as the nearest floats, rounded once.

    Up to 2**53 units and a scale of 22 both operands are exact, and so is one division's rounding;
    beyond that Python divides the integers.

    >>> scaled_to_float(np.array([110, -1, 2**60 + 1]), 1).tolist()
    [11.0, -0.1, 1.152921504606847e+17]
    """
    if scale == 0:
        return units.astype(np.float64)
    power = 10**scale
    result: NDArray[np.float64] = units / float(power)
    inexact = np.flatnonzero((units > 2**53) | (units < -(2**53)) | (scale > 22))
    result[inexact] = [int(unit) / power for unit in units[inexact]]
    return result


def _as_numbers(values: NDArray[Any]) -> Numbers:
    if values.dtype.kind == "f":
        return values.astype(np.float64, copy=False)
    if values.dtype.kind in "biu" and np.can_cast(values.dtype, np.int64, casting="safe"):
        return values.astype(np.int64, copy=False)
    raise KernelInputError(
        f"values is an array of {values.dtype}: give booleans, integers that fit int64 "
        "(decimals scaled by a power of ten), or floats."
    )
