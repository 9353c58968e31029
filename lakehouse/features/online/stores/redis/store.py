"""The online store on a Redis server: for servers and jobs on several machines.

A read is one round trip, whatever it asks for: plain commands between MULTI and EXEC, so that all
is of one state. Changes are made the same way once nothing came between them and what they were
made from (WATCH), which is exact after a crash and needs no lock that could be left behind.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from lakehouse.errors import LakeFormatError, NotFound
from lakehouse.features.online.stores.protocol import (
    Again,
    Change,
    Chunk,
    Pushed,
    Replaced,
    Span,
    Stored,
    Texts,
)
from lakehouse.features.online.stores.redis.address import Address
from lakehouse.features.online.stores.redis.connections import Connections
from lakehouse.features.online.stores.redis.filling import FORMAT, Filling, stamp_of, sweep, tell
from lakehouse.features.online.stores.redis.keys import (
    BEYOND,
    HEAD,
    LETTERS,
    Generation,
    ViewKeys,
    row_listed,
    sortable,
)
from lakehouse.features.online.stores.redis.pruning import forget_listed, pages, prune
from lakehouse.features.online.stores.redis.pushes import Pushes, check_generation
from lakehouse.features.online.stores.redis.wire import Wire, command
from lakehouse.features.online.stores.serialising import from_text

_RANGE, _FIRST = (b"*%d\r\n$11\r\nZRANGEBYLEX\r\n" % size for size in (4, 7))
_MOST_HEADS = 1000
_FIRST_PAGE, _NEXT_PAGE = 4, 8
"""Chunks that are read of latest values, and how many times more if none of them counts."""


class RedisStore:
    """An `OnlineStore` on a server; every key begins with `prefix`. Safe across threads.

    Nothing is asked of the server before it has to be. Opened with `must_exist`, as by a service,
    it raises NotFound where nothing was written yet. What keeps it from working is told as
    StoreUnreachable.
    """

    def __init__(self, url: str, prefix: str, must_exist: bool = False) -> None:
        self._connections = Connections(Address.parse(url))
        self._prefix = prefix.encode()
        self._heads: dict[int, _Head] = {}
        if must_exist:
            self._check_there(prefix)

    def stored(self, view: str) -> Stored | None:
        (told,) = self._connections.ask(command(b"HGET", self._keys(view).told, b"told"), 1)
        return None if told is None else from_text(told)

    def chunks(
        self, lookups: Sequence[tuple[Stored, Sequence[tuple[bytes, Sequence[Span]]]]]
    ) -> list[list[list[list[bytes]]]]:
        reads = [_Reads(stored, self._head(stored), of_view) for stored, of_view in lookups]
        commands = b"".join([one.commands for one in reads])
        size = sum([one.replies for one in reads])
        # One command reads an entity at once, and what is told last was told all the while.
        ask = self._connections.state if any(one.ranges for one in reads) else self._connections.ask
        found = iter(ask(commands, size))
        return [one.chunks(found) for one in reads]

    def newest_first(self, stored: Stored, entity: bytes, end_us: int) -> Iterator[bytes]:
        return self._newest_first(stored, entity, end_us)

    def newest_first_of_many(
        self, stored: Stored, lookups: Sequence[tuple[bytes, int]]
    ) -> list[Iterator[bytes]]:
        head = self._head(stored)
        commands = [head.newest(*one, _FIRST_PAGE) for one in lookups]
        found = self._state(stored, commands, len(lookups))
        return [
            self._newest_first(stored, *one, page) for one, page in zip(lookups, found, strict=True)
        ]

    def texts(self, stored: Stored, numbers: Iterable[int]) -> dict[int, bytes]:
        wanted = list(numbers)
        if not wanted:
            return {}
        key = Generation(self._prefix, stored.generation, stored.layout).texts
        fields = [b"%d" % number for number in wanted]
        (found,) = self._connections.ask(command(b"HMGET", key, *fields), 1)
        if None in found:
            raise Replaced(stored.view)
        return dict(zip(wanted, found, strict=True))

    def replace(
        self,
        stored: Stored,
        chunks: Iterable[Chunk],
        texts: Texts,
        again: Again = lambda pushed: ({}, {}),
    ) -> Stored:
        filling = Filling(self._connections, self._prefix, self._keys(stored.view), stored)
        return filling.fill(chunks, texts, again)

    def change(
        self,
        stored: Stored,
        changes: Mapping[bytes, Change],
        texts: Texts,
        notes: str | None = None,
        confirmed: Iterable[tuple[bytes, int]] = (),
    ) -> None:
        generation = Generation(self._prefix, stored.generation, stored.layout)
        keys = self._keys(stored.view)
        pushes = Pushes(self._connections, keys, generation, stored.view, notes)
        pushes.make(changes, texts, confirmed)

    def advance(self, stored: Stored) -> None:
        keys = self._keys(stored.view)

        def decide(_: Wire, replies: list[Any]) -> Sequence[bytes]:
            check_generation(stored.view, stored.generation, replies[0])
            return [tell(keys, stored)]

        asked = [command(b"HGET", keys.told, b"stamp")]
        self._connections.change([keys.told], asked, decide)
        generation = Generation(self._prefix, stored.generation, stored.layout)
        prune(self._connections, generation, stored)
        sweep(self._connections, self._prefix, keys)
        forget_listed(self._connections, keys.pushed, stored.horizon.of_rows)

    def pushed(self, view: str) -> list[Pushed]:
        listed = pages(self._connections, self._keys(view).pushed)
        return [row_listed(text) for page in listed for text in page]

    def close(self) -> None:
        self._connections.close()

    def _newest_first(
        self, stored: Stored, entity: bytes, end_us: int, page: list[bytes] | None = None
    ) -> Iterator[bytes]:
        """Chunks page by page. Each page is read with those before it, so that all is one state."""
        given: list[bytes] = []
        size = _FIRST_PAGE
        while True:
            if page is None:
                head = self._head(stored)
                newest = head.newest(entity, end_us, size)
                (page,) = self._state(stored, [newest], 1)
            if page[: len(given)] != given:
                raise Replaced(stored.view)  # the entity, and what was given of it is no more
            for one in page[len(given) :]:
                yield one[HEAD:]
            if len(page) < size:
                return
            given, page, size = page, None, size * _NEXT_PAGE

    def _state(self, stored: Stored, commands: Sequence[bytes], replies: int) -> list[list[bytes]]:
        head = self._head(stored)
        stamp, *found = self._connections.state(head.stamp + b"".join(commands), replies + 1)
        _check(stored, stamp)
        return found

    def _head(self, stored: Stored) -> _Head:
        head = self._heads.get(stored.generation)
        if head is None:
            generation = Generation(self._prefix, stored.generation, stored.layout)
            head = _Head(self._keys(stored.view), generation)
            if len(self._heads) >= _MOST_HEADS:
                self._heads.clear()
            self._heads[stored.generation] = head
        return head

    def _keys(self, view: str) -> ViewKeys:
        return ViewKeys(self._prefix, view)

    def _check_there(self, prefix: str) -> None:
        (found,) = self._connections.ask(command(b"GET", b"%b:format" % self._prefix), 1)
        if found is None:
            raise NotFound(
                f"There is no online store '{prefix}' at {self._connections.address}; 'lakehouse "
                "run DOMAIN features' makes it."
            )
        if found != FORMAT:
            raise LakeFormatError(
                f"The online store '{prefix}' at {self._connections.address} has format "
                f"{found.decode()}, this version reads format {FORMAT.decode()}; remove its keys, "
                "and 'lakehouse run DOMAIN features' makes it anew."
            )


class _Head:
    """What every read of one materialisation begins with."""

    def __init__(self, keys: ViewKeys, generation: Generation) -> None:
        self.stamp = command(b"HGET", keys.told, b"stamp")
        self._chunks, self._length = generation.chunks, len(generation.chunks)

    def key(self, entity: bytes) -> bytes:
        """An entity's key as it stands in a command."""
        return b"$%d\r\n%b%b\r\n" % (self._length + len(entity), self._chunks, entity)

    def newest(self, entity: bytes, end_us: int, size: int) -> bytes:
        """The command for so many chunks of events before a time, from the last one back."""
        limits = (b"(e" + sortable(end_us), b"[e", b"LIMIT", b"0", b"%d" % size)
        return command(b"ZREVRANGEBYLEX", self._chunks + entity, *limits)


class _Reads:
    """What is asked of one view: its commands, how many replies they have, and what these hold.

    Where an entity takes several `ranges`, they have to be read as one.
    """

    def __init__(
        self, stored: Stored, head: _Head, lookups: Sequence[tuple[bytes, Sequence[Span]]]
    ) -> None:
        self._stored = stored
        self._sizes = [len(spans) for _, spans in lookups]
        self._reads: list[_Read] = []
        known: dict[Span, _Read] = {}
        commands: list[bytes] = []
        for entity, spans in lookups:
            key = head.key(entity)
            for span in spans:
                read = known.get(span)
                if read is None:
                    read = known[span] = _Read(span, stored.newest_us)
                self._reads.append(read)
                for name, bounds in read.commands:
                    commands += (name, key, bounds)
        size = len(commands) // 3
        self.ranges = size > len(lookups)
        commands.append(head.stamp)
        self.commands = b"".join(commands)
        self.replies = size + 1

    def chunks(self, replies: Iterator[Any]) -> list[list[list[bytes]]]:
        """The chunks of each entity and span; raises Replaced."""
        rows = [read.rows(next(replies), replies) for read in self._reads]
        _check(self._stored, next(replies))
        if len(rows) == len(self._sizes):
            return [[own] for own in rows]
        left = iter(rows)
        return [list(islice(left, size)) for size in self._sizes]


class _Read:
    """A span of an entity's chunks: the commands that read it, and what they find."""

    def __init__(self, span: Span, newest_us: int) -> None:
        grain, first_us, end_us = span
        letter, self._end = LETTERS[grain], sortable(end_us)
        low, end = b"$10\r\n[%b%b\r\n" % (letter, sortable(first_us)), letter + self._end
        beyond = b"$2\r\n%b\r\n" % BEYOND[letter]
        if newest_us - end_us <= (end_us - first_us) // 2:
            # Little comes after the span: to read it too is quicker than to ask for its end.
            self.commands = [(_RANGE, low + beyond)]
            self._two = False
        else:
            following = b"$10\r\n[%b\r\n%b$5\r\nLIMIT\r\n$1\r\n0\r\n$1\r\n1\r\n" % (end, beyond)
            until = b"%b$10\r\n(%b\r\n" % (low, end)
            self.commands = [(_RANGE, until), (_FIRST, following)]
            self._two = True

    def rows(self, first: list[bytes], answers: Iterator[list[bytes]]) -> list[bytes]:
        """The rows of each chunk, from the first command's answer and those that follow."""
        if self._two:
            first = first + next(answers)
        while first and first[-1][9:17] >= self._end:
            first.pop()
        return [member[HEAD:] for member in first]


def _check(stored: Stored, stamp: bytes | None) -> None:
    if stamp != stamp_of(stored):
        raise Replaced(stored.view)
