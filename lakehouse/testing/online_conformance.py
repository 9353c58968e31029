"""What every online store must do, as checks that a store passes or fails.

A check is a function of `make_store`, which gives a fresh and empty store; it raises
NotConforming with what is wrong. `CHECKS` also holds every check of windows, latest values and
keys that engines must pass, asked of features read from the store, in each way that rows come
into it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from lakehouse.declare import Count, FeatureView, last
from lakehouse.declare.durations import HOUR
from lakehouse.engines.protocol import Transaction
from lakehouse.errors import NotFound
from lakehouse.features.online import Chunk, OnlineStore, Replaced, Stored
from lakehouse.features.online_layout import LatestLayout, StoredColumn, WindowLayout, layout_of
from lakehouse.features.online_reader import FeatureReader
from lakehouse.features.packing import pack
from lakehouse.testing.conformance import latest, spines, windows
from lakehouse.testing.conformance.comparing import NotConforming, require, require_equal
from lakehouse.testing.conformance.world import (
    NOON,
    card,
    movement,
    movements,
    numbered,
    table_of,
)
from lakehouse.testing.online_engine import MODES, StoreAsEngine

MakeStore = Callable[[], OnlineStore]
Check = Callable[[MakeStore], None]

LAYOUT = WindowLayout((), 0, None, 10, 10)
A_DAY = FeatureView("a_day", of=movements, by=card, n=Count(over=last("1d")))


def stored(view: str, version: int = 1) -> Stored:
    """What is said of a view whose chunks mean nothing."""
    return Stored(view, version, "digest", LAYOUT, 1, 1)


def event(entity: bytes, bucket: int, payload: bytes) -> Chunk:
    return Chunk("event", entity, bucket, payload)


def check_chunks_come_back_by_range(make_store: MakeStore) -> None:
    """A range holds its ends, buckets before 1970 too, in order; grains are apart."""
    store = make_store()
    chunks = [event(b"a", bucket, b"%d" % bucket) for bucket in (-2, -1, 0, 1, 5)]
    here = store.replace(stored("v"), [*chunks, Chunk("tile", b"a", 0, b"tile")])
    for first, last_, expected in (
        (-2, 0, [b"-2", b"-1", b"0"]),
        (1, 4, [b"1"]),
        (2, 4, []),
        (5, 5, [b"5"]),
        (4, 2, []),
    ):
        found = [bytes(c) for c in store.chunks(here, "event", b"a", first, last_)]
        require_equal(found, expected, f"Buckets {first} to {last_}")
    tiles = [bytes(c) for c in store.chunks(here, "tile", b"a", -9, 9)]
    require_equal(tiles, [b"tile"], "Tiles")
    newest = [(b, bytes(c)) for b, c in store.newest_first(here, b"a", -1, 4)]
    require_equal(newest, [(1, b"1"), (0, b"0"), (-1, b"-1")], "Newest first")


def check_entities_and_views_are_apart(make_store: MakeStore) -> None:
    """No key, and no name of a view, is mistaken for another."""
    store = make_store()
    keys = [b"", b"a", b"ab", b"a\x00", b"A", b"\xff", b"1:12:11", b"2:111:1", b"a:0", b"a|0"]
    views = ["v", "v1", "v_1"]
    held = {
        view: store.replace(stored(view), [event(k, 0, view.encode() + k) for k in keys])
        for view in views
    }
    for view in views:
        for key in keys:
            found = [bytes(c) for c in store.chunks(held[view], "event", key, 0, 0)]
            require_equal(found, [view.encode() + key], f"{view} of {key!r}")
    require_equal(list(store.chunks(held["v"], "event", b"b", 0, 0)), [], "An unknown entity")


def check_what_is_stored_is_told(make_store: MakeStore) -> None:
    """A view's table version, digest and layout are kept; a view that is not there is None."""
    store = make_store()
    require(store.stored("v") is None, "An empty store says that it holds a view.")
    column = StoredColumn("amount", "decimal", 2)
    told = Stored("v", 7, "abc", LatestLayout((column,), 60), 5, 3)
    made = store.replace(told, [])
    require_equal(store.stored("v"), made, "What was stored")
    require_equal((made.version, made.digest, made.layout), (7, "abc", told.layout), "Stored")
    require(store.stored("w") is None, "Another view is said to be there.")


def check_replacing_takes_all_at_once(make_store: MakeStore) -> None:
    """Nothing old stays, a failed replacement changes nothing, and old readers are told."""
    store = make_store()
    old = store.replace(stored("v"), [event(b"a", 0, b"old"), event(b"gone", 0, b"old")])
    other = store.replace(stored("w"), [event(b"a", 0, b"other")])

    def failing() -> Iterator[Chunk]:
        yield event(b"a", 0, b"half")
        raise InterruptedError

    try:
        store.replace(stored("v", 2), failing())
    except InterruptedError:
        pass
    else:
        raise NotConforming("An error while chunks are made was swallowed.")
    require_equal(store.stored("v"), old, "What is stored after a failure")
    found = [bytes(c) for c in store.chunks(old, "event", b"a", 0, 0)]
    require_equal(found, [b"old"], "Chunks after a failure")
    new = store.replace(stored("v", 2), [event(b"a", 0, b"new")])
    found = [bytes(c) for c in store.chunks(new, "event", b"a", 0, 0)]
    require_equal(found, [b"new"], "Chunks after a replacement")
    require_equal(list(store.chunks(new, "event", b"gone", 0, 0)), [], "What was replaced")
    for read in (
        lambda: store.chunks(old, "event", b"a", 0, 0),
        lambda: list(store.newest_first(old, b"a", 0, 0)),
        lambda: store.append(old, [event(b"a", 0, b"late")], Transaction("s", 1)),
    ):
        try:
            read()
        except Replaced:
            continue
        raise NotConforming("What was replaced is still read or written to.")
    found = [bytes(c) for c in store.chunks(other, "event", b"a", 0, 0)]
    require_equal(found, [b"other"], "Another view")


def check_appending_once_per_transaction(make_store: MakeStore) -> None:
    """A transaction that was seen, or comes before one that was, adds nothing; nor a failed one."""
    store = make_store()
    here = store.replace(stored("v"), [event(b"a", 0, b"0")])

    def added(application: str, version: int, *payloads: bytes) -> bool:
        chunks = [event(b"a", 0, payload) for payload in payloads]
        return store.append(here, chunks, Transaction(application, version))

    def failing() -> Iterator[Chunk]:
        yield event(b"a", 0, b"half")
        raise InterruptedError

    with suppress(InterruptedError):
        store.append(here, failing(), Transaction("s", 1))
    done = [added("s", 1, b"1", b"2"), added("s", 1, b"again"), added("s", 0, b"older")]
    done += [added("other", 1, b"3"), added("s", 2, b"4"), added("s", 2, b"4")]
    require_equal(done, [True, False, False, True, True, False], "What was added")
    found = sorted(bytes(c) for c in store.chunks(here, "event", b"a", 0, 0))
    require_equal(found, [b"0", b"1", b"2", b"3", b"4"], "Chunks")
    require_equal(store.stored("v"), here, "What is stored")


def check_a_reader_sees_what_is_materialised_later(make_store: MakeStore) -> None:
    """One reader, kept open: nothing yet, rows, other rows, an entity that went away."""
    store = make_store()
    reader = FeatureReader(store, [A_DAY])

    def put(*cards: str) -> None:
        rows = numbered([movement(NOON - HOUR, card=name) for name in cards])
        layout = layout_of(A_DAY)
        made = Stored("a_day", 1, "digest", layout, len(rows), len(set(cards)))
        store.replace(made, pack(A_DAY, layout, table_of(movements, rows)))

    try:
        reader.get(A_DAY, {"card": "a"}, NOON)
    except NotFound:
        pass
    else:
        raise NotConforming("A view that was never materialised gave values.")
    for cards, expected in (("aab", (2, 1)), ("bbb", (0, 3)), ("a", (1, 0))):
        put(*cards)
        found = tuple(reader.get(A_DAY, (name,), NOON)["a_day__n_1d"] for name in "ab")
        require_equal(found, expected, f"Counts after {cards}")


def check_readers_go_on_while_a_view_is_replaced(make_store: MakeStore) -> None:
    """Several threads read while views are replaced: every answer is of one materialisation."""
    store = make_store()
    layout = layout_of(A_DAY)

    def put(count: int) -> None:
        rows = numbered([movement(NOON - n - 1, card=c) for n in range(count) for c in "ab"])
        made = Stored("a_day", count, "digest", layout, len(rows), 2)
        store.replace(made, pack(A_DAY, layout, table_of(movements, rows)))

    put(1)
    reader = FeatureReader(store, [A_DAY])
    wrong: list[Any] = []
    done = threading.Event()

    def read() -> None:
        seen = 0
        while not done.is_set():
            try:
                found = reader.get(A_DAY, {"card": "a"}, NOON)["a_day__n_1d"]
            except Exception as error:  # whatever it is, it is wrong
                wrong.append(error)
                return
            if found < seen:
                wrong.append((seen, found))
            seen = found

    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    for count in range(2, 12):
        put(count)
    done.set()
    for thread in threads:
        thread.join()
    require(not wrong, f"While a view was replaced, readers met {wrong[:5]}.")


def _as_engine(check: Callable[[Any, Path], None], mode: Any, make_store: MakeStore) -> None:
    check(StoreAsEngine(make_store, mode), Path())


OF_THE_ENGINE = ("check_moments_of_any_zone", "check_wrong_spines_are_refused")
"""Checks of a spine's own types, which no store sees."""
CHECKS: dict[str, Check] = {
    name: check for name, check in list(globals().items()) if name.startswith("check_")
} | {
    f"{name}, {mode}": partial(_as_engine, check, mode)
    for mode in MODES
    for module in (windows, latest, spines)
    for name, check in vars(module).items()
    if name.startswith("check_") and name not in OF_THE_ENGINE
}
"""Every check by its name."""
