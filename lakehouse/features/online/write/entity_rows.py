"""A view's rows put together by entity: sorted by entity and time, and cut into chunks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from lakehouse.declare.features import StoredView
from lakehouse.engines.arrow_tables import one_array
from lakehouse.features.online.layout.arrow_numbers import Bool, Int64, numbers, present
from lakehouse.features.online.layout.entity_keys import EntityKeys
from lakehouse.language.provenance import KNOWN_AT

_KEY_BITS = 63


class Cut(NamedTuple):
    """Sorted rows from `low` up to, without, `high`: some of one entity's, and their times."""

    entity: bytes
    begin: int
    until: int
    low: int
    high: int


class EntityRows:
    """The order of a table's rows by entity, event time and known time.

    `order` holds the table's row of each sorted row, `entity` its number, `event` and `known` its
    times as UTC microseconds; `keys` the entities' keys in ascending order, so that a store is
    filled from one end to the other. Rows without a key, an event time or a known time are left
    out. What has no event time happens one microsecond before it is known.
    """

    def __init__(self, view: StoredView, table: pa.Table) -> None:
        codes, self.keys = _entities(view, table)
        known = numbers(table.column(KNOWN_AT), "timestamp")
        counts = present(table.column(KNOWN_AT)) & (codes >= 0)
        if view.of.event_time is None:
            event = known - 1
        else:
            event = numbers(table.column(view.of.event_time), "timestamp")
            counts &= present(table.column(view.of.event_time))
        rows = np.flatnonzero(counts)
        self.order = rows[_order(codes[rows], event[rows], known[rows])]
        self.entity: Int64 = codes[self.order]
        self.event: Int64 = event[self.order]
        self.known: Int64 = known[self.order]

    def keep(self, rows: Bool) -> Bool:
        """Leave out all rows but these, and return them again."""
        self.order, self.entity = self.order[rows], self.entity[rows]
        self.event, self.known = self.event[rows], self.known[rows]
        return rows

    def tied(self) -> tuple[Int64, Int64]:
        """The places of rows that times do not tell apart, and numbers of what they tie with."""
        same = np.zeros(len(self.order) + 1, dtype=np.bool_)
        same[1:-1] = True
        for times in (self.entity, self.event, self.known):
            same[1:-1] &= times[1:] == times[:-1]
        tied = np.flatnonzero(same[:-1] | same[1:])
        groups = np.cumsum((~same[:-1]).astype(np.int64))  # one begins where a row is not as before
        return tied, groups[tied]


def cuts(keys: list[bytes], entity: Int64, event: Int64, most_rows: int) -> Iterator[Cut]:
    """Yield each entity's rows, so many at a time; rows of one event time stay together.

    Rows are sorted by entity and event time. With `most_rows` 1 each event time has its own.
    """
    size = len(entity)
    if not size:
        return
    place = np.arange(size)
    first = np.concatenate(([True], entity[1:] != entity[:-1]))
    since = place - np.maximum.accumulate(np.where(first, place, 0))
    fresh = first.copy()
    fresh[1:] |= event[1:] != event[:-1]
    run = np.maximum.accumulate(np.where(fresh, place, 0))  # where a row's event time begins
    starts = np.unique(run[since % most_rows == 0])
    ends = [*starts[1:].tolist(), size]
    begins, codes = event[starts].tolist(), entity[starts].tolist()
    untils = event[np.array(ends) - 1].tolist()
    for code, begin, until, low, high in zip(
        codes, begins, untils, starts.tolist(), ends, strict=True
    ):
        yield Cut(keys[code], begin, until, low, high)


def _entities(view: StoredView, table: pa.Table) -> tuple[Int64, list[bytes]]:
    """Each row's entity as a place in the sorted keys, -1 where a column of its key is null."""
    values: list[tuple[Any, ...]] = []
    codes: Int64 | None = None
    for name in view.by.keys:
        encoded = one_array(one_array(table.column(name)).dictionary_encode())
        own = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
        texts = encoded.dictionary.to_pylist()
        if codes is None:
            codes, values = own, [(text,) for text in texts]
            continue
        pairs = np.where((codes < 0) | (own < 0), -1, codes * len(texts) + own)
        found, codes = np.unique(pairs, return_inverse=True)
        missing = int(len(found) > 0 and found[0] < 0)
        codes = codes.reshape(-1) - missing
        of_pair = (divmod(pair, len(texts)) for pair in found[missing:].tolist())
        values = [(*values[before], texts[last]) for before, last in of_pair]
    written = EntityKeys.of_view(view).of
    keys = [written(value) or b"" for value in values]
    ordered = sorted(set(keys))
    place = {key: number for number, key in enumerate(ordered)}
    places = np.array([place[key] for key in keys] + [-1], dtype=np.int64)
    return places[codes], ordered  # the code -1 takes the last place


def _order(codes: Int64, event: Int64, known: Int64) -> Int64:
    """The stable order by entity, event time, known time; one key of both is quicker to sort."""
    if not len(codes):
        return np.zeros(0, dtype=np.int64)
    first = int(event.min())
    span = int(event.max()) - first + 1
    if (int(codes.max()) + 1) * span >= 2**_KEY_BITS:
        return np.lexsort((known, event, codes))
    key = codes * span + (event - first)
    order = np.argsort(key, kind="stable")
    sorted_key, sorted_known = key[order], known[order]
    tied = sorted_key[1:] == sorted_key[:-1]
    if (tied & (sorted_known[1:] < sorted_known[:-1])).any():
        return np.lexsort((known, key))
    return order
