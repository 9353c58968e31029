"""What every online store must do, as checks that a store passes or fails.

A check is a function of `make_store`, which gives a fresh and empty store; it raises
NotConforming with what is wrong. `CHECKS` also holds every check of windows, latest values and
keys that engines must pass, asked of features read from the store, in each way that rows come
into it.
"""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from lakehouse.declare import Count, FeatureView, last
from lakehouse.declare.durations import HOUR
from lakehouse.engines.protocol import Transaction
from lakehouse.errors import LakehouseError, NotFound
from lakehouse.features.online import (
    Change,
    Chunk,
    EntityChunks,
    Horizon,
    OnlineStore,
    Pushed,
    Replaced,
    Stored,
)
from lakehouse.features.online_layout import (
    Grain,
    LatestLayout,
    StoredColumn,
    WindowLayout,
    layout_of,
)
from lakehouse.features.online_reader import FeatureReader
from lakehouse.features.packing import pack
from lakehouse.testing.conformance import aggregates, latest, sequences, spines, windows
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

LAYOUT = WindowLayout((), (), 0, None, False)
A_DAY = FeatureView("a_day", of=movements, by=card, n=Count(over=last("1d")))


def stored(view: str, version: int = 1) -> Stored:
    """What is said of a view whose chunks mean nothing."""
    return Stored(view, version, "digest", LAYOUT, 1, 1)


def event(entity: bytes, begin: int, payload: bytes) -> Chunk:
    return Chunk("event", entity, begin, begin, payload)


def put(grain: Grain, begin: int, payload: bytes) -> Change:
    return lambda chunks: chunks.put(grain, begin, begin, payload)


def events(store: OnlineStore, here: Stored, entity: bytes, first: int, end: int) -> list[bytes]:
    """An entity's chunks of events in a span of times."""
    ((found,),) = store.chunks_of_many(here, [(entity, [("event", first, end)])])
    (same,) = store.chunks(here, entity, [("event", first, end)])
    require_equal([bytes(c) for c in same], [bytes(c) for c in found], "One entity of many")
    return [bytes(c) for c in found]


def check_chunks_come_back_by_time(make_store: MakeStore) -> None:
    """A span gets the chunk that holds its first time and all up to its end, in order."""
    store = make_store()
    far = 2**61
    begins = (-far, -2, 0, 1, 5, far)
    chunks = [
        Chunk("event", b"a", begin, after - 1, b"%d" % begin)
        for begin, after in zip(begins, (*begins[1:], far + 1), strict=True)
    ]
    here = store.replace(stored("v"), [*chunks, Chunk("tile", b"a", 0, 0, b"tile")], {})
    for first, end, expected in (
        (-2, 1, [b"-2", b"0"]),
        (-1, 2, [b"-2", b"0", b"1"]),
        (2, 5, [b"1"]),
        (5, 6, [b"5"]),
        (9, far, [b"5"]),
        (far, far + 1, [b"%d" % far]),
        (-far - 1, -far, []),
        (-far - 1, -2, [b"%d" % -far]),
    ):
        require_equal(events(store, here, b"a", first, end), expected, f"{first} to {end}")
    both = store.chunks(here, b"a", [("event", 5, 9), ("tile", -9, 9)])
    require_equal([[bytes(c) for c in of] for of in both], [[b"5"], [b"tile"]], "Both grains")
    newest = [bytes(c) for c in store.newest_first(here, b"a", 5)]
    require_equal(newest, [b"1", b"0", b"-2", b"%d" % -far], "Newest first")


def check_entities_and_views_are_apart(make_store: MakeStore) -> None:
    """No key, and no name of a view, is mistaken for another."""
    store = make_store()
    keys = [b"", b"a", b"ab", b"a\x00", b"A", b"\xff", b"1:12:11", b"2:111:1", b"a:0", b"a|0"]
    views = ["v", "v1", "v_1"]
    held = {
        view: store.replace(stored(view), [event(k, 0, view.encode() + k) for k in keys], {})
        for view in views
    }
    for view in views:
        for key in keys:
            found = events(store, held[view], key, 0, 1)
            require_equal(found, [view.encode() + key], f"{view} of {key!r}")
        many = store.chunks_of_many(held[view], [(key, [("event", 0, 1)]) for key in keys])
        expected = [[[view.encode() + key]] for key in keys]
        require_equal([[[bytes(c) for c in s] for s in e] for e in many], expected, "Many")
    require_equal(events(store, held["v"], b"b", 0, 1), [], "An unknown entity")


def check_what_is_stored_is_told(make_store: MakeStore) -> None:
    """A view's table version, digest and layout are kept; a view that is not there is None."""
    store = make_store()
    require(store.stored("v") is None, "An empty store says that it holds a view.")
    column = StoredColumn("amount", "decimal", 2)
    told = Stored("v", 7, "abc", LatestLayout((column,)), 5, 3, -4, Horizon(-5, -6), 9)
    made = store.replace(told, [], {})
    require_equal(store.stored("v"), made, "What was stored")
    require_equal((made.version, made.digest, made.layout), (7, "abc", told.layout), "Stored")
    require(store.stored("w") is None, "Another view is said to be there.")


def check_replacing_takes_all_at_once(make_store: MakeStore) -> None:
    """Nothing old stays, a failed replacement changes nothing, and old readers are told."""
    store = make_store()
    old = store.replace(stored("v"), [event(b"a", 0, b"old"), event(b"gone", 0, b"old")], {})
    other = store.replace(stored("w"), [event(b"a", 0, b"other")], {})

    def failing() -> Iterator[Chunk]:
        yield event(b"a", 0, b"half")
        raise InterruptedError

    try:
        store.replace(stored("v", 2), failing(), {})
    except InterruptedError:
        pass
    else:
        raise NotConforming("An error while chunks are made was swallowed.")
    require_equal(store.stored("v"), old, "What is stored after a failure")
    require_equal(events(store, old, b"a", 0, 1), [b"old"], "Chunks after a failure")
    then = {b"a": put("event", 3, b"then"), b"b": put("event", 0, b"b")}
    new = store.replace(stored("v", 2), [event(b"a", 0, b"new")], {}, lambda pushed: (then, {}))
    require_equal(events(store, new, b"a", 0, 9), [b"new", b"then"], "Chunks after a replacement")
    require_equal(events(store, new, b"b", 0, 9), [b"b"], "What was put after the chunks")
    require_equal(events(store, new, b"gone", 0, 1), [], "What was replaced")
    for use in (
        lambda: store.chunks(old, b"a", [("event", 0, 1)]),
        lambda: store.chunks_of_many(old, [(b"a", [("event", 0, 1)])]),
        lambda: list(store.newest_first(old, b"a", 1)),
        lambda: store.change(old, {b"a": put("event", 0, b"late")}, {}),
        lambda: store.advance(old),
    ):
        _require_replaced(use)
    require_equal(events(store, other, b"a", 0, 1), [b"other"], "Another view")


def _require_replaced(use: Callable[[], object]) -> None:
    try:
        use()
    except Replaced:
        return
    raise NotConforming("What was replaced is still read or written to.")


def check_changing_once_per_transaction(make_store: MakeStore) -> None:
    """A transaction that was seen, or comes before one that was, adds nothing; nor a failed one."""
    store = make_store()
    here = store.replace(stored("v"), [event(b"a", 0, b"0")], {})

    def added(application: str, version: int, begin: int) -> bool:
        change = {b"a": put("event", begin, b"%d" % begin)}
        return store.change(here, change, {}, Transaction(application, version))

    def failing(chunks: EntityChunks) -> None:
        chunks.put("event", 99, 99, b"half")
        raise InterruptedError

    with suppress(InterruptedError):
        store.change(here, {b"a": failing}, {}, Transaction("s", 1))
    done = [added("s", 1, 1), added("s", 1, 7), added("s", 0, 8)]
    done += [added("other", 1, 3), added("s", 2, 4), added("s", 2, 9)]
    require_equal(done, [True, False, False, True, True, False], "What was added")
    require_equal(events(store, here, b"a", 0, 100), [b"0", b"1", b"3", b"4"], "Chunks")
    require_equal(store.stored("v"), here, "What is stored")


def check_changes_see_what_is_there(make_store: MakeStore) -> None:
    """A change finds the chunk that holds a time, also what it put itself, and puts in places."""
    store = make_store()
    here = store.replace(stored("v"), [event(b"a", -5, b"x"), event(b"a", 5, b"y")], {})
    seen: list[Any] = []

    def change(chunks: EntityChunks) -> None:
        seen[:] = [chunks.holding("event", at) for at in (-6, -5, 4, 5, 9)]
        chunks.put("event", 5, 6, b"z")
        chunks.put("event", 7, 7, b"new")
        chunks.put("tile", 0, 0, b"tile")
        seen.extend([chunks.holding("event", at) for at in (6, 7)])
        seen.append(chunks.holding("tile", 3))

    store.change(here, {b"a": change}, {})
    expected = [None, (-5, b"x"), (-5, b"x"), (5, b"y"), (5, b"y"), (5, b"z"), (7, b"new")]
    require_equal(seen, [*expected, (0, b"tile")], "What a change sees")
    require_equal(events(store, here, b"a", -5, 9), [b"x", b"z", b"new"], "Chunks")

    def anew(chunks: EntityChunks) -> None:
        chunks.forget()
        require(chunks.holding("event", 9) is None, "What was forgotten is there.")
        chunks.put("event", 1, 1, b"only")

    store.change(here, {b"a": anew}, {})
    require_equal(events(store, here, b"a", -5, 9), [b"only"], "Chunks after all was forgotten")
    require_equal(store.chunks(here, b"a", [("tile", -9, 9)]), [[]], "Tiles")


def check_texts_are_kept_and_never_mixed(make_store: MakeStore) -> None:
    """A number stands for its text; for another one it is refused, and nothing is changed."""
    store = make_store()
    here = store.replace(stored("v"), [], {1: b"one", 2**63 - 1: b""})
    store.change(here, {}, {1: b"one", 3: b"three"})
    told = store.texts(here, [3, 1, 2**63 - 1])
    require_equal(told, {1: b"one", 3: b"three", 2**63 - 1: b""}, "Texts")
    _require_replaced(lambda: store.texts(here, [4]))
    try:
        store.change(here, {b"a": put("event", 0, b"late")}, {1: b"another"})
    except LakehouseError:
        pass
    else:
        raise NotConforming("One number stands for two texts.")
    require_equal(events(store, here, b"a", 0, 1), [], "Chunks of a refused change")
    require_equal(store.texts(here, [1]), {1: b"one"}, "The text that was first")


def check_pushed_rows_are_listed_until_confirmed(make_store: MakeStore) -> None:
    """Through a replacement too; one row once; what no moment needs is not listed."""
    store = make_store()
    require_equal(store.pushed("v"), [], "Of a view that is not there")
    here = store.replace(stored("v"), [], {})
    rows = [Pushed(b"a", at, at + 10, b"row %d" % at) for at in (1, 2, 3)]
    store.change(here, {}, {}, pushed=rows[:2])
    store.change(here, {}, {}, pushed=rows)
    require_equal(sorted(store.pushed("v")), rows, "Pushed")
    require_equal(store.pushed("w"), [], "Another view")
    here = store.replace(stored("v", 2), [], {})
    require_equal(sorted(store.pushed("v")), rows, "Pushed, after a replacement")
    store.change(here, {}, {}, confirmed=[(b"a", 12), (b"b", 11)])
    require_equal(sorted(store.pushed("v")), [rows[0], rows[2]], "Not confirmed")
    store.advance(dataclasses.replace(here, kept_from_us=5, horizon=Horizon(3, 3)))
    require_equal(sorted(store.pushed("v")), [rows[2]], "After an advance")


def check_advancing_removes_what_no_moment_needs(make_store: MakeStore) -> None:
    """Chunks that end before the horizon go, readers of before are told, the rest stays."""
    store = make_store()
    chunks = [Chunk("event", b"a", begin, begin + 4, b"%d" % begin) for begin in (0, 5, 10)]
    tiles = [Chunk("tile", b"a", begin, begin, b"%d" % begin) for begin in (0, 5)]
    here = store.replace(stored("v"), [*chunks, *tiles], {})
    told = dataclasses.replace(
        here, version=9, rows=7, kept_from_us=8, horizon=Horizon(6, 5), newest_us=12
    )
    store.advance(told)
    require_equal(store.stored("v"), told, "What is told")
    require_equal(events(store, told, b"a", 6, 99), [b"5", b"10"], "Events")
    require_equal(events(store, told, b"a", 0, 5), [], "Events before the horizon")
    require_equal(store.chunks(told, b"a", [("tile", 0, 9)]), [[b"5"]], "Tiles")
    _require_replaced(lambda: store.chunks(here, b"a", [("event", 0, 1)]))
    _require_replaced(lambda: list(store.newest_first(here, b"a", 1)))


def check_advancing_keeps_the_latest_row(make_store: MakeStore) -> None:
    """Of latest values the last one visible at the first moment stays, and all after it."""
    store = make_store()
    layout = LatestLayout((StoredColumn("amount", "decimal", 2),))
    # A chunk ends with its last known time: the third row is known too late to take its place.
    times = [(1, 1), (2, 3), (4, 50), (20, 20)]
    chunks = [Chunk("event", b"a", begin, known, b"%d" % begin) for begin, known in times]
    chunks.append(Chunk("event", b"b", 1, 1, b"alone"))
    made = Stored("v", 1, "digest", layout, 1, 1)
    here = store.replace(made, chunks, {})
    told = dataclasses.replace(here, kept_from_us=10)
    store.advance(told)
    newest = [bytes(c) for c in store.newest_first(told, b"a", 99)]
    require_equal(newest, [b"20", b"4", b"2"], "Rows that count from then on")
    require_equal([bytes(c) for c in store.newest_first(told, b"b", 99)], [b"alone"], "Alone")


def check_a_reader_sees_what_is_materialised_later(make_store: MakeStore) -> None:
    """One reader, kept open: nothing yet, rows, other rows, an entity that went away."""
    store = make_store()
    reader = FeatureReader(store, [A_DAY])

    def put(*cards: str) -> None:
        rows = numbered([movement(NOON - HOUR, card=name) for name in cards])
        layout = layout_of(A_DAY)
        made = Stored("a_day", 1, "digest", layout, len(rows), len(set(cards)))
        store.replace(made, pack(A_DAY, layout, table_of(movements, rows), {}), {})

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
        store.replace(made, pack(A_DAY, layout, table_of(movements, rows), {}), {})

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


OF_THE_ENGINE = (
    "check_moments_of_any_zone",
    "check_wrong_spines_are_refused",
    "check_ties_of_rows_without_a_key",
)
"""Checks of a spine's own types, which no store sees, and of what is refused online."""
CHECKS: dict[str, Check] = {
    name: check for name, check in list(globals().items()) if name.startswith("check_")
} | {
    f"{name}, {mode}": partial(_as_engine, check, mode)
    for mode in MODES
    for module in (windows, aggregates, sequences, latest, spines)
    for name, check in vars(module).items()
    if name.startswith("check_") and name not in OF_THE_ENGINE
}
"""Every check by its name."""
