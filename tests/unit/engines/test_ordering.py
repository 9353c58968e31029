"""Sorting and searching (entity, time) pairs, where their keys fit 64 bits and where not."""

from __future__ import annotations

import numpy as np
import pytest

from lakehouse.engines.kernels.ordering import sort_pairs

DAY = 86_400_000_000
ROWS = 6_000


@pytest.mark.parametrize(
    ("entities", "span"),
    [
        (3, 40),  # many equal pairs
        (60_000, 200 * DAY),  # bits of the time give way to row numbers, pairs a few µs apart
        (60_000, 200_000 * DAY),  # ranks in place of times
    ],
    ids=("ties", "packed", "ranks"),
)
@pytest.mark.parametrize("known", [0, 1, 2], ids=("no ties", "one tie", "two ties"))
def test_pairs_sort_stably_by_entity_time_and_ties(entities: int, span: int, known: int) -> None:
    random = np.random.default_rng(entities)
    entity = random.integers(0, entities, ROWS)
    time = random.integers(-span // 2, span // 2, ROWS)
    entity[::2], time[::2] = entity[1::2], time[1::2] + random.integers(-2, 3, ROWS // 2)
    ties = [random.integers(0, 2, ROWS) for _ in range(known)]
    order, _ = sort_pairs(entity, time, *ties)
    assert order.tolist() == np.lexsort((*reversed(ties), time, entity)).tolist()


@pytest.mark.parametrize("entities", [1, 40, 2**30], ids=("one", "some", "ranks"))
@pytest.mark.parametrize("ordered", [True, False])
def test_search_counts_the_smaller_pairs(entities: int, ordered: bool) -> None:
    random = np.random.default_rng(entities)
    entity, asked_entity = (random.integers(0, entities, ROWS) for _ in range(2))
    asked_entity[::5] = entity[::5]
    time, asked_time = (random.integers(-DAY, DAY, ROWS) for _ in range(2))
    asked_time[::7] = time[::7]
    if ordered:
        order = np.lexsort((asked_time, asked_entity))
        asked_entity, asked_time = asked_entity[order], asked_time[order]
    _, pairs = sort_pairs(entity, time)

    both = np.concatenate((asked_entity, entity)), np.concatenate((asked_time, time))
    place = np.lexsort((both[1], both[0]))  # stable: what is asked comes before its equals
    before = np.empty(2 * ROWS, dtype=np.int64)
    before[place] = np.cumsum(place >= ROWS)
    assert pairs.before(asked_entity, asked_time).tolist() == before[:ROWS].tolist()
