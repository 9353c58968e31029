"""Chunks of whole rows, as the online store keeps them for views of latest values.

A chunk holds an entity's rows of one event time, mostly one row. It is 64-bit numbers, then texts:
how many rows there are; for each text column, what turns the places in its rows into places in the
chunk; the rows, in the order in which they count. A row is its event time, its known time, bits
that tell nulls, and its values, a text by where it begins and where it ends.
"""

from __future__ import annotations

import struct
from bisect import bisect_left
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from lakehouse.features.online.layout.slots import EVENT, KNOWN, LatestLayout
from lakehouse.features.online.layout.stored_numbers import reader, writer

FIRST_SLOT = 2
"""Where what follows a row's times begins."""
BITS = 63
"""Nulls told by one number; its sign stays out of it."""


class RowFormat:
    """Where everything lies in a chunk of this layout.

    `places` is of each column its place in a row, `text_places` of each text column its place in
    the chunk's header, `width` and `header` how many numbers a row and the header have.
    """

    def __init__(self, layout: LatestLayout) -> None:
        self.columns = layout.columns
        self.null_words = -(-len(layout.columns) // BITS)
        self.places: list[int] = []
        self.text_places: dict[str, int] = {}
        self.width = FIRST_SLOT + self.null_words
        for column in layout.columns:
            self.places.append(self.width)
            self.width += 2 if column.kind == "string" else 1
            if column.kind == "string":
                self.text_places[column.name] = 1 + len(self.text_places)
        self.header = 1 + len(self.text_places)
        self._read = [self._reader(number) for number in range(len(layout.columns))]
        self._write = [
            None if c.kind == "string" else writer(c.kind, c.scale) for c in layout.columns
        ]

    @staticmethod
    def null_bit(number: int) -> tuple[int, int]:
        """The word of a row, and the bit in it, set where a column is null."""
        return FIRST_SLOT + number // BITS, number % BITS

    def last_visible(self, chunk: bytes, at_us: int) -> StoredRow | None:
        """The last row that has happened before a moment and is known at it."""
        numbers = memoryview(chunk).cast("q")
        width, begin = self.width, self.header
        events = numbers[begin + EVENT : begin + numbers[0] * width : width]
        place = begin + (bisect_left(events, at_us) - 1) * width
        while place >= begin:
            if numbers[place + KNOWN] <= at_us:
                return StoredRow(chunk, numbers, place)
            place -= width
        return None

    def rows(self, chunk: bytes) -> list[LatestRow]:
        """A chunk's rows, in the order in which they count."""
        numbers = memoryview(chunk).cast("q")
        found = []
        for count in range(numbers[0]):
            row = StoredRow(chunk, numbers, self.header + count * self.width)
            values = [self.value(row, number) for number in range(len(self.columns))]
            found.append(LatestRow(*row.times, values))
        return found

    def pack(self, rows: Sequence[LatestRow]) -> bytes:
        """Rows, in the order in which they count, as a chunk; raises NotStorable."""
        header = [len(rows)]
        packed = [[row.event_us, row.known_us] + [0] * (self.width - 2) for row in rows]
        place = (self.header + len(rows) * self.width) * 8
        texts = []
        for number, (column, write) in enumerate(zip(self.columns, self._write, strict=True)):
            at, (word, bit) = self.places[number], self.null_bit(number)
            begin = end = 0
            for row, own in zip(rows, packed, strict=True):
                value = row.values[number]
                if value is None:
                    own[word] |= 1 << bit
                elif write is not None:
                    own[at] = write(value)
                if column.kind == "string":
                    text = b"" if value is None else str(value).encode()
                    end = begin + len(text)
                    own[at], own[at + 1] = begin, end
                    texts.append(text)
                    begin = end
            if column.kind == "string":
                header.append(place)
                place += end
        numbers = [*header, *(number for own in packed for number in own)]
        return padded(struct.pack(f"<{len(numbers)}q", *numbers) + b"".join(texts))

    def value(self, row: StoredRow, number: int) -> Any:
        """A column's value in a row."""
        word, bit = self.null_bit(number)
        if row.numbers[row.place + word] >> bit & 1:
            return None
        return self._read[number](row)

    def _reader(self, number: int) -> Callable[[StoredRow], Any]:
        column, place = self.columns[number], self.places[number]
        if column.kind == "string":
            text_place = self.text_places[column.name]

            def text(row: StoredRow) -> str:
                first = row.numbers[text_place]
                begin, end = row.numbers[row.place + place], row.numbers[row.place + place + 1]
                return row.chunk[first + begin : first + end].decode()

            return text
        convert = reader(column.kind, column.scale)
        return lambda row: convert(row.numbers[row.place + place])


class LatestRow(NamedTuple):
    """A row as it is packed: its times, and its values in the layout's order."""

    event_us: int
    known_us: int
    values: list[Any]

    @property
    def order(self) -> tuple[Any, ...]:
        """What orders rows: times, then values, null least, NaN greater than every number."""
        return self.event_us, self.known_us, [_ordered(value) for value in self.values]


def _ordered(value: Any) -> tuple[bool, bool, Any]:
    return value is not None, value != value, 0 if value is None or value != value else value


class StoredRow:
    """One row of a chunk, and where it lies."""

    __slots__ = ("chunk", "numbers", "place")

    def __init__(self, chunk: bytes, numbers: memoryview, place: int) -> None:
        self.chunk, self.numbers, self.place = chunk, numbers, place

    @property
    def event_us(self) -> int:
        return int(self.numbers[self.place + EVENT])

    @property
    def times(self) -> tuple[int, int]:
        """Event time and known time, which say how rows follow one another."""
        return self.event_us, int(self.numbers[self.place + KNOWN])


def padded(chunk: bytes) -> bytes:
    """A chunk filled up to whole 64-bit numbers, so that it can be read as such."""
    return chunk + bytes(-len(chunk) % 8)
