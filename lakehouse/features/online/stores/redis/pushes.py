"""Rows that join a view on a Redis server: each batch of entities at once, each row exactly once.

What is one batch changes as one. Where a transaction takes several, each notes the entities that
it changed beside the changes themselves, so that the same call made again leaves them out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any, TypeVar

from lakehouse.engines.protocol import Transaction
from lakehouse.features.online.stores.protocol import Change, Pushed, Replaced, Texts
from lakehouse.features.online.stores.redis.changes import (
    asked_texts,
    batches,
    made,
    new_texts,
    newest_of,
)
from lakehouse.features.online.stores.redis.connections import Connections, Later
from lakehouse.features.online.stores.redis.keys import (
    Generation,
    ViewKeys,
    beginning_with,
    length_first,
    listed,
    named,
    sortable,
)
from lakehouse.features.online.stores.redis.wire import Wire, command

_AT_ONCE = 1000
T = TypeVar("T")


@dataclass(frozen=True)
class Pushes:
    """Changes of one materialisation of a view, by a transaction or by none."""

    connections: Connections
    keys: ViewKeys
    generation: Generation
    view: str
    transaction: Transaction | None

    def make(
        self,
        changes: Mapping[bytes, Change],
        texts: Texts,
        pushed: Sequence[Pushed],
        confirmed: Iterable[tuple[bytes, int]],
    ) -> bool:
        """Make all changes; False if the transaction was seen."""
        parts = list(batches(changes)) or [[]]
        by_entity: dict[bytes, list[Pushed]] = {}
        for row in pushed:
            by_entity.setdefault(row.entity, []).append(row)
        for number, batch in enumerate(parts, 1):
            alone = number == len(parts)
            rows = {entity: by_entity.pop(entity, []) for entity, _ in batch}
            others = [row for own in by_entity.values() for row in own] if alone else []
            is_new = self._make(_Batch(batch, texts, rows, others, alone))
            if not is_new:
                break
            texts = {}
        # Also where all was made before: by one that came to its end but for this.
        if len(parts) > 1:
            self._forget_marks(changes)
        self._confirm(confirmed)
        return is_new

    def _make(self, batch: _Batch) -> bool:
        keys, generation, transaction = self.keys, self.generation, self.transaction
        entities = [generation.chunks + entity for entity, _ in batch.changes]
        watched = [keys.told, keys.switching, *entities]
        asked = [command(b"HGET", keys.told, b"stamp"), command(b"EXISTS", keys.switching)]
        asked += asked_texts(generation, batch.texts)
        asked += newest_of(generation, entities)
        if transaction is not None:
            watched.append(generation.seen)
            asked.append(command(b"HGET", generation.seen, transaction.application.encode()))
            mark = _mark(transaction)
            asked += [
                command(b"SISMEMBER", generation.done, mark + entity) for entity, _ in batch.changes
            ]
        seen: list[bool] = []
        self.connections.change(watched, asked, partial(self._decide, batch, seen))
        return not seen[-1]

    def _decide(
        self, batch: _Batch, seen: list[bool], wire: Wire, found: list[Any]
    ) -> Sequence[bytes]:
        answers = iter(found)
        check_generation(self.view, self.generation.number, next(answers))
        if next(answers):
            raise Later  # the view is about to be replaced
        there = list(islice(answers, len(batch.texts)))
        changes = batch.changes
        grains = len(self.generation.letters)
        newest = list(islice(answers, grains * len(changes)))
        seen.append(self._was_seen(None if self.transaction is None else next(answers)))
        if seen[-1]:
            return ()
        left = [place for place, done in enumerate(answers) if not done]
        if self.transaction is not None and len(left) < len(changes):
            changes = [changes[place] for place in left]
            newest = [newest[grains * place + n] for place in left for n in range(grains)]
        commands = new_texts(self.view, self.generation, batch.texts, there)
        commands += made(wire, self.keys, self.generation, changes, newest)
        commands += self._listing([*batch.others, *batch.rows_of(changes)])
        return [*commands, *self._noting(changes, batch.is_last)]

    def _was_seen(self, last: bytes | None) -> bool:
        return (
            self.transaction is not None
            and last is not None
            and int(last) >= self.transaction.version
        )

    def _listing(self, rows: Sequence[Pushed]) -> Iterator[bytes]:
        for some in _some(rows):
            parts = [part for row in some for part in (b"0", listed(row))]
            yield command(b"ZADD", self.keys.pushed, *parts)

    def _noting(self, changes: Sequence[tuple[bytes, Change]], is_last: bool) -> Iterator[bytes]:
        """Say that the transaction is made, or which part of it."""
        transaction = self.transaction
        if transaction is None:
            return
        if is_last:
            application, version = transaction.application.encode(), b"%d" % transaction.version
            yield command(b"HSET", self.generation.seen, application, version)
        elif changes:
            mark = _mark(transaction)
            marks = [mark + entity for entity, _ in changes]
            yield command(b"SADD", self.generation.done, *marks)

    def _forget_marks(self, entities: Iterable[bytes]) -> None:
        if self.transaction is None:
            return
        mark = _mark(self.transaction)
        for some in _some(entities):
            marks = [mark + entity for entity in some]
            self.connections.ask(command(b"SREM", self.generation.done, *marks), 1)

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


@dataclass(frozen=True)
class _Batch:
    """Changes of some entities that are made together, with all that belongs to them.

    `rows` that were pushed stand by entity, those of `others` are of entities without a change.
    """

    changes: list[tuple[bytes, Change]]
    texts: Texts
    rows: Mapping[bytes, list[Pushed]]
    others: list[Pushed]
    is_last: bool

    def rows_of(self, changes: Iterable[tuple[bytes, Change]]) -> Iterator[Pushed]:
        for entity, _ in changes:
            yield from self.rows[entity]


def check_generation(view: str, number: int, stamp: bytes | None) -> None:
    """Raise Replaced if another generation is told."""
    if stamp is None or int(stamp.split(b":")[0]) != number:
        raise Replaced(view)


def _mark(transaction: Transaction) -> bytes:
    """How the marks of a transaction begin."""
    application = transaction.application.encode()
    return length_first(application) + sortable(transaction.version)


def _some(items: Iterable[T]) -> Iterator[list[T]]:
    left = iter(items)
    while some := list(islice(left, _AT_ONCE)):
        yield some
