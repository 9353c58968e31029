"""An online store of one's own, as small as one can be: a pickled file for each view.

It is named by LAKEHOUSE_ONLINE_URL=shelf:///a/folder, and takes one option of its own: where
LAKEHOUSE_ONLINE_SHELF_FILES says `one`, the domains of a lake share the folder.
"""

from __future__ import annotations

import fcntl
import os
import pickle
import uuid
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from lakehouse.errors import LakehouseError, NotFound
from lakehouse.features.online.layout.slots import Grain, LatestLayout
from lakehouse.features.online.stores.opening import StorePlace
from lakehouse.features.online.stores.protocol import (
    Again,
    Change,
    Chunk,
    Held,
    Pushed,
    Replaced,
    Span,
    Stored,
    Texts,
    TextsCollide,
)

Kept = dict[int, tuple[int, bytes]]
"""Chunks of one entity and grain by when they begin: until when, and the rows."""


def open_store(place: StorePlace) -> ShelfStore:
    """What the entry point names."""
    scheme, _, path, *_ = urlsplit(place.url or "")
    if not (scheme and path):
        raise LakehouseError("A shelf needs a folder: write shelf:///a/folder.")
    shared = place.options.get("LAKEHOUSE_ONLINE_SHELF_FILES") == "one"
    return ShelfStore(Path(path) / ("" if shared else place.domain), place.must_exist)


@dataclass
class OfView:
    """All that is kept of one view."""

    stored: Stored | None = None
    chunks: dict[tuple[bytes, Grain], Kept] = field(default_factory=dict)
    texts: dict[int, bytes] = field(default_factory=dict)
    pushed: dict[Pushed, None] = field(default_factory=dict)
    notes: dict[tuple[str | None, bytes], int] = field(default_factory=dict)


class ShelfStore:
    """An `OnlineStore` in a folder; a view's file is replaced whole, so that every read is of one
    state."""

    def __init__(self, folder: Path, must_exist: bool = False) -> None:
        self._folder = folder
        self._read: dict[str, tuple[Any, OfView]] = {}
        if must_exist and not folder.exists():
            raise NotFound(f"There is no shelf at {folder}.")

    def stored(self, view: str) -> Stored | None:
        return self._of(view).stored

    def chunks(
        self, asked: Sequence[tuple[Stored, Sequence[tuple[bytes, Sequence[Span]]]]]
    ) -> list[list[list[list[bytes]]]]:
        found = []
        for stored, entities in asked:
            of = self._current(stored)
            found.append([[_span(of, entity, *one) for one in spans] for entity, spans in entities])
        return found

    def newest_first(self, stored: Stored, entity: bytes, end_us: int) -> Iterator[bytes]:
        kept = self._current(stored).chunks.get((entity, "event"), {})
        return iter([kept[at][1] for at in sorted(kept, reverse=True) if at < end_us])

    def newest_first_of_many(
        self, stored: Stored, asked: Sequence[tuple[bytes, int]]
    ) -> list[Iterator[bytes]]:
        return [self.newest_first(stored, entity, end_us) for entity, end_us in asked]

    def texts(self, stored: Stored, numbers: Iterable[int]) -> dict[int, bytes]:
        texts = self._current(stored).texts
        try:
            return {number: texts[number] for number in numbers}
        except KeyError:
            raise Replaced(stored.view) from None

    def replace(
        self,
        stored: Stored,
        chunks: Iterable[Chunk],
        texts: Texts,
        again: Again = lambda pushed: ({}, {}),
    ) -> Stored:
        made = replace(stored, generation=uuid.uuid4().int >> 66)
        fresh = OfView(made)
        for grain, entity, begin, until, payload in chunks:
            fresh.chunks.setdefault((entity, grain), {})[begin] = (until, bytes(payload))
        with self._writing(stored.view) as there:
            fresh.pushed = there.pushed
            _keep_texts(fresh, texts)
            changes, more = again(list(fresh.pushed))
            _keep_texts(fresh, more)
            _make(fresh, changes)
            _prune(fresh)
            vars(there).update(vars(fresh))
        return made

    def change(
        self,
        stored: Stored,
        changes: Mapping[bytes, Change],
        texts: Texts,
        notes: str | None = None,
        confirmed: Iterable[tuple[bytes, int]] = (),
    ) -> None:
        with self._writing(stored.view) as there:
            _check_generation(there, stored)
            _keep_texts(there, texts)
            _make(there, changes, notes)
            gone = set(confirmed)
            there.pushed = {r: None for r in there.pushed if (r.entity, r.id) not in gone}

    def advance(self, stored: Stored) -> None:
        with self._writing(stored.view) as there:
            _check_generation(there, stored)
            there.stored = stored
            _prune(there)
            since_us = stored.horizon.of_rows
            there.pushed = {row: None for row in there.pushed if row.event_us >= since_us}

    def pushed(self, view: str) -> list[Pushed]:
        return list(self._of(view).pushed)

    def close(self) -> None:
        self._read.clear()

    def _file(self, view: str) -> Path:
        return self._folder / f"{quote(view, safe='')}.view"

    def _of(self, view: str) -> OfView:
        """What is kept of a view: one object for as long as its file is the same."""
        try:
            with self._file(view).open("rb") as file:
                told = os.fstat(file.fileno())
                stamp = told.st_ino, told.st_mtime_ns, told.st_size
                known = self._read.get(view)
                if known is None or known[0] != stamp:
                    known = self._read[view] = stamp, pickle.load(file)
        except FileNotFoundError:
            return OfView()
        return known[1]

    def _current(self, stored: Stored) -> OfView:
        of = self._of(stored.view)
        _check_generation(of, stored)
        if of.stored is None or of.stored.kept_from_us != stored.kept_from_us:
            raise Replaced(stored.view)
        return of

    @contextmanager
    def _writing(self, view: str) -> Iterator[OfView]:
        """What is kept of a view, to be changed: all of it is written, or on any error nothing."""
        self._folder.mkdir(parents=True, exist_ok=True)
        file = self._file(view)
        with file.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            there: OfView = pickle.loads(file.read_bytes()) if file.exists() else OfView()
            yield there
            building = file.with_suffix(".new")
            building.write_bytes(pickle.dumps(there))
            building.replace(file)


class ShelfChunks:
    """One entity's chunks while they are changed."""

    def __init__(self, of: OfView, entity: bytes, name: str | None) -> None:
        self._of, self._entity, self._note = of, entity, (name, entity)

    def holding(self, grain: Grain, at_us: int) -> Held | None:
        kept = self._of.chunks.get((self._entity, grain), {})
        begin = max((one for one in kept if one <= at_us), default=None)
        return None if begin is None else Held(begin, kept[begin][1])

    def put(self, grain: Grain, begin: int, until: int, payload: bytes) -> None:
        self._of.chunks.setdefault((self._entity, grain), {})[begin] = (until, payload)

    def added(self, grain: Grain, after: Held, at_us: int, row: bytes) -> bool:
        return False

    def forget(self) -> None:
        for grain in ("event", "tile"):
            self._of.chunks.pop((self._entity, grain), None)

    def pushed(self) -> list[Pushed]:
        return [row for row in self._of.pushed if row.entity == self._entity]

    def list_pushed(self, row: Pushed) -> None:
        self._of.pushed[row] = None

    def noted(self) -> int | None:
        return self._of.notes.get(self._note)

    def note(self, number: int) -> None:
        self._of.notes[self._note] = number


def _span(of: OfView, entity: bytes, grain: Grain, first_us: int, end_us: int) -> list[bytes]:
    kept = of.chunks.get((entity, grain), {})
    begins = sorted(kept)
    first = max(bisect_right(begins, first_us) - 1, 0)
    return [kept[begin][1] for begin in begins[first:] if begin < end_us]


def _make(of: OfView, changes: Mapping[bytes, Change], notes: str | None = None) -> None:
    for entity, change in changes.items():
        change(ShelfChunks(of, entity, notes))


def _keep_texts(of: OfView, texts: Texts) -> None:
    for number, text in texts.items():
        if of.texts.setdefault(number, text) != text:
            raise TextsCollide("" if of.stored is None else of.stored.view)


def _prune(of: OfView) -> None:
    stored = of.stored
    assert stored is not None
    latest = isinstance(stored.layout, LatestLayout)
    for (_, grain), kept in of.chunks.items():
        horizon = stored.horizon.events_us if grain == "event" else stored.horizon.tiles_us
        kept_us = stored.kept_from_us
        counted = [b for b, (until, _) in kept.items() if b < kept_us and until <= kept_us]
        superseded = max(counted, default=horizon)
        for begin, (until, _) in list(kept.items()):
            if begin < max(horizon, superseded) if latest else until < horizon:
                del kept[begin]


def _check_generation(of: OfView, stored: Stored) -> None:
    if of.stored is None or of.stored.generation != stored.generation:
        raise Replaced(stored.view)
