"""Rows that were pushed to a view, and what its table says of them by now.

The table has the last word: of a row that it has under the same key, at another time or of another
entity, what was pushed is taken back.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from lakehouse.declare.features import StoredView
from lakehouse.features.online.layout.row_ids import number_of
from lakehouse.features.online.layout.slots import Layout
from lakehouse.features.online.stores.protocol import Horizon, Pushed
from lakehouse.features.online.write.new_rows import NewRow, Row, RowPacker, RowText
from lakehouse.features.online.write.view_source import ViewSource

Place = tuple[bytes, int]
"""Of a pushed row the entity and the id: what the store lists it by."""


class PushedRows:
    """The rows that are listed as pushed to a view; `texts` is what numbers in them stand for."""

    def __init__(self, view: StoredView, layout: Layout) -> None:
        self._view = view
        self._packer = RowPacker(view, layout)
        self.texts = self._packer.texts
        self._text = RowText(view.of)
        # A key stands for one row, but for no key at all, or where history keeps several.
        self._one_a_key = bool(view.of.keys) and not view.of.has_history

    def read(self, row: Pushed) -> Row:
        """A pushed row by column."""
        return self._text.read(row.row)

    def packed(
        self, listed: Iterable[Pushed], horizon: Horizon, without: Collection[Place] = ()
    ) -> dict[bytes, list[NewRow]]:
        """Rows to put beside those of the table, by entity; those in `without` are not.

        Of rows from before all events are kept, `in_table` has to say which the table has: they
        are in tiles alone, where none can be told from another. Without a key to ask by they are
        left out.
        """
        since_us = horizon.of_rows if self._one_a_key else horizon.whole("event")
        found: dict[bytes, list[NewRow]] = {}
        for pushed in listed:
            if (pushed.entity, pushed.id) in without:
                continue
            row = self._packer.pack(self.read(pushed))
            if row is not None and row.event_us >= since_us:
                found.setdefault(row.entity, []).append(row)
        return found

    def by_id(self, listed: Iterable[Pushed]) -> dict[int, list[Pushed]]:
        """The rows by the number of their key; none where a key may have several rows."""
        found: dict[int, list[Pushed]] = {}
        for row in listed if self._one_a_key else ():
            found.setdefault(row.id, []).append(row)
        return found

    def in_table(self, listed: Sequence[Pushed], source: ViewSource) -> set[Place]:
        """The rows whose keys the table has."""
        if not listed or not self._one_a_key:
            return set()
        names = self._view.of.keys
        keys = dict.fromkeys(tuple(self.read(row)[name] for name in names) for row in listed)
        found = {number_of(self._packer.places.keys.joined(key)) for key in source.known_keys(keys)}
        return {(row.entity, row.id) for row in listed if row.id in found}


def in_tiles_alone(listed: Iterable[Pushed], horizon: Horizon) -> list[Pushed]:
    """The rows from before all events are kept."""
    return [row for row in listed if row.event_us < horizon.whole("event")]


def moved(pushed: Pushed, row: NewRow) -> bool:
    """Whether a row of the table stands elsewhere than the one that was pushed for it."""
    return (pushed.entity, pushed.event_us) != (row.entity, row.event_us)


def entity_key(view: StoredView, row: Mapping[str, Any]) -> tuple[Any, ...]:
    """The values of a row that say whose it is."""
    return tuple(row[name] for name in view.by.keys)
