"""How new rows join an entity's chunks: each in its place in time, none of them twice."""

from __future__ import annotations

import math
import struct
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Literal

from lakehouse.declare.features import StoredView
from lakehouse.features.online.layout import lines
from lakehouse.features.online.layout.latest_rows import LatestRow, RowFormat
from lakehouse.features.online.layout.lines import LINE, Line
from lakehouse.features.online.layout.slots import (
    ABSENT,
    ENDING,
    ENTRY,
    EVENT,
    FIRST_SLOT,
    ID,
    KNOWN,
    Grain,
    LatestLayout,
    Slot,
    WindowLayout,
)
from lakehouse.features.online.layout.stored_numbers import ValueOverflow, float_bits
from lakehouse.features.online.stores.protocol import (
    Change,
    EntityChunks,
    OnlineStore,
    Pushed,
    Stored,
)
from lakehouse.features.online.write.new_rows import NewRow
from lakehouse.features.online.write.settling import Settling

Add = Callable[[EntityChunks, bytes, NewRow], None]
"""Adds a row to the chunks of an entity."""
MOST_BYTES = 1_800
"""A chunk that gets longer is cut in two."""


class Joining:
    """Joins rows to what a store holds of a view.

    `differing` gathers the entities of which a row was there that says otherwise, `there` the
    rows, by entity and id, that were there already, `first_seen` the entities of which nothing
    was. A row of latest values whose time and key are those of another stands beside it, and the
    greater counts; or what is there is kept, where it comes from the table; or it is replaced,
    where the row itself does. Where the table keeps history all stand beside one another.
    """

    def __init__(
        self,
        store: OnlineStore,
        stored: Stored,
        view: StoredView,
        texts: Mapping[int, bytes],
        of_one_key: Literal["beside", "kept", "replaced"] = "beside",
    ) -> None:
        self._store, self._stored, self._texts = store, stored, texts
        # The table's key comes first among latest values; with history a key has many rows.
        self._key_columns = 0 if view.of.has_history else len(view.of.keys)
        self._of_one_key = of_one_key
        self.first_seen: set[bytes] = set()
        self.differing: set[bytes] = set()
        self.there: set[tuple[bytes, int]] = set()
        layout = stored.layout
        if isinstance(layout, WindowLayout):
            self._layout = layout
            self._tile = _TileMerge(layout, self._key_of)
            self._settling = Settling(stored, layout, self._tile.merged)
        else:
            self._format = RowFormat(layout)

    def changes(self, rows: Mapping[bytes, Sequence[NewRow]]) -> dict[bytes, Change]:
        """What to do with the chunks of each entity."""
        add = self._add_latest if isinstance(self._stored.layout, LatestLayout) else self._add
        return {entity: partial(_join, add, entity, joining) for entity, joining in rows.items()}

    def settled(self, changes: Mapping[bytes, Change]) -> dict[bytes, Change]:
        """The same changes, after which what no moment needs of an entity is gone."""
        if isinstance(self._stored.layout, LatestLayout) or not self._settling.needed:
            return {**changes}

        def then_settled(change: Change) -> Change:
            def both(chunks: EntityChunks) -> None:
                change(chunks)
                self._settling.settle(chunks)

            return both

        return {entity: then_settled(change) for entity, change in changes.items()}

    def _add(self, chunks: EntityChunks, entity: bytes, row: NewRow) -> None:
        if not self._add_event(chunks, entity, row):
            return
        if row.tile is not None:
            self._add_tile(chunks, row.tile)

    def _add_event(self, chunks: EntityChunks, entity: bytes, row: NewRow) -> bool:
        """Put an event in its place; False if it is there already."""
        own = row.kept
        assert isinstance(own, bytes)
        held = chunks.holding("event", row.event_us)
        if held is None:
            if chunks.holding("event", ENDING) is None:
                self.first_seen.add(entity)
            chunks.put("event", row.event_us, row.event_us, own)
            return True
        data, width = held.payload, self._layout.width
        numbers = memoryview(data).cast("q")
        size = len(numbers) // width
        if numbers[(size - 1) * width + EVENT] < row.event_us:
            if not chunks.added("event", held, row.event_us, own):
                _put(chunks, "event", held.begin, data + own, width)
            return True
        times = numbers[EVENT::width].tolist()
        low, high = bisect_left(times, row.event_us), bisect_right(times, row.event_us)
        if row.id:
            for place in range(low, high):
                if numbers[place * width + ID] == row.id:
                    if data[place * width * 8 : (place + 1) * width * 8] != own:
                        self.differing.add(entity)
                    self.there.add((entity, row.id))
                    return False
        place = low
        while place < high and self._before(numbers, place * width, row):
            place += 1
        at = place * width * 8
        _put(chunks, "event", held.begin, data[:at] + own + data[at:], width)
        return True

    def _before(self, numbers: memoryview, at: int, row: NewRow) -> bool:
        """Whether a stored row of the same event time comes before a new one."""
        known = numbers[at + KNOWN]
        if known != row.known_us or not self._layout.ordered:
            return bool(known <= row.known_us)
        return self._key_of(numbers[at + ID]) < row.key

    def _key_of(self, number: int) -> bytes:
        found = self._texts.get(number)
        return self._store.texts(self._stored, [number])[number] if found is None else found

    def _add_tile(self, chunks: EntityChunks, tile: list[int]) -> None:
        layout = self._layout
        width, form = layout.tile_width, f"<{layout.tile_width}q"
        held = chunks.holding("tile", tile[EVENT])
        if held is None:
            chunks.put("tile", tile[EVENT], tile[EVENT], struct.pack(form, *tile))
            return
        numbers = memoryview(held.payload).cast("q")
        rows = len(numbers) // width
        place = rows
        asked = (tile[EVENT], tile[KNOWN])
        while place:
            at = (place - 1) * width
            times = (numbers[at + EVENT], numbers[at + KNOWN])
            if times < asked:
                break
            place -= 1
            if times == asked:
                merged = self._tile.merged(numbers[at : at + width].tolist(), tile)
                data = held.payload[: at * 8] + struct.pack(form, *merged)
                data += held.payload[(at + width) * 8 :]
                chunks.put("tile", held.begin, max(numbers[(rows - 1) * width], tile[EVENT]), data)
                return
        at, own = place * width * 8, struct.pack(form, *tile)
        later = place == rows and numbers[(rows - 1) * width] < tile[EVENT]
        if later and chunks.added("tile", held, tile[EVENT], own):
            return
        data = held.payload[:at] + own + held.payload[at:]
        _put(chunks, "tile", held.begin, data, width)

    def _add_latest(self, chunks: EntityChunks, entity: bytes, row: NewRow) -> None:
        """Put a row among those of its event time, in the order in which they count."""
        new = row.kept
        assert isinstance(new, LatestRow)
        held = chunks.holding("event", row.event_us)
        if held is None or held.begin != row.event_us:
            if held is None and chunks.holding("event", ENDING) is None:
                self.first_seen.add(entity)
            chunks.put("event", row.event_us, new.known_us, self._format.pack([new]))
            return
        rows = self._format.rows(held.payload)
        if any(other.order == new.order for other in rows):
            self.there.add((entity, row.id))
            return
        if self._key_columns and self._of_one_key != "beside":
            size = self._key_columns
            others = [other for other in rows if other.values[:size] != new.values[:size]]
            if len(others) < len(rows) and self._of_one_key == "kept":
                self.there.add((entity, row.id))
                return
            rows = others
        rows = sorted([*rows, new], key=lambda one: one.order)
        chunks.put("event", row.event_us, rows[-1].known_us, self._format.pack(rows))


def _join(add: Add, entity: bytes, rows: Sequence[NewRow], chunks: EntityChunks) -> None:
    for row in rows:
        add(chunks, entity, row)
        if row.text is not None:
            chunks.list_pushed(Pushed(entity, row.event_us, row.id, row.text))


def _put(chunks: EntityChunks, grain: Grain, begin: int, data: bytes, width: int) -> None:
    """Put a chunk, or two if it is too long; rows of one event time stay together."""
    numbers = memoryview(data).cast("q")
    until = numbers[len(numbers) - width]
    if len(data) <= MOST_BYTES:
        chunks.put(grain, begin, until, data)
        return
    times = numbers[EVENT::width].tolist()
    # Streams add at the end: what is full stays full.
    cut = bisect_left(times, times[-max(len(times) // 4, 1)])
    if cut == 0:
        cut = bisect_right(times, times[0])
    if cut == len(times):
        chunks.put(grain, begin, until, data)
        return
    chunks.put(grain, begin, times[cut - 1], data[: cut * width * 8])
    chunks.put(grain, times[cut], until, data[cut * width * 8 :])


class _TileMerge:
    """Merges two rows of one tile that are known together."""

    def __init__(self, layout: WindowLayout, key_of: Callable[[int], bytes]) -> None:
        self._slots = [(layout.tile_place(slot), slot) for slot in layout.tile_slots]
        self._layout, self._key_of = layout, key_of

    def merged(self, one: list[int], other: list[int]) -> list[int]:
        found = one[:FIRST_SLOT]
        for place, slot in self._slots:
            if slot.merged in ("earliest", "latest"):
                found += self._entries(slot, one, other, place)
            elif slot.merged == "squares":
                found.append(self._squares(slot, one, other, place))
            elif slot.merged == "line":
                own, new = (Line.of_numbers(row[place : place + LINE]) for row in (one, other))
                found += lines.merged(own, new).numbers()
            else:
                found.append(_merged(slot, one[place], other[place]))
        return found

    def _squares(self, slot: Slot, one: list[int], other: list[int], place: int) -> int:
        """Chan, Golub and LeVeque's update of the sum of squares of two sets' distances."""
        places = {(s.merged, s.column, s.where): (at, s) for at, s in self._slots}
        counted, _ = places["count", slot.column, slot.where]
        summed, of = places["sum", slot.column, slot.where]
        counts = one[counted], other[counted]
        total = _real(one[place]) + _real(other[place])
        if all(counts):
            sums = [_real(row[summed]) if of.real else row[summed] for row in (one, other)]
            apart = sums[1] / counts[1] - sums[0] / counts[0]
            total += apart * apart * counts[0] * counts[1] / sum(counts)
        return float_bits(total)

    def _entries(self, slot: Slot, one: list[int], other: list[int], place: int) -> list[int]:
        entries = []
        for row in (one, other):
            held = row[place : place + slot.width]
            entries += [held[at : at + ENTRY] for at in range(0, len(held), ENTRY)]
        entries = [entry for entry in entries if entry[EVENT] != ABSENT]
        entries.sort(key=lambda e: (e[EVENT], e[KNOWN]))
        times = [(e[EVENT], e[KNOWN]) for e in entries]
        if len(set(times)) < len(times):
            entries.sort(key=lambda e: (e[EVENT], e[KNOWN], self._key_of(e[ID])))
        if slot.merged == "latest":
            entries.reverse()
        kept = entries[: slot.many]
        flat = [number for entry in kept for number in entry]
        return flat + ([ABSENT] + [0] * (ENTRY - 1)) * (slot.many - len(kept))


def _merged(slot: Slot, one: int, other: int) -> int:
    if slot.real:
        a, b = _real(one), _real(other)
        if slot.merged == "sum":
            return float_bits(a + b)
        if slot.merged == "min":  # NaN loses to all
            return float_bits(b if a != a else a if b != b else min(a, b))
        return float_bits(math.nan if a != a or b != b else max(a, b))
    if slot.merged == "min":
        return min(one, other)
    if slot.merged == "max":
        return max(one, other)
    total = one + other
    if not -(2**63) <= total < 2**63:
        raise ValueOverflow(
            f"Amounts of '{slot.column}' cannot be summed over a tile in 64 bits; declare the "
            "column with a smaller scale, or as a float."
        )
    return total


def _real(bits: int) -> float:
    value: Any = struct.unpack("<d", struct.pack("<q", bits))[0]
    return float(value)
