"""Merging what several numbers together say of values: states, one array for each number.

As in `reductions`, ranges are merged in blocks of 1, 2, 4, … neighbours. A state is a named tuple
of arrays of one length, and `merged` makes one of two; a state of zeros is of no value.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from lakehouse.engines.kernels.ordering import Int64
from lakehouse.engines.kernels.reductions import bit_length

S = TypeVar("S", bound=tuple[Any, ...])
Merged = Callable[[S, S], S]


def at(states: S, places: Any) -> S:
    """Return the states in some places."""
    return _like(states, [numbers[places] for numbers in states])


def put(states: S, places: Any, others: S) -> None:
    """Set the states in some places."""
    for numbers, other in zip(states, others, strict=True):
        numbers[places] = other


def reduced(states: S, begin: Int64, end: Int64, merged: Merged[S]) -> S:
    """Return for each range the state of `states[begin:end]` together."""
    length = np.maximum(end - begin, 0)
    largest = bit_length(length)
    found, blocks = _none(states, len(length)), states
    for level in range(int(largest.max(initial=0))):
        width = 1 << level
        if level:
            half = width >> 1
            blocks = merged(at(blocks, slice(None, -half)), at(blocks, slice(half, None)))
        asked = np.flatnonzero((length & width).astype(np.bool_))
        block = begin[asked] + (length[asked] & (width - 1))
        put(found, asked, merged(at(found, asked), at(blocks, block)))
    return found


def spread(states: S, begin: Int64, end: Int64, size: int, merged: Merged[S]) -> S:
    """Return for each of `size` cells the state of those whose range covers it."""
    length = np.maximum(end - begin, 0)
    largest = bit_length(length)
    blocks = _none(states, size)
    marked = False
    for level in reversed(range(int(largest.max(initial=0)))):
        width = 1 << level
        marks = np.flatnonzero((length & width).astype(np.bool_))
        if len(marks):
            marked = True
            first = begin[marks] + (length[marks] & (width - 1))
            cells, own = _of_each_cell(first, at(states, marks), merged)
            put(blocks, cells, merged(at(blocks, cells), own))
        if level and marked:
            upper, half = slice(width >> 1, None), slice(None, -(width >> 1))
            lower = _like(blocks, [numbers.copy() for numbers in blocks])
            put(lower, upper, merged(at(blocks, upper), at(blocks, half)))
            blocks = lower
    return blocks


def _of_each_cell(cells: Int64, states: S, merged: Merged[S]) -> tuple[Int64, S]:
    """Return each cell once, with the state of all that stand in it: neighbours go in pairs."""
    order = np.argsort(cells, kind="stable")
    cells, states = cells[order], at(states, order)
    while True:
        as_before = np.append(False, cells[1:] == cells[:-1])
        if not as_before.any():
            return cells, states
        first_of_cell = np.maximum.accumulate(np.where(as_before, 0, np.arange(len(cells))))
        second = ((np.arange(len(cells)) - first_of_cell) & 1).astype(np.bool_)
        pairs = np.flatnonzero(second)
        put(states, pairs - 1, merged(at(states, pairs - 1), at(states, pairs)))
        cells, states = cells[~second], at(states, ~second)


def _none(states: S, size: int) -> S:
    return _like(states, [np.zeros(size, dtype=numbers.dtype) for numbers in states])


def _like(states: S, arrays: list[Any]) -> S:
    found: S = type(states)(*arrays)
    return found
