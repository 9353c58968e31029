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
from lakehouse.errors import NotFound
from lakehouse.features.online.layout.slots import (
    BEGINNING,
    LatestLayout,
    StoredColumn,
    layout_of,
)
from lakehouse.features.online.read.reader import FeatureReader
from lakehouse.features.online.stores.protocol import (
    Chunk,
    EntityChunks,
    Horizon,
    Replaced,
    Stored,
)
from lakehouse.features.online.write.packing import pack
from lakehouse.testing import online_writers
from lakehouse.testing.conformance import (
    aggregates,
    any_age,
    functions,
    latest,
    operands,
    sequences,
    spines,
    windows,
)
from lakehouse.testing.conformance.comparing import NotConforming, require, require_equal
from lakehouse.testing.conformance.world import (
    NOON,
    card,
    movement,
    movements,
    numbered,
    table_of,
)
from lakehouse.testing.online_chunks import (
    LATEST,
    Check,
    MakeStore,
    event,
    events,
    of_spans,
    put,
    require_replaced,
    stored,
)
from lakehouse.testing.online_engine import MODES, StoreAsEngine

A_DAY = FeatureView("a_day", of=movements, by=card, n=Count(over=last("1d")))


def check_chunks_come_back_by_time(make_store: MakeStore) -> None:
    """A span gets the chunk that holds its first time and all up to its end, in order."""
    store = make_store()
    far = 2**61
    begins = (-far, -2, 0, 1, 5, far)
    chunks = [
        Chunk("event", b"a", begin, after - 1, b"%d" % begin)
        for begin, after in zip(begins, (*begins[1:], far + 1), strict=True)
    ]
    chunks.append(Chunk("tile", b"a", 0, 0, b"tile"))
    for newest_us in (BEGINNING, 5, far):  # whatever is said of the newest row
        told = dataclasses.replace(stored("v"), newest_us=newest_us)
        here = store.replace(told, chunks, {})
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
        both = of_spans(store, here, b"a", ("event", 5, 9), ("tile", -9, 9))
        require_equal(both, [[b"5"], [b"tile"]], "Both grains")


def check_every_time_is_told_apart(make_store: MakeStore) -> None:
    """Down to the microsecond, from before every time to after it."""
    store = make_store()
    least, most = BEGINNING, -BEGINNING
    begins = [least, least + 1, -(2**53) - 1, -(2**53), 2**53, 2**53 + 1, most - 1, most]
    chunks = [event(b"a", at, b"%d" % at) for at in begins]
    here = store.replace(stored("v"), chunks, {})
    latest = store.replace(stored("latest", layout=LATEST), chunks, {})
    for number, at in enumerate(begins[:-1]):
        require_equal(events(store, here, b"a", at, at + 1), [b"%d" % at], f"At {at}")
        newest = [bytes(c) for c in store.newest_first(latest, b"a", at + 1)]
        require_equal(newest, [b"%d" % t for t in reversed(begins[: number + 1])], f"To {at}")
    held: list[Any] = []

    def change(chunks: EntityChunks) -> None:
        held[:] = [chunks.holding("event", at) for at in begins]
        chunks.put("event", most, most, b"last")

    for of in (here, latest):
        store.change(of, {b"a": change}, {})
        require_equal(held, [(at, b"%d" % at) for at in begins], "Held")
        store.change(of, {b"a": change}, {})
        require_equal(held[-2:], [(most - 1, b"%d" % (most - 1)), (most, b"last")], "Held after")


def check_chunks_come_back_from_the_newest(make_store: MakeStore) -> None:
    """However many there are; of several entities too, each up to its own time."""
    store = make_store()
    chunks = [event(e, at, b"%b%d" % (e, at)) for e in (b"a", b"b") for at in range(300)]
    here = store.replace(stored("v", layout=LATEST), chunks, {})
    asked = [(b"a", 300), (b"b", 7), (b"c", 9), (b"a", 41)]
    expected = [[b"%b%d" % (e, at) for at in range(end - 1, -1, -1)] for e, end in asked]
    expected[2] = []
    found = [[bytes(c) for c in store.newest_first(here, *one)] for one in asked]
    require_equal(found, expected, "One by one")
    many = [[bytes(c) for c in own] for own in store.newest_first_of_many(here, asked)]
    require_equal(many, expected, "Together")
    stopped = store.newest_first(here, b"a", 300)
    require_equal([bytes(next(stopped)) for _ in range(2)], [b"a299", b"a298"], "The first two")
    del stopped


def check_what_is_read_in_parts_is_of_one_state(make_store: MakeStore) -> None:
    """A row that moves while chunks are read back in time is neither missed nor seen twice."""
    store = make_store()
    chunks = [event(b"a", at, b"%d" % at) for at in range(100)]
    here = store.replace(stored("v", layout=LATEST), chunks, {})

    def moved(chunks: EntityChunks) -> None:
        chunks.forget()
        for at in range(1, 101):
            chunks.put("event", at, at, b"%d" % (at % 100))

    reading = store.newest_first(here, b"a", 1000)
    seen = [bytes(next(reading))]
    store.change(here, {b"a": moved}, {})
    with suppress(Replaced):
        seen += [bytes(c) for c in reading]
        require_equal(seen, [b"%d" % at for at in range(99, -1, -1)], "Chunks")


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
        (many,) = store.chunks([(held[view], [(key, [("event", 0, 1)]) for key in keys])])
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
        lambda: events(store, old, b"a", 0, 1),
        lambda: store.chunks([(old, [(key, [("event", 0, 1)]) for key in (b"a", b"b")])]),
        lambda: list(store.newest_first(old, b"a", 1)),
        lambda: store.change(old, {b"a": put("event", 0, b"late")}, {}),
        lambda: store.advance(old),
    ):
        require_replaced(use)
    require_equal(events(store, other, b"a", 0, 1), [b"other"], "Another view")


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
    name: check
    for name, check in [*globals().items(), *vars(online_writers).items()]
    if name.startswith("check_")
} | {
    f"{name}, {mode}": partial(_as_engine, check, mode)
    for mode in MODES
    for module in (windows, aggregates, functions, operands, any_age, sequences, latest, spines)
    for name, check in vars(module).items()
    if name.startswith("check_") and name not in OF_THE_ENGINE
}
"""Every check by its name."""
