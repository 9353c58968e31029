"""What every online store must do when it is written to: checks of `online_conformance`."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any

from lakehouse.engines.protocol import Transaction
from lakehouse.errors import LakehouseError
from lakehouse.features.online.layout.slots import Grain, LatestLayout, StoredColumn
from lakehouse.features.online.stores.protocol import (
    Change,
    Chunk,
    EntityChunks,
    Horizon,
    Pushed,
    Replaced,
    Stored,
)
from lakehouse.features.online.write.once import change_once
from lakehouse.testing.conformance.comparing import NotConforming, require, require_equal
from lakehouse.testing.online_chunks import (
    MakeStore,
    event,
    events,
    listing,
    of_spans,
    put,
    require_replaced,
    stored,
    together,
)


def check_changing_once_per_transaction(make_store: MakeStore) -> None:
    """A transaction that was seen, or comes before one that was, adds nothing; nor a failed one."""
    store = make_store()
    here = store.replace(stored("v"), [event(b"a", 0, b"0")], {})

    def added(application: str, version: int, begin: int) -> bool:
        change = {b"a": put("event", begin, b"%d" % begin)}
        return change_once(store, here, change, {}, Transaction(application, version))

    def failing(chunks: EntityChunks) -> None:
        chunks.put("event", 99, 99, b"half")
        raise InterruptedError

    with suppress(InterruptedError):
        change_once(store, here, {b"a": failing}, {}, Transaction("s", 1))
    done = [added("s", 1, 1), added("s", 1, 7), added("s", 0, 8)]
    done += [added("other", 1, 3), added("s", 2, 4), added("s", 2, 9)]
    require_equal(done, [True, False, False, True, True, False], "What was added")
    require_equal(events(store, here, b"a", 0, 100), [b"0", b"1", b"3", b"4"], "Chunks")
    require_equal(store.stored("v"), here, "What is stored")


def check_numbers_are_noted_with_a_change(make_store: MakeStore) -> None:
    """By name and entity, together with what else changes, until the view is replaced."""
    store = make_store()
    here = store.replace(stored("v"), [], {})
    found: list[Any] = []

    def change(number: int | None, fails: bool = False) -> Change:
        def made(chunks: EntityChunks) -> None:
            found.append(chunks.noted())
            chunks.put("event", 0, 0, b"x")
            if number is not None:
                chunks.note(number)
            if fails:
                raise InterruptedError

        return made

    store.change(here, {b"a": change(3), b"ab": change(None)}, {}, "n")
    store.change(here, {b"a": change(-7), b"ab": change(None)}, {}, "n")
    with suppress(InterruptedError):
        store.change(here, {b"a": change(9, fails=True)}, {}, "n")
    store.change(here, {b"a": change(None), b"": change(None)}, {}, "n")
    for name in ("na", ""):
        store.change(here, {b"a": change(None), b"b": change(None)}, {}, name)
    require_equal(found[-1], None, "Noted under another name")
    require_equal(found, [None, None, 3, None, -7, -7, None, None, None, None, None], "Noted")
    store.change(here, {b"a": lambda chunks: chunks.forget()}, {}, "n")
    store.change(here, {b"a": change(None)}, {}, "n")
    require_equal(found[-1], -7, "Noted of an entity whose chunks were forgotten")
    here = store.replace(stored("v", 2), [], {})
    store.change(here, {b"a": change(None)}, {}, "n")
    require_equal(found[-1], None, "Noted of what was replaced")


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
    require_equal(of_spans(store, here, b"a", ("tile", -9, 9)), [[]], "Tiles")


def check_texts_are_kept_and_never_mixed(make_store: MakeStore) -> None:
    """A number stands for its text; for another one it is refused, and nothing is changed."""
    store = make_store()
    here = store.replace(stored("v"), [], {1: b"one", 2**63 - 1: b""})
    store.change(here, {}, {1: b"one", 3: b"three"})
    told = store.texts(here, [3, 1, 2**63 - 1])
    require_equal(told, {1: b"one", 3: b"three", 2**63 - 1: b""}, "Texts")
    require_replaced(lambda: store.texts(here, [4]))
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
    store.change(here, listing(rows[:2]), {})
    store.change(here, listing(rows), {})
    require_equal(sorted(store.pushed("v")), rows, "Pushed")
    require_equal(store.pushed("w"), [], "Another view")
    others = [Pushed(entity, 1, 1, b"other") for entity in (b"", b"ab", b"a\xff", b"a\x00")]
    store.change(store.replace(stored("w"), [], {}), listing(others), {})
    seen: list[list[Pushed]] = []
    names = (b"a", b"b")
    store.change(here, {e: lambda of: seen.append(sorted(of.pushed())) for e in names}, {})
    require_equal(seen[-2:], [rows, []], "Pushed, as a change sees it")
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
    require_equal(of_spans(store, told, b"a", ("tile", 0, 9)), [[b"5"]], "Tiles")
    require_replaced(lambda: events(store, here, b"a", 0, 1))
    require_replaced(lambda: list(store.newest_first(here, b"a", 1)))


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


def check_writers_at_once_lose_nothing(make_store: MakeStore) -> None:
    """Several threads change the same entities, some within transactions: each change counts."""
    store = make_store()
    here = store.replace(stored("v"), [event(b"a", 0, b"")], {})

    def write(writer: int) -> None:
        for number in range(15):
            change = {e: _appending(b"%d" % writer) for e in (b"a", b"b")}
            transaction = Transaction(f"w{writer}", number) if writer % 2 else None
            new = change_once(store, here, change, {}, transaction)
            require(new, "A new transaction was seen.")

    _at_once([partial(write, n) for n in range(4)])
    for entity in (b"a", b"b"):
        (found,) = events(store, here, entity, 0, 1)
        require_equal(sorted(found), sorted(b"0123" * 15), "What was appended")


def _appending(text: bytes) -> Change:
    def change(chunks: EntityChunks) -> None:
        held = chunks.holding("event", 0)
        chunks.put("event", 0, 0, (b"" if held is None else held.payload) + text)

    return change


def _at_once(works: Sequence[Callable[[], None]]) -> None:
    """Run each in a thread of its own, and raise what one of them raises."""
    with ThreadPoolExecutor(len(works)) as pool:
        for done in [pool.submit(work) for work in works]:
            done.result()


def check_a_large_transaction_counts_once(make_store: MakeStore) -> None:
    """More entities than a store may care to change together."""
    store = make_store()
    here = store.replace(stored("v"), [], {})
    entities = [b"%d" % n for n in range(1201)]

    def made() -> bool:
        lists = listing(Pushed(entity, 0, 1, b"row") for entity in entities)
        changes = {entity: together(_appending(b"x"), lists[entity]) for entity in entities}
        return change_once(store, here, changes, {}, Transaction("s", 1))

    require_equal([made(), made()], [True, False], "Made")
    asked: list[tuple[bytes, list[tuple[Grain, int, int]]]]
    asked = [(entity, [("event", 0, 1)]) for entity in entities]
    found = [[bytes(c) for c in of] for (of,) in store.chunks([(here, asked)])[0]]
    require(found == [[b"x"]] * len(entities), "A change was made twice, or not at all.")
    require_equal(len(store.pushed("v")), len(entities), "Pushed")


def check_rows_pushed_while_a_view_is_replaced_are_kept(make_store: MakeStore) -> None:
    """Whether they come before, during or after: readers of the new rows see them."""
    store = make_store()
    store.replace(stored("v"), [event(b"a", 0, b"old")], {})
    begun, pushed = threading.Event(), threading.Event()

    def push() -> None:
        begun.wait()
        for number in range(1, 40):
            while True:
                here = store.stored("v")
                assert here is not None
                row = Pushed(b"a", number, number, b"%d" % number)
                change = together(put("event", number, row.row), listing([row])[b"a"])
                try:
                    store.change(here, {b"a": change}, {})
                    break
                except Replaced:
                    continue
            if number == 10:
                pushed.set()

    def chunks() -> Iterator[Chunk]:
        begun.set()
        pushed.wait(0.2)  # a store may let writers wait
        yield event(b"a", 0, b"new")

    def again(rows: Sequence[Pushed]) -> tuple[dict[bytes, Change], dict[int, bytes]]:
        def change(there: EntityChunks) -> None:
            for row in rows:
                there.put("event", row.event_us, row.event_us, row.row)

        return ({b"a": change} if rows else {}), {}

    with ThreadPoolExecutor(1) as pool:
        pushing = pool.submit(push)
        for version in range(2, 6):
            here = store.replace(stored("v", version), chunks(), {}, again)
        pushing.result()
    require_equal(
        events(store, here, b"a", 0, 99),
        [b"new", *(b"%d" % number for number in range(1, 40))],
        "Chunks",
    )
