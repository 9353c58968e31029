"""Changes of entities' chunks on a Redis server: each batch of entities is changed as one."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice

from lakehouse.features.online import Change, Held, Texts, TextsCollide
from lakehouse.features.online_layout import Grain
from lakehouse.features.redis_keys import (
    LETTERS,
    Generation,
    first_after,
    held,
    member,
    sortable,
)
from lakehouse.features.redis_wire import Wire, command

AT_ONCE = 500
"""So many entities are changed together; more would keep readers waiting."""
_NO_NUMBER = 2**64


class _Kept:
    """One grain of an entity's chunks: what is stored, and what was put since."""

    def __init__(self, letter: bytes, newest: Held | None) -> None:
        self.letter, self.newest = letter, newest
        self.begins: list[int] = []
        self.puts: dict[int, tuple[int, bytes]] = {}

    def put(self, begin: int, until: int, payload: bytes) -> None:
        if begin not in self.puts:
            insort(self.begins, begin)
        self.puts[begin] = until, payload

    def put_holding(self, at_us: int) -> Held | None:
        place = bisect_right(self.begins, at_us)
        if not place:
            return None
        begin = self.begins[place - 1]
        return Held(begin, self.puts[begin][1])


class RedisChunks:
    """One entity's chunks while they are changed; `commands` makes the changes.

    Its newest chunks were read with those of others. An older one is read when it is asked for.
    """

    def __init__(self, wire: Wire, key: bytes, newest: Mapping[Grain, Held | None]) -> None:
        self._wire, self._key = wire, key
        self._kept = {grain: _Kept(LETTERS[grain], newest[grain]) for grain in LETTERS}
        self._forgotten = False

    def holding(self, grain: Grain, at_us: int) -> Held | None:
        kept = self._kept[grain]
        stored, put = kept.newest, kept.put_holding(at_us)
        if stored is not None and stored.begin > at_us:
            stored = self._older(kept.letter, at_us)
        if put is None or (stored is not None and stored.begin > put.begin):
            return stored
        return put

    def put(self, grain: Grain, begin: int, until: int, payload: bytes) -> None:
        self._kept[grain].put(begin, until, payload)

    def forget(self) -> None:
        self._forgotten = True
        self._kept = {grain: _Kept(LETTERS[grain], None) for grain in LETTERS}

    def commands(self, scores: Scores, entity: bytes) -> Iterator[bytes]:
        """What changes the chunks; adds to `scores` when some may be removed."""
        if self._forgotten:
            yield command(b"DEL", self._key)
        added: list[bytes] = []
        for kept in self._kept.values():
            letter, newest = kept.letter, kept.newest
            for begin, (until, payload) in kept.puts.items():
                if newest is not None and begin <= newest.begin:
                    low, end = letter + sortable(begin), first_after(letter, begin)
                    yield command(b"ZREMRANGEBYLEX", self._key, b"[" + low, b"(" + end)
                added += (b"0", member(letter, begin, until, payload))
                scores.add(entity, letter, begin, until)
        if added:
            yield command(b"ZADD", self._key, *added)

    def _older(self, letter: bytes, at_us: int) -> Held | None:
        (found,) = self._wire.ask(last_by(self._key, letter, at_us), 1)
        return held(found[0]) if found else None


class Scores:
    """When entities have something to remove, gathered and written together."""

    def __init__(self, generation: Generation) -> None:
        self._generation = generation
        self._least: dict[bytes, dict[bytes, int]] = {}

    def add(self, entity: bytes, letter: bytes, begin: int, until: int) -> None:
        for name, score in self._generation.scores(letter, begin, until):
            least = self._least.setdefault(name, {})
            least[entity] = min(score, least.get(entity, _NO_NUMBER))

    def commands(self) -> Iterator[bytes]:
        for name, least in self._least.items():
            parts = [part for entity, score in least.items() for part in (b"%d" % score, entity)]
            yield command(b"ZADD", self._generation.indexes[name], b"LT", *parts)


def last_by(key: bytes, letter: bytes, at_us: int) -> bytes:
    """The command for the last chunk that begins at or before a time."""
    end = first_after(letter, at_us)
    return command(b"ZREVRANGEBYLEX", key, b"(" + end, b"[" + letter, b"LIMIT", b"0", b"1")


def newest_of(keys: Sequence[bytes]) -> list[bytes]:
    """The commands for the newest chunk of each grain, key by key."""
    return [last_by(key, letter, 2**63 - 1) for key in keys for letter in LETTERS.values()]


def made(
    wire: Wire,
    generation: Generation,
    changes: Iterable[tuple[bytes, Change]],
    newest: Sequence[Sequence[bytes]],
) -> list[bytes]:
    """The commands of changes, after asking `newest_of` for their entities."""
    scores = Scores(generation)
    commands: list[bytes] = []
    answers = iter(newest)
    for entity, change in changes:
        there = {grain: held(found[0]) if (found := next(answers)) else None for grain in LETTERS}
        chunks = RedisChunks(wire, generation.chunks + entity, there)
        change(chunks)
        commands += chunks.commands(scores, entity)
    return [*commands, *scores.commands()]


def batches(changes: Mapping[bytes, Change]) -> Iterator[list[tuple[bytes, Change]]]:
    """Some changes at a time, in their order."""
    left = iter(changes.items())
    while batch := list(islice(left, AT_ONCE)):
        yield batch


def asked_texts(generation: Generation, texts: Texts) -> list[bytes]:
    """The commands for what numbers stand for now, one for each."""
    return [command(b"HGET", generation.texts, b"%d" % number) for number in texts]


def new_texts(
    view: str, generation: Generation, texts: Texts, there: Sequence[bytes | None]
) -> list[bytes]:
    """The commands that keep texts that are not there; raises if one stands for another."""
    commands = []
    for (number, text), known in zip(texts.items(), there, strict=True):
        if known is None:
            commands.append(command(b"HSETNX", generation.texts, b"%d" % number, text))
        elif known != text:
            raise TextsCollide(view)
    return commands
