"""Windowed features of many entities at once, their rows merged together as arrays.

One call of numpy costs as much as adding fifty numbers, and here it serves all entities.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lakehouse.declare.features import WindowedFeature
from lakehouse.engines.kernels.ordering import prefix_sum
from lakehouse.features.aggregates import form_of
from lakehouse.features.online.layout.slots import EVENT, KNOWN
from lakehouse.features.online.read.windows import Columns, WindowAnswers

Int64 = NDArray[np.int64]


def many_columns(
    answers: WindowAnswers, moments: Sequence[int], chunks: Sequence[Sequence[Sequence[bytes]]]
) -> Columns | None:
    """What `answers.values` gives for each moment; None where that has to be asked one by one.

    Together go functions that are made of sums, of whole numbers and amounts that fit 64 bits.
    """
    if answers.edged or answers.rows:
        return None
    if not all(_together(f) for group in answers.exact for f, _ in group.features):
        return None
    width = answers.layout.width
    joined = [b"".join(own[0]) for own in chunks]
    sizes = np.array([len(data) // (width * 8) for data in joined], dtype=np.int64)
    rows = np.frombuffer(b"".join(joined), np.int64).reshape(-1, width)
    at = np.array(moments, dtype=np.int64)
    ends = at - answers.delay_us
    entity = np.repeat(np.arange(len(sizes)), sizes)
    event, known = rows[:, EVENT].copy(), rows[:, KNOWN].copy()
    if len(rows) and (event.max() >= ends.min() or known.max() > at.min()):
        seen = (event < ends[entity]) & (known <= at[entity])
        rows, entity, event = rows[seen], entity[seen], event[seen]
    empty = answers.empty()
    if not len(rows):
        return {name: [value] * len(moments) for name, value in empty.items()}
    base, top = int(event.min()), int(event.max())
    span = top - base + 2
    if span * (len(sizes) + 1) >= 2**63:
        return None
    keys = entity * span + (event - base)
    numbers = np.arange(len(sizes)) * span
    high = keys.searchsorted(numbers + (span - 1))
    running = _Running(rows)
    columns: Columns = {}
    for group in answers.exact:
        reach_us = group.window.reach_us
        assert reach_us is not None  # exact to the event, a window is so long at any moment
        begins = np.clip(ends - reach_us - base, 0, span - 1)
        low = keys.searchsorted(numbers + begins)
        without_rows = np.flatnonzero(low >= high).tolist()
        for feature, _ in group.features:
            values = _values(answers, feature, running, low, high)
            if values is None:
                return None
            if feature.default is not None:
                values = [feature.default_value if value is None else value for value in values]
            for place in without_rows:
                values[place] = empty[feature.full_name]
            columns[feature.full_name] = values
    return {name: columns[name] for name in empty}


def _together(feature: WindowedFeature) -> bool:
    return form_of(feature.aggregate.function).together is not None


class _Running:
    """Running sums of the slots of rows."""

    def __init__(self, rows: Int64) -> None:
        self._rows = rows
        self._sums: dict[int, Int64 | None] = {}

    def sums(self, place: int) -> Int64 | None:
        """A slot's running sums from 0 on; None where one may not fit 64 bits."""
        if place not in self._sums:
            values = self._rows[:, place].copy()
            largest = max(int(values.max()), -int(values.min()))
            fits = largest * len(values) < 2**63
            self._sums[place] = prefix_sum(values) if fits else None
        return self._sums[place]


def _values(
    answers: WindowAnswers, feature: WindowedFeature, running: _Running, low: Int64, high: Int64
) -> list[Any] | None:
    slots, places = answers.slots_and_places(feature)
    if any(slot.real for slot in slots):
        return None
    totals = []
    for slot, place in zip(slots, places, strict=True):
        if slot.counts_all:
            totals.append((high - low).tolist())
            continue
        sums = running.sums(place)
        if sums is None:
            return None
        totals.append((sums[high] - sums[low]).tolist())
    together = form_of(feature.aggregate.function).together
    return None if together is None else together(feature, slots[0], *totals)
