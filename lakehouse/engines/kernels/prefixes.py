"""The n-th greatest of what came so far, for many moments at once.

A wavelet matrix (Claude, Navarro and Ordóñez, The wavelet matrix, 2015): from the highest bit to
the lowest, values are parted into those without the bit and those with it, each in their order,
and a range of values is found again by counting. So n values of b bits and m questions cost
(n + m) * b, whatever n-th is asked for.
"""

from __future__ import annotations

import numpy as np

from lakehouse.engines.kernels.ordering import Int64, prefix_sum


def nth_greatest(values: Int64, sizes: Int64, n: int) -> Int64:
    """Return for each size the n-th greatest of the first so many values, -1 where they are fewer.

    `values` are 0 or more, n is 1 or more.

    >>> nth_greatest(np.array([3, 0, 4, 1]), np.array([0, 1, 2, 3, 4]), 2).tolist()
    [-1, -1, 0, 3, 3]
    """
    found = np.full(len(sizes), -1)
    enough = np.flatnonzero(sizes >= n)
    if not len(enough):
        return found
    low, high = np.zeros(len(enough), dtype=np.int64), sizes[enough]
    rank = np.full(len(enough), n - 1)
    chosen = np.zeros(len(enough), dtype=np.int64)
    for bit in reversed(range(int(values.max()).bit_length())):
        with_bit = (values >> bit & 1).astype(np.bool_)
        without = prefix_sum(1 - with_bit.astype(np.int64))
        low_without, high_without = without[low], without[high]
        greater = high - low - (high_without - low_without)
        up = rank < greater
        chosen |= up.astype(np.int64) << bit
        rank -= np.where(up, 0, greater)
        low = np.where(up, without[-1] + low - low_without, low_without)
        high = np.where(up, without[-1] + high - high_without, high_without)
        values = np.concatenate((values[~with_bit], values[with_bit]))
    found[enough] = chosen
    return found
