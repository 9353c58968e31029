"""A view materialised anew on a Redis server: filled beside the one there is, then switched to.

Of several that fill one view the last to begin goes on and the others end with an error. What a
crash left behind is found by the next one, and removed.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import Any

from lakehouse.errors import LakehouseError
from lakehouse.features.online.stores.protocol import (
    Again,
    Change,
    Chunk,
    Pushed,
    Stored,
    StoreUnreachable,
    Texts,
)
from lakehouse.features.online.stores.redis.changes import (
    Scores,
    batches,
    made,
    new_texts,
    newest_of,
    text_reads,
)
from lakehouse.features.online.stores.redis.connections import Connections
from lakehouse.features.online.stores.redis.keys import Generation, ViewKeys, row_listed
from lakehouse.features.online.stores.redis.pruning import pages, remove
from lakehouse.features.online.stores.redis.wire import Wire, command
from lakehouse.features.online.stores.serialising import to_text

FORMAT = b"2"
_AT_ONCE = 1_000_000
"""Bytes of chunks that are sent together."""
_TEXTS_AT_ONCE = 1000
_SWITCH_MS = 30_000
"""So long writers wait for a view that is switched; who is slower than that begins again."""


class Filling:
    """One materialisation of a view, from its beginning to its end."""

    def __init__(
        self, connections: Connections, prefix: bytes, keys: ViewKeys, stored: Stored
    ) -> None:
        self._connections, self._prefix, self._keys = connections, prefix, keys
        self.stored = replace(stored, generation=new_number())
        self._own = Generation(prefix, self.stored.generation, stored.layout)
        self._is_open = command(b"EXISTS", self._own.open)
        self._generations = _generations(prefix)

    def fill(self, chunks: Iterable[Chunk], texts: Texts, again: Again) -> Stored:
        """Fill and switch; on any error nothing is changed."""
        self._check_server()
        self._begin()
        try:
            self._put_chunks(chunks)
            self._put_texts(texts)
            given = self._listed()
            self._change(*again(given))
            self._switch(set(given), again)
        except BaseException:
            with suppress(StoreUnreachable):  # what cannot be removed now is left to the next one
                self._connections.ask(command(b"DEL", self._own.open), 1)
                sweep(self._connections, self._prefix, self._keys)
            raise
        with suppress(StoreUnreachable):
            sweep(self._connections, self._prefix, self._keys)
        return self.stored

    def _check_server(self) -> None:
        """A server that evicts keys would leave out rows, and nobody would know."""
        (said,) = self._connections.ask(command(b"INFO", b"memory"), 1)
        told = dict(line.split(":", 1) for line in said.decode().split() if ":" in line)
        policy = told.get("maxmemory_policy", "noeviction")
        if policy.startswith("allkeys") and told.get("maxmemory", "0") != "0":
            raise StoreUnreachable(
                f"The online store at {self._connections.address} throws keys away when memory "
                f"runs short (maxmemory-policy {policy}), and values would be wrong; set it to "
                "noeviction."
            )

    def _begin(self) -> None:
        """Say that this generation is being filled, and take over from others that were."""

        def decide(_: Wire, replies: list[Any]) -> Sequence[bytes]:
            listed, stamp = replies
            others = _others(self._prefix, self._keys, listed, _number_in(stamp))
            return [
                command(b"SETNX", b"%b:format" % self._prefix, FORMAT),
                *(command(b"DEL", other.open) for other in others),
                command(b"HSET", self._generations, b"%x" % self._own.number, self._keys.view),
                command(b"SET", self._own.open, b"1"),
            ]

        asked = [
            command(b"HGETALL", self._generations),
            command(b"HGET", self._keys.told, b"stamp"),
        ]
        self._connections.change([self._generations, self._keys.told], asked, decide)
        sweep(self._connections, self._prefix, self._keys)

    def _put_chunks(self, chunks: Iterable[Chunk]) -> None:
        own = self._own
        for batch in _some(chunks):
            by_entity: dict[bytes, list[bytes]] = {}
            scores = Scores(own)
            for grain, entity, begin, until, payload in batch:
                letter = own.letters[grain]
                parts = by_entity.setdefault(entity, [])
                parts += (b"0", b"%b%b" % (own.start(letter, begin, until), payload))
                scores.add(entity, letter, begin, until)
            commands = [
                command(b"ZADD", own.chunks + entity, *parts) for entity, parts in by_entity.items()
            ]
            self._write([*commands, *scores.commands()])

    def _put_texts(self, texts: Texts) -> None:
        left = iter(texts.items())
        while some := list(islice(left, _TEXTS_AT_ONCE)):
            parts = [part for number, text in some for part in (b"%d" % number, text)]
            self._write([command(b"HSET", self._own.texts, *parts)])

    def _listed(self) -> list[Pushed]:
        listed = pages(self._connections, self._keys.pushed)
        return [row_listed(text) for page in listed for text in page]

    def _change(self, changes: Mapping[bytes, Change], texts: Texts) -> None:
        own = self._own

        def decide(
            batch: list[tuple[bytes, Change]], texts: Texts, wire: Wire, replies: list[Any]
        ) -> Sequence[bytes]:
            self._check_open(replies[0])
            there = replies[1 : 1 + len(texts)]
            fresh = new_texts(self.stored.view, own, texts, there)
            return fresh + made(wire, self._keys, own, batch, replies[1 + len(texts) :])

        for batch in batches(changes):
            keys = [own.chunks + entity for entity, _ in batch]
            asked = [self._is_open, *text_reads(own, texts), *newest_of(own, keys)]
            watched = [own.open, *keys]
            self._connections.change(watched, asked, partial(decide, batch, texts))
            texts = {}

    def _switch(self, taken: set[Pushed], again: Again) -> None:
        """Let readers have this one, while writers wait for what they pushed meanwhile."""
        keys, number = self._keys, b"%x" % self._own.number

        def decide(_: Wire, replies: list[Any]) -> Sequence[bytes]:
            is_open, switching = replies
            self._check_open(is_open)
            if switching != number:
                return ()  # it took too long, and writers went on
            return [tell(keys, self.stored), command(b"DEL", self._own.open, keys.switching)]

        asked = [
            self._is_open,
            command(b"GET", keys.switching),
        ]
        while True:
            wait = command(b"SET", keys.switching, number, b"PX", b"%d" % _SWITCH_MS)
            self._connections.ask(wait, 1)
            fresh = [row for row in self._listed() if row not in taken]
            if fresh:
                self._change(*again(fresh))
                taken.update(fresh)
            watched = [self._own.open, keys.told, keys.switching]
            if self._connections.change(watched, asked, decide):
                return

    def _write(self, commands: Sequence[bytes]) -> None:
        """Write to this generation unless another has begun."""

        def decide(_: Wire, replies: list[Any]) -> Sequence[bytes]:
            self._check_open(replies[0])
            return commands

        self._connections.change([self._own.open], [self._is_open], decide)

    def _check_open(self, is_open: int) -> None:
        if not is_open:
            raise LakehouseError(
                f"View '{self.stored.view}' is being materialised by another process, which began "
                "later; let that one end."
            )


def sweep(connections: Connections, prefix: bytes, keys: ViewKeys) -> None:
    """Remove what is neither told nor being filled: what was replaced, or given up."""
    generations = _generations(prefix)
    stamped = command(b"HGET", keys.told, b"stamp")
    for other in _others(prefix, keys, *connections.ask(command(b"HGETALL", generations), 1)):
        # What is neither, in one state, is neither from then on.
        is_open, stamp = connections.state(command(b"EXISTS", other.open) + stamped, 2)
        if not is_open and other.number != _number_in(stamp):
            remove(connections, other)
            connections.ask(command(b"HDEL", generations, b"%x" % other.number), 1)


def _generations(prefix: bytes) -> bytes:
    """A hash: the view of every materialisation that has keys."""
    return b"%b:generations" % prefix


def _number_in(stamp: bytes | None) -> int | None:
    return None if stamp is None else int(stamp.split(b":")[0])


def _others(
    prefix: bytes, keys: ViewKeys, listed: Sequence[bytes], but: int | None = None
) -> list[Generation]:
    """A view's generations but one."""
    numbers = [
        int(number, 16)
        for number, view in zip(listed[::2], listed[1::2], strict=True)
        if view == keys.view
    ]
    return [Generation(prefix, number) for number in numbers if number != but]


def new_number() -> int:
    """A number that no other generation has, on this server or one that takes its place."""
    return uuid.uuid4().int >> 66


def stamp_of(stored: Stored) -> bytes:
    """What tells a reader that what it knows of a view still holds."""
    return b"%d:%d" % (stored.generation, stored.kept_from_us)


def tell(keys: ViewKeys, stored: Stored) -> bytes:
    """The command that says what is stored from now on."""
    told = to_text(stored).encode()
    return command(b"HSET", keys.told, b"stamp", stamp_of(stored), b"told", told)


def _some(chunks: Iterable[Chunk]) -> Iterator[list[Chunk]]:
    """So many chunks at a time as fill a message."""
    batch: list[Chunk] = []
    size = 0
    for chunk in chunks:
        batch.append(chunk)
        size += len(chunk.payload)
        if size >= _AT_ONCE or len(batch) >= _TEXTS_AT_ONCE:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
