"""The Redis store keeps the contract of online stores, and what is its own."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Any

import pytest

from lakehouse.errors import LakehouseError
from lakehouse.features.online.layout.slots import LatestLayout, StoredColumn
from lakehouse.features.online.stores.protocol import (
    Change,
    Chunk,
    Horizon,
    Pushed,
    Replaced,
    Stored,
)
from lakehouse.features.online.stores.redis import filling
from lakehouse.features.online.stores.redis.connections import Connections
from lakehouse.features.online.stores.redis.store import RedisStore
from lakehouse.testing.online_chunks import (
    event,
    events,
    listing,
    of_spans,
    put,
    stored,
    together,
)
from lakehouse.testing.online_conformance import CHECKS
from tests.redis_server import keys


@pytest.mark.parametrize("name", CHECKS)
def test_conforms(name: str, redis_url: str) -> None:
    numbers = count()
    CHECKS[name](lambda: RedisStore(redis_url, f"{next(numbers)}"))


@pytest.fixture
def store(redis_url: str) -> Iterator[RedisStore]:
    made = RedisStore(redis_url, "p")
    yield made
    made.close()


def messages(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Of each message sent from now on how many replies it asks for."""
    sent: list[int] = []
    for name in ("ask", "state"):
        whole = getattr(Connections, name)

        def counted(own: Connections, commands: bytes, replies: int, whole: Any = whole) -> Any:
            sent.append(replies)
            return whole(own, commands, replies)

        monkeypatch.setattr(Connections, name, counted)
    return sent


def test_a_read_is_one_message_whatever_it_asks_for(
    store: RedisStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    chunks = [event(b"%d" % e, at, b"x") for e in range(50) for at in range(3)]
    here = store.replace(stored("v"), chunks, {1: b"one", 2: b"two"})
    sent = messages(monkeypatch)
    asked: Any = [(b"%d" % e, [("event", 1, 9), ("tile", 0, 9)]) for e in range(60)]
    assert of_spans(store, here, b"7", ("event", 1, 9), ("tile", 0, 9)) == [[b"x", b"x"], []]
    assert store.chunks([(here, asked)])[0][49:51] == [[[b"x", b"x"], []], [[], []]]
    newest = store.newest_first_of_many(here, [(b"3", 9), (b"4", 9)])
    assert [next(chunks) for chunks in newest] == [b"x", b"x"]
    assert store.texts(here, [2, 1]) == {1: b"one", 2: b"two"}
    assert len(sent) == 4


def test_the_whole_of_int64_is_told_apart(store: RedisStore) -> None:
    least, most = -(2**63), 2**63 - 1
    here = store.replace(stored("v"), [event(b"a", at, b"%d" % at) for at in (least, 0, most)], {})
    held: list[Any] = []
    store.change(
        here,
        {b"a": lambda there: held.extend(there.holding("event", at) for at in (least, -1, most))},
        {},
    )
    assert held == [(least, b"%d" % least), (least, b"%d" % least), (most, b"%d" % most)]
    assert events(store, here, b"a", least, most) == [b"%d" % least, b"0"]


def test_nothing_stays_of_what_was_replaced(store: RedisStore, redis_url: str) -> None:
    def fill(version: int, entities: int) -> None:
        chunks = [event(b"%d" % e, 0, b"x") for e in range(entities)]
        chunks.append(Chunk("tile", b"only a tile", 0, 0, b"x"))
        store.replace(stored("v", version), chunks, {1: b"one"})

    fill(1, 2500)
    fill(2, 3)
    names = keys(redis_url)
    store.replace(stored("w"), [], {})
    fill(3, 3)
    assert len(names) == 3 + 1 + len(["texts", "e", "t", "generations", "format", "view"])
    assert len(keys(redis_url)) == len(names) + 1


def test_what_a_killed_replacement_left_is_removed_by_the_next(
    store: RedisStore, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.replace(stored("v"), [event(b"a", 0, b"x")], {})
    before = keys(redis_url)

    def chunks() -> Iterator[Chunk]:
        for number in range(2500):
            yield event(b"%d" % number, 0, b"x")
        raise InterruptedError

    with monkeypatch.context() as patched, pytest.raises(InterruptedError):
        patched.setattr(filling, "sweep", lambda *_: None)
        store.replace(stored("v", 2), chunks(), {})
    assert len(keys(redis_url)) > 2000
    store.replace(stored("v", 2), [event(b"b", 0, b"x")], {})
    assert len(keys(redis_url)) == len(before)


def test_of_two_that_replace_a_view_the_later_goes_on(store: RedisStore, redis_url: str) -> None:
    def chunks() -> Iterator[Chunk]:
        yield event(b"a", 0, b"first")
        RedisStore(redis_url, "p").replace(stored("v", 2), [event(b"a", 0, b"second")], {})

    with pytest.raises(LakehouseError, match="View 'v' is being materialised by another process"):
        store.replace(stored("v"), chunks(), {})
    here = store.stored("v")
    assert here is not None
    assert here.version == 2
    assert events(store, here, b"a", 0, 1) == [b"second"]
    assert len([name for name in keys(redis_url) if b":c:" in name]) == 1


def test_writers_wait_while_readers_are_switched(store: RedisStore, redis_url: str) -> None:
    store.replace(stored("v"), [], {})
    pool, pushing = ThreadPoolExecutor(1), []

    def push(number: int) -> None:
        other = RedisStore(redis_url, "p")
        while True:
            here = other.stored("v")
            assert here is not None
            row = Pushed(b"a", number, number, b"%d" % number)
            try:
                change = together(put("event", number, row.row), listing([row])[b"a"])
                other.change(here, {b"a": change}, {})
                break
            except Replaced:
                continue
        other.close()

    calls = count()

    def again(rows: Sequence[Pushed]) -> tuple[dict[bytes, Change], dict[int, bytes]]:
        if next(calls) == 0:
            push(1)  # is asked about in a moment
        else:
            pushing.append(pool.submit(push, 2))
            with pytest.raises(TimeoutError):
                pushing[0].result(0.2)
        (row,) = rows or [None]
        return ({} if row is None else {b"a": put("event", row.event_us, row.row)}), {}

    here = store.replace(stored("v", 2), [], {}, again)
    pushing[0].result()
    pool.shutdown()
    assert events(store, here, b"a", 0, 9) == [b"1", b"2"]


def test_pruning_looks_at_what_it_removes_alone(
    store: RedisStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    chunks = [Chunk("event", b"%d" % e, at, at + 9, b"x") for e in range(900) for at in (0, 50)]
    chunks += [Chunk("event", b"new%d" % e, 70, 79, b"x") for e in range(900)]
    here = store.replace(stored("v"), chunks, {})
    sent = messages(monkeypatch)
    for bound, most in ((5, 4), (20, 4 + 10), (40, 4)):
        del sent[:]
        store.advance(dataclasses.replace(here, kept_from_us=60, horizon=Horizon(bound, bound)))
        assert len(sent) <= 2 * most, bound
    told = store.stored("v")
    assert told is not None
    assert events(store, told, b"7", 0, 99) == [b"x"]
    assert events(store, told, b"new7", 0, 99) == [b"x"]


def test_latest_values_go_when_others_count(store: RedisStore, redis_url: str) -> None:
    layout = LatestLayout((StoredColumn("amount", "decimal", 2),))
    times = {b"a": [(1, 1), (2, 90), (3, 3), (60, 60)], b"b": [(5, 70), (6, 80)], b"c": [(9, 9)]}
    chunks = [Chunk("event", e, *at, b"%d" % at[0]) for e, own in times.items() for at in own]
    here = store.replace(Stored("v", 1, "digest", layout, 1, 1), chunks, {})

    def left(kept: int, horizon: int = -(2**62)) -> dict[bytes, list[bytes]]:
        told = dataclasses.replace(here, kept_from_us=kept, horizon=Horizon(horizon, horizon))
        store.advance(told)
        return {e: list(store.newest_first(told, e, 99))[::-1] for e in times}

    assert left(3) == {b"a": [b"1", b"2", b"3", b"60"], b"b": [b"5", b"6"], b"c": [b"9"]}
    assert left(4) == {b"a": [b"3", b"60"], b"b": [b"5", b"6"], b"c": [b"9"]}
    assert left(60) == {b"a": [b"3", b"60"], b"b": [b"5", b"6"], b"c": [b"9"]}
    assert left(79)[b"b"] == [b"5", b"6"]
    assert left(80) == {b"a": [b"60"], b"b": [b"6"], b"c": [b"9"]}
    assert left(80, horizon=7) == {b"a": [b"60"], b"b": [], b"c": [b"9"]}
    assert len([name for name in keys(redis_url) if b":c:" in name]) == 2
