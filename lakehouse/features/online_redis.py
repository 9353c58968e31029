"""The online store on a Redis server: for servers and jobs on several machines.

A read is one round trip, whatever it asks for: plain commands between MULTI and EXEC, so that all
is of one state. Changes are made the same way once nothing came between them and what they were
made from (WATCH), which is exact after a crash and needs no lock that could be left behind.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from lakehouse.engines.protocol import Transaction
from lakehouse.errors import LakeFormatError, NotFound
from lakehouse.features.online import (
    Again,
    Change,
    Chunk,
    Pushed,
    Replaced,
    Stored,
    Texts,
)
from lakehouse.features.online_layout import Grain
from lakehouse.features.online_told import from_text
from lakehouse.features.redis_address import Address
from lakehouse.features.redis_connections import Connections
from lakehouse.features.redis_filling import FORMAT, Filling, stamp_of, sweep, tell
from lakehouse.features.redis_keys import HEAD, LETTERS, Generation, ViewKeys, row_listed, sortable
from lakehouse.features.redis_pruning import forget_listed, pages, prune
from lakehouse.features.redis_pushes import Pushes, check_generation
from lakehouse.features.redis_wire import Wire, command

Span = tuple[Grain, int, int]
_REVERSED, _RANGE = b"*7\r\n$14\r\nZREVRANGEBYLEX\r\n", b"*4\r\n$11\r\nZRANGEBYLEX\r\n"
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

    def chunks(self, stored: Stored, entity: bytes, spans: Sequence[Span]) -> list[list[bytes]]:
        head = self._head(stored)
        key = head.key(entity)
        commands = [head.stamp]
        for span in spans:
            before, holding = _bounds(*span)
            commands += (_REVERSED, key, holding, _RANGE, key, before)
        found = self._state(stored, commands, 2 * len(spans))
        return _members(found)

    def chunks_of_many(
        self, stored: Stored, asked: Sequence[tuple[bytes, Sequence[Span]]]
    ) -> list[list[list[bytes]]]:
        head = self._head(stored)
        commands = [head.stamp]
        known: dict[Span, tuple[bytes, bytes]] = {}
        sizes = []
        for entity, spans in asked:
            key = head.key(entity)
            for span in spans:
                bounds = known.get(span)
                if bounds is None:
                    bounds = known[span] = _bounds(*span)
                commands += (_REVERSED, key, bounds[1], _RANGE, key, bounds[0])
            sizes.append(len(spans))
        found = iter(_members(self._state(stored, commands, 2 * sum(sizes))))
        return [[next(found) for _ in range(size)] for size in sizes]

    def newest_first(self, stored: Stored, entity: bytes, end_us: int) -> Iterator[bytes]:
        return self._newest_first(stored, entity, end_us)

    def newest_first_of_many(
        self, stored: Stored, asked: Sequence[tuple[bytes, int]]
    ) -> list[Iterator[bytes]]:
        head = self._head(stored)
        commands = [head.stamp, *(head.newest(*one, _FIRST_PAGE) for one in asked)]
        found = self._state(stored, commands, len(asked))
        return [
            self._newest_first(stored, *one, page) for one, page in zip(asked, found, strict=True)
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
        transaction: Transaction | None = None,
        pushed: Sequence[Pushed] = (),
        confirmed: Iterable[tuple[bytes, int]] = (),
    ) -> bool:
        generation = Generation(self._prefix, stored.generation, stored.layout)
        keys = self._keys(stored.view)
        pushes = Pushes(self._connections, keys, generation, stored.view, transaction)
        return pushes.make(changes, texts, pushed, confirmed)

    def advance(self, stored: Stored) -> None:
        keys = self._keys(stored.view)

        def decide(_: Wire, found: list[Any]) -> Sequence[bytes]:
            check_generation(stored.view, stored.generation, found[0])
            return [tell(keys, stored)]

        asked = [command(b"HGET", keys.told, b"stamp")]
        self._connections.change([keys.told], asked, decide)
        generation = Generation(self._prefix, stored.generation, stored.layout)
        prune(self._connections, generation, stored)
        sweep(self._connections, self._prefix, keys)
        forget_listed(self._connections, keys.pushed, stored.horizon.events_us)

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
                commands = [head.stamp, head.newest(entity, end_us, size)]
                (page,) = self._state(stored, commands, 1)
            if page[: len(given)] != given:
                raise Replaced(stored.view)  # the entity, and what was given of it is no more
            for one in page[len(given) :]:
                yield one[HEAD:]
            if len(page) < size:
                return
            given, page, size = page, None, size * _NEXT_PAGE

    def _state(self, stored: Stored, commands: Sequence[bytes], replies: int) -> list[list[bytes]]:
        stamp, *found = self._connections.state(b"".join(commands), replies + 1)
        if stamp != stamp_of(stored):
            raise Replaced(stored.view)
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


def _bounds(grain: Grain, first_us: int, end_us: int) -> tuple[bytes, bytes]:
    """What follows the key in the commands for what begins in a span, and what holds its start."""
    letter = LETTERS[grain]
    low = letter + sortable(first_us + 1)
    before = b"$10\r\n[%b\r\n$10\r\n(%b%b\r\n" % (low, letter, sortable(end_us))
    holding = b"$10\r\n(%b\r\n$2\r\n[%b\r\n$5\r\nLIMIT\r\n$1\r\n0\r\n$1\r\n1\r\n" % (low, letter)
    return before, holding


def _members(found: Sequence[Sequence[bytes]]) -> list[list[bytes]]:
    """Of each span its rows, from what holds its start and what follows."""
    return [
        [one[HEAD:] for one in (*holding, *following)]
        for holding, following in zip(found[::2], found[1::2], strict=True)
    ]
