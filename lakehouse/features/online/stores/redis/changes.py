"""Changes of entities' chunks on a Redis server: each batch of entities is changed as one."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice

from lakehouse.features.online.layout.slots import Grain
from lakehouse.features.online.stores.protocol import Change, Held, Pushed, Texts, TextsCollide
from lakehouse.features.online.stores.redis.keys import (
    BEYOND,
    HEAD,
    LAST,
    Generation,
    ViewKeys,
    beginning_with,
    length_first,
    listed,
    row_listed,
    sortable,
)
from lakehouse.features.online.stores.redis.wire import Wire, command

AT_ONCE = 500
"""So many entities are changed together; more would keep readers waiting."""
_LISTED_AT_ONCE = 1000
_NO_NUMBER = 2**64


class _Kept:
    """One grain of an entity's chunks: what was read of it, and what was put since."""

    __slots__ = ("begins", "letter", "newest", "puts", "starts")

    def __init__(self, letter: bytes, newest: bytes | None) -> None:
        self.letter, self.newest = letter, newest
        self.starts: dict[int, bytes] = {}
        """By when chunks begin that were read, what their members begin with."""
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

    Its newest chunk of each grain was read with those of others. An older one is read when it is
    asked for. Rows to be listed join those of other entities in `listed`.
    """

    def __init__(
        self,
        wire: Wire,
        keys: ViewKeys,
        generation: Generation,
        entity: bytes,
        newest: Sequence[bytes | None],
        noted: int | None,
        listed: list[Pushed],
    ) -> None:
        self._wire, self._view, self._generation, self._entity = wire, keys, generation, entity
        self._key = generation.chunks + entity
        self._kept = {
            grain: _Kept(letter, member)
            for (grain, letter), member in zip(generation.letters.items(), newest, strict=True)
        }
        self._forgotten = False
        self._noted = noted
        self.fresh_note: int | None = None
        self._listed = listed

    def holding(self, grain: Grain, at_us: int) -> Held | None:
        kept = self._kept[grain]
        stored, put = self._stored(kept, at_us), kept.put_holding(at_us)
        if put is None or (stored is not None and stored.begin > put.begin):
            return stored
        return put

    def put(self, grain: Grain, begin: int, until: int, payload: bytes) -> None:
        self._kept[grain].put(begin, until, payload)

    def added(self, grain: Grain, after: Held, at_us: int, row: bytes) -> bool:  # noqa: ARG002
        return False  # a chunk more is one more member to read, and none is cheaper to write

    def forget(self) -> None:
        self._forgotten = True
        letters = self._generation.letters
        self._kept = {grain: _Kept(letter, None) for grain, letter in letters.items()}

    def pushed(self) -> list[Pushed]:
        bounds = beginning_with(length_first(self._entity))
        (found,) = self._wire.ask(command(b"ZRANGEBYLEX", self._view.pushed, *bounds), 1)
        return [row_listed(text) for text in found]

    def list_pushed(self, row: Pushed) -> None:
        self._listed.append(row)

    def noted(self) -> int | None:
        return self._noted

    def note(self, number: int) -> None:
        self._noted = self.fresh_note = number

    def commands(self, scores: Scores) -> Iterator[bytes]:
        """What changes the chunks; adds to `scores` when some may be removed."""
        if self._forgotten:
            yield command(b"DEL", self._key)
        added: list[bytes] = []
        for kept in self._kept.values():
            letter = kept.letter
            for begin, (until, payload) in kept.puts.items():
                if begin not in kept.starts:
                    self._stored(kept, begin)  # there it may be all the same, and not read yet
                start = kept.starts.get(begin)
                if start is not None:
                    yield command(b"ZREMRANGEBYLEX", self._key, *beginning_with(start))
                added += (b"0", self._generation.start(letter, begin, until) + payload)
                scores.add(self._entity, letter, begin, until)
        if added:
            yield command(b"ZADD", self._key, *added)

    def _stored(self, kept: _Kept, at_us: int) -> Held | None:
        """What is stored, and holds a time."""
        found = kept.newest
        if found is None:
            return None
        held = self._generation.held(found)
        if held.begin > at_us:
            asked = _last_by(self._generation, self._key, kept.letter, at_us)
            answers = [
                answer[0] for answer in self._wire.ask(b"".join(asked), len(asked)) if answer
            ]
            chunks = [(self._generation.held(member), member) for member in answers]
            # Of windows a chunk that ends later may begin later too.
            of_time = [(held, member) for held, member in chunks if held.begin <= at_us]
            if not of_time:
                return None
            held, found = max(of_time)
        kept.starts[held.begin] = found[:HEAD]
        return held


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


def _last_by(generation: Generation, key: bytes, letter: bytes, at_us: int) -> list[bytes]:
    """The commands whose answers hold the last chunk that begins at or before a time."""
    first = (b"LIMIT", b"0", b"1")
    at = letter + sortable(at_us)
    if generation.latest:
        end = BEYOND[letter] if at_us == LAST else b"(" + letter + sortable(at_us + 1)
        return [command(b"ZREVRANGEBYLEX", key, end, b"[" + letter, *first)]
    return [
        command(b"ZREVRANGEBYLEX", key, b"(" + at, b"[" + letter, *first),
        command(b"ZRANGEBYLEX", key, b"[" + at, BEYOND[letter], *first),
    ]


def newest_of(generation: Generation, keys: Sequence[bytes]) -> list[bytes]:
    """The commands for the newest chunk of each grain, key by key."""
    return [
        command(b"ZREVRANGEBYLEX", key, BEYOND[letter], b"[" + letter, b"LIMIT", b"0", b"1")
        for key in keys
        for letter in generation.letters.values()
    ]


def made(
    wire: Wire,
    keys: ViewKeys,
    generation: Generation,
    changes: Iterable[tuple[bytes, Change]],
    newest: Sequence[Sequence[bytes]],
    notes: Notes | None = None,
) -> list[bytes]:
    """The commands of changes, after asking `newest_of`, and `notes`, for their entities."""
    scores = Scores(generation)
    commands: list[bytes] = []
    rows: list[Pushed] = []
    answers = iter(newest)
    for entity, change in changes:
        there = [next(iter(next(answers)), None) for _ in generation.letters]
        noted = None if notes is None else notes.there.get(entity)
        chunks = RedisChunks(wire, keys, generation, entity, there, noted, rows)
        change(chunks)
        commands += chunks.commands(scores)
        if notes is not None and chunks.fresh_note is not None:
            commands.append(notes.put(entity, chunks.fresh_note))
    return [*commands, *scores.commands(), *_listing(keys, rows)]


class Notes:
    """The numbers noted of some entities under one name."""

    def __init__(self, generation: Generation, name: str, entities: Sequence[bytes]) -> None:
        self._key, self._name = generation.notes, length_first(name.encode())
        self._entities = entities
        fields = [self._name + entity for entity in entities]
        self.reads = command(b"HMGET", self._key, *fields) if fields else b""
        """The command that asks for them."""
        self.there: dict[bytes, int] = {}

    def take(self, numbers: Sequence[bytes | None]) -> None:
        """Take the answer."""
        noted = zip(self._entities, numbers, strict=True)
        self.there = {entity: int(number) for entity, number in noted if number is not None}

    def put(self, entity: bytes, number: int) -> bytes:
        """The command that notes a number."""
        return command(b"HSET", self._key, self._name + entity, b"%d" % number)


def _listing(keys: ViewKeys, rows: Sequence[Pushed]) -> Iterator[bytes]:
    for first in range(0, len(rows), _LISTED_AT_ONCE):
        some = rows[first : first + _LISTED_AT_ONCE]
        yield command(b"ZADD", keys.pushed, *(part for row in some for part in (b"0", listed(row))))


def batches(changes: Mapping[bytes, Change]) -> Iterator[list[tuple[bytes, Change]]]:
    """Some changes at a time, in their order."""
    left = iter(changes.items())
    while batch := list(islice(left, AT_ONCE)):
        yield batch


def text_reads(generation: Generation, texts: Texts) -> list[bytes]:
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
