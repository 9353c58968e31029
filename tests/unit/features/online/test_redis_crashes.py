"""A process that writes to the Redis store dies at any message: the same call again ends it."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from typing import Any

import pytest

from lakehouse.engines.protocol import Transaction
from lakehouse.features.online.layout.slots import LatestLayout, Layout, StoredColumn, WindowLayout
from lakehouse.features.online.stores.protocol import (
    Change,
    Chunk,
    EntityChunks,
    Horizon,
    Pushed,
    Stored,
)
from lakehouse.features.online.stores.redis.address import Address
from lakehouse.features.online.stores.redis.store import RedisStore
from lakehouse.features.online.stores.redis.wire import Wire, command
from lakehouse.features.online.write.once import change_once
from lakehouse.testing.online_chunks import listing, together
from tests.redis_server import ask

REDIS = "lakehouse.features.online.stores.redis"
WINDOWS = WindowLayout((), (), 0, 1, False)
LATEST = LatestLayout((StoredColumn("amount", "decimal", 2),))
Step = Callable[[RedisStore], None]


class Killed(BaseException):
    """The process is gone, and sends nothing any more."""


class Killer:
    """Ends the process at one message: before it is sent, in its middle, or after its answer."""

    def __init__(self, patched: pytest.MonkeyPatch, at: int, how: str) -> None:
        self.left, self._how, self.dead = at, how, False
        whole = Wire._replies

        def replies(wire: Wire, commands: bytes, count: int) -> list[Any]:
            if self.dead:
                raise Killed
            self.left -= 1
            if self.left:
                return whole(wire, commands, count)
            self.dead = True
            if self._how == "after":
                whole(wire, commands, count)
            elif self._how == "half":
                wire._socket.sendall(commands[: len(commands) // 2])
            wire.close()
            raise Killed

        patched.setattr(Wire, "_replies", replies)


def appending(text: bytes) -> Change:
    """What is made twice is seen."""

    def change(chunks: EntityChunks) -> None:
        held = chunks.holding("event", 50)
        begin, payload = (50, b"") if held is None else held
        chunks.put("event", begin, 60, payload + text)

    return change


def again(rows: Sequence[Pushed]) -> tuple[dict[bytes, Change], dict[int, bytes]]:
    def join(row: Pushed) -> Change:
        return lambda chunks: chunks.put("event", row.event_us, row.event_us, row.row)

    return {row.entity: join(row) for row in rows}, {row.id: row.row for row in rows}


def filling(version: int, layout: Layout, entities: int) -> Step:
    def step(store: RedisStore) -> None:
        def chunks() -> Iterator[Chunk]:
            for number in range(entities):
                for at in (1, 2, 30):
                    yield Chunk("event", b"e%d" % number, at, at, b"%d" % version)
            if layout == WINDOWS:
                yield Chunk("tile", b"e0", 0, 0, b"%d" % version)

        made = Stored("v", version, "digest", layout, 1, 1)
        if (store.stored("v") or made).version != version or store.stored("v") is None:
            store.replace(made, chunks(), {n: b"%d" % n for n in range(entities)}, again)

    return step


def pushing(number: int) -> Step:
    def step(store: RedisStore) -> None:
        here = store.stored("v")
        assert here is not None
        names = [b"e%d" % n for n in range(5)]
        rows = [Pushed(name, 70 + number, 7, b"row %d" % number) for name in names]
        lists = listing(rows)
        changes = {name: together(appending(b"+%d" % number), lists[name]) for name in names}
        texts = {1000 + number: b"text"}
        change_once(store, here, changes, texts, Transaction("s", number), [(b"e4", 7)])

    return step


def advancing(store: RedisStore) -> None:
    here = store.stored("v")
    assert here is not None
    store.advance(
        dataclasses.replace(here, version=9, kept_from_us=35, horizon=Horizon(20, 20), newest_us=60)
    )


def life(layout: Layout) -> list[Step]:
    steps = [filling(1, layout, 4), pushing(1), filling(2, layout, 3), pushing(2)]
    return [*steps, advancing, filling(3, layout, 2), pushing(3), advancing]


def content(url: str) -> dict[bytes, Any]:
    """All that lies on the server, with generations named alike."""
    asked = {b"zset": b"ZRANGE", b"hash": b"HGETALL", b"set": b"SMEMBERS", b"string": b"GET"}
    wire = Wire(Address.parse(url))
    (names,) = wire.ask(command(b"KEYS", b"*"), 1)
    kinds = wire.ask(b"".join(command(b"TYPE", name) for name in names), len(names))
    commands = [
        command(asked[kind], name, *((b"0", b"-1", b"WITHSCORES") if kind == b"zset" else ()))
        for name, kind in zip(names, kinds, strict=True)
    ]
    values = wire.ask(b"".join(commands), len(commands))
    wire.close()
    found: dict[bytes, Any] = {}
    for name, kind, value in zip(names, kinds, values, strict=True):
        if kind == b"hash":
            value = sorted(zip(value[::2], value[1::2], strict=True))
        elif kind == b"set":
            value = sorted(value)
        key = re.sub(rb":20{9}[0-9a-f]{6}:", b":generation:", name)
        assert key not in found, name
        found[key] = re.sub(rb"230584300921\d{7}|20{9}[0-9a-f]{6}", b"G", repr(value).encode())
    return found


@pytest.mark.parametrize("how", ["before", "half", "after"])
@pytest.mark.parametrize("layout", [WINDOWS, LATEST], ids=["windows", "latest"])
def test_a_crash_at_any_message_leaves_nothing_wrong(
    redis_url: str, monkeypatch: pytest.MonkeyPatch, layout: Layout, how: str
) -> None:
    monkeypatch.setattr(f"{REDIS}.changes.AT_ONCE", 2)
    monkeypatch.setattr(f"{REDIS}.filling._TEXTS_AT_ONCE", 5)
    numbers = count(2**61)
    monkeypatch.setattr(f"{REDIS}.filling.new_number", lambda: next(numbers))

    def store() -> RedisStore:
        return RedisStore(redis_url, "p")

    for step in life(layout):
        step(store())
    expected = content(redis_url)
    assert len(expected) > 8
    at, ended = 0, False
    while not ended:
        at += 1
        ask(redis_url, b"FLUSHALL")
        with monkeypatch.context() as patched:
            killer = Killer(patched, at, how)
            done = 0
            try:
                for step in life(layout):
                    step(store())
                    done += 1
                ended = True
            except Killed:
                assert killer.dead
        for step in life(layout)[done:]:
            step(store())
        assert content(redis_url) == expected, f"killed at message {at}"
    assert at > 40
