"""Served values against those of the lake's history, whole columns at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

EQUAL, MISMATCH, MISSING, EXTRA = range(4)
"""How a served value stands to history's: as it is, another one, none where history has one, and
one where history has none."""
TOLERANCE = 1e-9
"""By how much floats that were rounded on the way may differ, as a share of the greater one."""

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int8]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Compared:
    """One column compared: a code for each row, and by how much numbers differ.

    `difference` is NaN where there are no two numbers, and infinite where one is no finite number
    and the other is another.
    """

    code: Codes
    difference: Floats


def compare(
    served: Any, history: Any, unfit: Mask | None = None, tolerance: float = 0.0
) -> Compared:
    """Compare two Arrow arrays of one type, row by row.

    Null is equal to null alone and NaN to NaN; lists are compared value by value. Floats are equal
    that differ by no more than `tolerance` of the greater one, all else only if it is exactly so.
    `unfit` marks served values that are of another type, and null in `served`: they are
    mismatches.
    """
    none, nothing = _nulls(served), _nulls(history)
    if unfit is not None:
        none = none & ~unfit
    code = np.where(none == nothing, MISMATCH, np.where(none, MISSING, EXTRA)).astype(np.int8)
    difference = _difference(served, history)
    same = _same(served, history, difference, tolerance)
    code[(code == MISMATCH) & (same | (none & nothing))] = EQUAL
    if unfit is not None:
        code[unfit] = MISMATCH
        difference[unfit] = np.nan
    return Compared(code, difference)


def _nulls(values: Any) -> Mask:
    return np.asarray(pc.is_null(values).to_numpy(zero_copy_only=False), dtype=np.bool_)


def _same(served: Any, history: Any, difference: Floats, tolerance: float) -> Mask:
    """Where both are there and the same."""
    if pa.types.is_list(served.type):
        return _same_lists(served, history, tolerance)
    exact = _mask(pc.equal(served, history))
    if not pa.types.is_floating(served.type):
        return exact
    a, b = _floats(served), _floats(history)
    both_nan = np.isnan(a) & np.isnan(b) & ~_nulls(served) & ~_nulls(history)
    with np.errstate(invalid="ignore"):  # what is no number is within no tolerance
        near = difference <= tolerance * np.maximum(np.abs(a), np.abs(b))
    return exact | both_nan | (near & np.isfinite(difference))


def _same_lists(served: Any, history: Any, tolerance: float) -> Mask:
    """Where both lists are there, of one length, with the same values in the same places."""
    long = _mask(pc.equal(pc.list_value_length(served), pc.list_value_length(history)))
    alike = pa.array(long)
    a, b = served.filter(alike), history.filter(alike)
    values = compare(pc.list_flatten(a), pc.list_flatten(b), tolerance=tolerance).code != EQUAL
    owners = np.asarray(pc.list_parent_indices(a).to_numpy(zero_copy_only=False))
    wrong = np.bincount(owners[values], minlength=len(a)) > 0
    same = np.zeros(len(served), dtype=np.bool_)
    same[long] = ~wrong
    return same


def _difference(served: Any, history: Any) -> Floats:
    """By how much numbers differ; NaN where there are no two of them."""
    kind = served.type
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)):
        return np.full(len(served), np.nan)
    a, b = _floats(served), _floats(history)
    with np.errstate(invalid="ignore"):  # inf - inf
        difference = np.abs(a - b)
    there = ~_nulls(served) & ~_nulls(history)
    difference[there & np.isnan(difference)] = np.inf
    difference[there & ((a == b) | (np.isnan(a) & np.isnan(b)))] = 0.0
    difference[~there] = np.nan
    return difference


def _floats(numbers: Any) -> Floats:
    """Numbers as float64; null as NaN."""
    held = numbers.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    return np.array(held, dtype=np.float64)


def _mask(values: Any) -> Mask:
    return np.asarray(pc.fill_null(values, False).to_numpy(zero_copy_only=False), dtype=np.bool_)
