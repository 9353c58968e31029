"""Rows that join a view on a Redis server: each batch of entities is changed as one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any, TypeVar

from lakehouse.features.online.stores.protocol import Change, Replaced, Texts
from lakehouse.features.online.stores.redis.changes import (
    Notes,
    batches,
    made,
    new_texts,
    newest_of,
    text_reads,
)
from lakehouse.features.online.stores.redis.connections import Connections, Later
from lakehouse.features.online.stores.redis.keys import (
    Generation,
    ViewKeys,
    beginning_with,
    named,
)
from lakehouse.features.online.stores.redis.wire import Wire, command

_AT_ONCE = 1000
T = TypeVar("T")


@dataclass(frozen=True)
class Pushes:
    """Changes of one materialisation of a view; `notes` is the name that they note under."""

    connections: Connections
    keys: ViewKeys
    generation: Generation
    view: str
    notes: str | None

    def make(
        self,
        changes: Mapping[bytes, Change],
        texts: Texts,
        confirmed: Iterable[tuple[bytes, int]],
    ) -> None:
        """Make all changes."""
        for batch in list(batches(changes)) or [[]]:
            self._make(batch, texts)
            texts = {}
        self._confirm(confirmed)

    def _make(self, batch: list[tuple[bytes, Change]], texts: Texts) -> None:
        keys, generation = self.keys, self.generation
        entities = [entity for entity, _ in batch]
        chunks = [generation.chunks + entity for entity in entities]
        watched = [keys.told, keys.switching, *chunks]
        asked = [command(b"HGET", keys.told, b"stamp"), command(b"EXISTS", keys.switching)]
        asked += text_reads(generation, texts)
        asked += newest_of(generation, chunks)
        notes = None
        if self.notes is not None and entities:
            notes = Notes(generation, self.notes, entities)
            watched.append(generation.notes)
            asked.append(notes.reads)
        self.connections.change(watched, asked, partial(self._decide, batch, texts, notes))

    def _decide(
        self,
        batch: list[tuple[bytes, Change]],
        texts: Texts,
        notes: Notes | None,
        wire: Wire,
        replies: list[Any],
    ) -> Sequence[bytes]:
        answers = iter(replies)
        check_generation(self.view, self.generation.number, next(answers))
        if next(answers):
            raise Later  # the view is about to be replaced
        commands = new_texts(self.view, self.generation, texts, list(islice(answers, len(texts))))
        newest = list(islice(answers, len(self.generation.letters) * len(batch)))
        if notes is not None:
            notes.take(next(answers))
        return commands + made(wire, self.keys, self.generation, batch, newest, notes)

    def _confirm(self, confirmed: Iterable[tuple[bytes, int]]) -> None:
        """List rows no more. Listed or not a row of the table counts once."""
        key = self.keys.pushed
        for some in _some(confirmed):
            (there,) = self.connections.ask(command(b"EXISTS", key), 1)
            if not there:
                return
            gone = [
                command(b"ZREMRANGEBYLEX", key, *beginning_with(named(entity, number)))
                for entity, number in some
            ]
            self.connections.ask(b"".join(gone), len(gone))


def check_generation(view: str, number: int, stamp: bytes | None) -> None:
    """Raise Replaced if another generation is told."""
    if stamp is None or int(stamp.split(b":")[0]) != number:
        raise Replaced(view)


def _some(items: Iterable[T]) -> Iterator[list[T]]:
    left = iter(items)
    while some := list(islice(left, _AT_ONCE)):
        yield some
