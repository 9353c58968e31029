"""Where a view's chunks lie on a Redis server, and how they are found by time.

An entity's chunks are the members of one sorted set, all of one score, so that Redis keeps them
in the order of their bytes: a letter for the grain, two times, and the rows. Times are written so
that their bytes sort as the numbers do, which is exact for all of int64, where a score would be a
float.

Of windows the time of the last row comes first: what ends in or after a span's beginning is one
range, and the last chunks are all that a read of the present needs. Of latest values, read from
the newest back, the beginning comes first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property

from lakehouse.features.online.layout.slots import Grain, LatestLayout, Layout, WindowLayout
from lakehouse.features.online.stores.protocol import Held, Pushed

_SIGN = 2**63
LAST = 2**63 - 1
HEAD = 17
"""Bytes of a member before its rows."""
LETTERS: dict[Grain, bytes] = {"event": b"e", "tile": b"t"}
BEYOND = {letter: b"(" + bytes([letter[0] + 1]) for letter in LETTERS.values()}
"""The bound that comes after all members of a letter."""


def sortable(number: int) -> bytes:
    """Eight bytes that sort as int64 does.

    >>> sortable(-1) < sortable(0) < sortable(2**63 - 1)
    True
    """
    return (number + _SIGN).to_bytes(8, "big")


def number_of(sorted_bytes: bytes) -> int:
    """The number that `sortable` wrote."""
    return int.from_bytes(sorted_bytes, "big") - _SIGN


class ViewKeys:
    """The keys of one view, whatever its generation."""

    def __init__(self, prefix: bytes, view: str) -> None:
        name = view.encode()
        self.view = name
        self.told = b"%b:view:%b" % (prefix, name)
        """A hash: what is stored, and its stamp."""
        self.switching = b"%b:switching:%b" % (prefix, name)
        """While another generation takes the view over: its number."""
        self.pushed = b"%b:pushed:%b" % (prefix, name)
        """A sorted set of `listed` rows."""


class Generation:
    """The keys of one materialisation of a view, and nobody else's."""

    def __init__(self, prefix: bytes, number: int, layout: Layout | None = None) -> None:
        own = b"%b:%x:" % (prefix, number)
        self.number = number
        self.latest = isinstance(layout, LatestLayout)
        self._begin = slice(1, 9) if self.latest else slice(9, 17)
        tiled = isinstance(layout, WindowLayout) and layout.tile_us is not None
        self.letters: Mapping[Grain, bytes] = LETTERS if tiled else {"event": b"e"}
        """Of the grains that there are."""
        self.chunks = own + b"c:"
        """What an entity's key begins with; each is a sorted set of members."""
        self.texts = own + b"texts"
        self.notes = own + b"notes"
        """A hash: numbers by name and entity."""
        self.open = own + b"open"
        """There while it is being filled."""
        self.indexes = {name: own + name for name in (b"e", b"t", b"k")}
        """When entities have something to remove, by what that depends on: `scores`."""

    @cached_property
    def all_else(self) -> tuple[bytes, ...]:
        """Its keys that are not entities'."""
        return (self.texts, self.notes, self.open, *self.indexes.values())

    def start(self, letter: bytes, begin: int, until: int) -> bytes:
        """What a chunk begins with."""
        times = (begin, until) if self.latest else (until, begin)
        return letter + sortable(times[0]) + sortable(times[1])

    def held(self, member: bytes) -> Held:
        """The chunk that is a member."""
        return Held(number_of(member[self._begin]), member[HEAD:])

    def scores(self, letter: bytes, begin: int, until: int) -> Iterator[tuple[bytes, int]]:
        """By when a chunk may be removed, for each index it stands in: never later than it is.

        Of windows a chunk goes once the horizon (of events or tiles) passes its last row. Of
        latest values it goes once the horizon passes it, or another one counts from the first
        moment kept on.
        """
        yield letter, begin if self.latest else until
        if self.latest:
            yield b"k", max(until, begin + 1)


def listed(row: Pushed) -> bytes:
    """A pushed row as it is listed."""
    return named(row.entity, row.id) + sortable(row.event_us) + row.row


def named(entity: bytes, number: int) -> bytes:
    """How everything begins that is listed of an entity's row."""
    return length_first(entity) + sortable(number)


def length_first(text: bytes) -> bytes:
    """A text that no longer one begins with."""
    return len(text).to_bytes(4, "big") + text


def row_listed(text: bytes) -> Pushed:
    """The row that `listed` wrote."""
    end = 4 + int.from_bytes(text[:4], "big")
    number, event_us = number_of(text[end : end + 8]), number_of(text[end + 8 : end + 16])
    return Pushed(text[4:end], event_us, number, text[end + 16 :])


def beginning_with(start: bytes) -> tuple[bytes, bytes]:
    """The range of members that begin so."""
    stem = start.rstrip(b"\xff")
    return b"[" + start, b"(" + stem[:-1] + bytes([stem[-1] + 1]) if stem else b"+"
