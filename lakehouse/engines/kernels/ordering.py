"""Pairs of (entity, time) in one sorted integer key, and how many lie before a moment.

All point-in-time kernels rest on this one question. Asked with moments that are sorted too, a
binary search answers some thirty million of them a second.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from lakehouse.errors import LakehouseError

Int64 = NDArray[np.int64]
Bool = NDArray[np.bool_]

TIME_LIMIT = 2**60
"""Times and durations stay below this many microseconds (36,000 years): none of their sums wrap."""
FOREVER = 2**62
"""Later than every time, and earlier with a minus; farther than any sum of two."""

_CODE_LIMIT = 2**31
_KEY_LIMIT = 2**63
_BLOCK = 2048


class KernelInputError(LakehouseError):
    """Arrays given to a kernel do not fit together, or lie outside what it can hold."""


class Axis:
    """A way to write (entity, time) as one integer that sorts as the pair does.

    The key is `entity * span + offset`, where the offset of a time is its distance from the
    earliest one. Where that would not fit 64 bits, it is the rank of the time among all times:
    slower to find, never too large.

    >>> axis = Axis(np.array([0, 1]), np.array([100, 140]))
    >>> axis.keys(np.array([0, 0, 1]), np.array([-7, 140, 120])).tolist()
    [0, 40, 62]
    """

    def __init__(self, entity: Int64, time: Int64) -> None:
        self._top = int(entity.max(initial=-1)) + 1
        self._base = int(time.min()) if len(time) else 0
        self._span = (int(time.max()) - self._base + 2) if len(time) else 1
        self._distinct: Int64 | None = None
        if (self._top + 1) * self._span >= _KEY_LIMIT:
            self._distinct = np.unique(time)
            self._span = len(self._distinct) + 1

    def keys(self, entity: Int64, time: Int64) -> Int64:
        """Return the keys of pairs; a time beyond the axis gets the key of its nearest end.

        An entity of -1 sorts before every other, one that the axis does not know after them.
        """
        if self._distinct is None:
            keys = time - self._base
            np.clip(keys, 0, self._span - 1, out=keys)
        else:
            keys = np.searchsorted(self._distinct, time).astype(np.int64, copy=False)
        first_of_entity = np.minimum(entity, self._top)
        first_of_entity *= self._span
        keys += first_of_entity
        return keys


class SortedPairs:
    """Sorted (entity, time) pairs.

    >>> _, pairs = sort_pairs(np.array([0, 1, 0]), np.array([9, 5, 5]))
    >>> pairs.before(np.array([0, 0, 1, -1]), np.array([5, 6, 99, 99])).tolist()
    [0, 1, 3, 0]
    """

    def __init__(self, axis: Axis, keys: Int64) -> None:
        self._axis = axis
        self._keys = keys

    def before(self, entity: Int64, time: Int64) -> Int64:
        """Return for each (entity, time) asked how many of the pairs are smaller."""
        asked = self._axis.keys(entity, time)
        if len(asked) <= _BLOCK or not _ascending(asked):
            return np.searchsorted(self._keys, asked).astype(np.int64, copy=False)
        # Ordered questions have ordered answers: each block of them searches the few keys between
        # its own first answer and the next block's, which stay in the processor's cache.
        found = np.empty(len(asked), dtype=np.int64)
        bounds = [*np.searchsorted(self._keys, asked[::_BLOCK]).tolist(), len(self._keys)]
        for number, (low, high) in enumerate(pairwise(bounds)):
            block = slice(number * _BLOCK, (number + 1) * _BLOCK)
            found[block] = self._keys[low:high].searchsorted(asked[block])
            found[block] += low
        return found


def sort_pairs(entity: Int64, time: Int64, *ties: Int64) -> tuple[Int64, SortedPairs]:
    """Return the stable order by entity, time, and then each of `ties`, and the sorted pairs.

    numpy sorts plain integers several times faster than it finds their order. So each pair's row
    number is written into the low bits of its key, in place of bits of the time where there is no
    room, and what that leaves tied, mostly nothing, is ordered by all there is to know.

    >>> order, _ = sort_pairs(np.array([1, 0, 1, 0]), np.array([5, 9, 3, 2]))
    >>> order.tolist()
    [3, 1, 2, 0]
    """
    axis = Axis(entity, time)
    keys = axis.keys(entity, time)
    if not len(keys):
        return np.arange(0), SortedPairs(axis, keys)
    row_bits = len(keys).bit_length()
    key_bits = max(int(keys.max()), -int(keys.min())).bit_length()
    dropped = max(0, key_bits + row_bits - 63)
    packed = (keys >> dropped) << row_bits
    packed |= np.arange(len(keys))
    packed.sort()
    order: Int64 = packed & ((1 << row_bits) - 1)
    if dropped or ties:
        packed >>= row_bits
        same = packed[1:] == packed[:-1]
        tied = np.flatnonzero(np.append(same, False) | np.append(False, same))
        rows = order[tied]
        order[tied] = rows[np.lexsort((*(tie[rows] for tie in reversed(ties)), keys[rows]))]
    return order, SortedPairs(axis, keys[order])


def as_codes(name: str, values: NDArray[np.generic]) -> Int64:
    """Return entity codes as int64; refuse other types, and codes that are not small numbers."""
    codes = _as_int64(name, values)
    if len(codes) and (int(codes.min()) < -1 or int(codes.max()) >= _CODE_LIMIT):
        raise KernelInputError(
            f"{name} holds codes from {codes.min()} to {codes.max()}: number the entities "
            f"0, 1, 2, … and write -1 for an unknown one."
        )
    return codes


def as_times(name: str, values: NDArray[np.generic], length: int) -> Int64:
    """Return times as int64 microseconds; refuse other types, lengths and far times."""
    times = _as_int64(name, values)
    if len(times) != length:
        raise KernelInputError(
            f"{name} has {len(times)} values where there are {length} entity codes: "
            "give one for each row."
        )
    if length and max(int(times.max()), -int(times.min())) >= TIME_LIMIT:
        raise KernelInputError(
            f"{name} reaches from {times.min()} to {times.max()}: give UTC microseconds since "
            f"1970 within ±{TIME_LIMIT} (36,000 years)."
        )
    return times


def prefix_sum(values: Int64) -> Int64:
    """Return running sums that begin with 0, so that `p[hi] - p[lo]` sums `values[lo:hi]`.

    They wrap at 64 bits, and their differences unwrap again.
    """
    sums = np.zeros(len(values) + 1, dtype=np.int64)
    np.cumsum(values, out=sums[1:])
    return sums


def _as_int64(name: str, values: NDArray[np.generic]) -> Int64:
    if values.ndim != 1 or not np.can_cast(values.dtype, np.int64, casting="safe"):
        raise KernelInputError(
            f"{name} is an array of {values.dtype} with {values.ndim} dimensions: "
            "give one dimension of int64 (times as microseconds, `.astype('int64')`)."
        )
    return values.astype(np.int64, copy=False)


def _ascending(values: Int64) -> bool:
    return bool((values[1:] >= values[:-1]).all())
