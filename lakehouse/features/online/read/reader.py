"""Features of entities at moments, read from an online store.

What a server imports: neither pandas, Arrow, DuckDB nor delta-rs is loaded.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import singledispatch

from lakehouse.declare.features import FeatureView, LatestView, StoredView
from lakehouse.declare.view import unknown_kind
from lakehouse.errors import LakehouseError, NotFound, unknown
from lakehouse.features.online.layout.entity_keys import EntityKeys, Key
from lakehouse.features.online.layout.kinds import StoredDifferently, of_kind
from lakehouse.features.online.layout.slots import BEGINNING, LatestLayout, WindowLayout
from lakehouse.features.online.read.last_rows import LastRowsReach
from lakehouse.features.online.read.latest import LatestAnswers
from lakehouse.features.online.read.many_entities import many_columns
from lakehouse.features.online.read.windows import Columns, Values, WindowAnswers
from lakehouse.features.online.stores.protocol import OnlineStore, Replaced, Span, Stored

ATTEMPTS = 5
"""How often a read begins anew when a view is replaced under it, each time by a newer one."""
AT_ONCE = 8
"""From so many entities on their rows are merged together."""
MOST_TEXTS = 100_000
"""How many texts of a view a reader remembers."""


class NotKept(LakehouseError):
    """A moment lies before what the online store keeps."""


class FeatureReader:
    """Features of entities at moments, from a store.

    Views are looked up when first asked for and again when they were replaced, so a reader that
    runs on sees what is materialised later. Safe across threads if its store is.
    """

    def __init__(self, store: OnlineStore, views: Iterable[StoredView]) -> None:
        self.store = store
        self.views = {view.name: view for view in views}
        self._answers: dict[str, _WindowReads | _LatestReads] = {}

    def get(self, view: StoredView | str, entity: Key, at_us: int) -> Values:
        """A view's features of one entity at a moment, by `view__feature`.

        `entity` holds the values of the entity's key columns by name, beside whatever else, or
        is a tuple of them in their order. `at_us` is UTC microseconds. Values are int, float,
        Decimal, str, bool, datetime, date or None, or a list of them; an entity that is not known
        has the values of one without rows. Raises NotFound for a view that is not served or not
        materialised, EntityKeyError for a key that is none, NotKept for a moment before those
        that the store keeps.
        """
        (values,) = self.get_views([view], [entity], [at_us])
        return values

    def get_many(
        self, view: StoredView | str, entities: Sequence[Key], at_us: Sequence[int]
    ) -> list[Values]:
        """A view's features of several entities, each at its own moment, from one round trip."""
        return self.get_views([view], entities, at_us)

    def get_views(
        self,
        views: Sequence[StoredView | str],
        entities: Sequence[Key],
        at_us: Sequence[int],
    ) -> list[Values]:
        """The features of several views together; those of all windows from one round trip."""
        if len(entities) != len(at_us):
            raise ValueError(f"{len(entities)} entities and {len(at_us)} moments: one is shorter.")
        names = [view if isinstance(view, str) else view.name for view in views]
        for _ in range(ATTEMPTS):
            answers = [self._answers.get(name) or self._looked_up(name) for name in names]
            try:
                if len(entities) == 1:
                    return [_of_one(self.store, answers, entities[0], at_us[0])]
                return _of_several(self.store, answers, entities, at_us)
            except Replaced:
                for name in names:
                    self._answers.pop(name, None)
        raise _replaced("', '".join(names))

    def stored(self, view: StoredView | str) -> Stored | None:
        """What the store holds of a view now: its table's version, rows and entities."""
        return self.store.stored(view if isinstance(view, str) else view.name)

    def close(self) -> None:
        self.store.close()

    def _looked_up(self, name: str) -> _WindowReads | _LatestReads:
        if name not in self.views:
            raise NotFound(unknown("view", name, self.views, "The online reader"))
        stored = self.store.stored(name)
        if stored is None:
            raise NotFound(
                f"View '{name}' is not in the online store yet; 'lakehouse run DOMAIN features' "
                "materialises it."
            )
        answers = _answers(self.views[name], stored)
        self._answers[name] = answers
        return answers


def _replaced(name: str) -> LakehouseError:
    return LakehouseError(
        f"View '{name}' was replaced {ATTEMPTS} times while it was read; ask again."
    )


def _of_one(
    store: OnlineStore, answers: Sequence[_WindowReads | _LatestReads], entity: Key, at_us: int
) -> Values:
    """The features of views of one entity; most reads ask for that."""
    keys = [one.key(entity, at_us) for one in answers]
    reads = [
        (one.stored, [(key, one.needed(at_us))])
        for one, key in zip(answers, keys, strict=True)
        if key is not None and isinstance(one, _WindowReads)
    ]
    chunks = iter(store.chunks(reads) if reads else ())
    values: Values = {}
    for one, key in zip(answers, keys, strict=True):
        if key is None:
            values |= one.empty()
        elif isinstance(one, _WindowReads):
            values |= one.value_of(store, (key, at_us), next(chunks)[0])
        else:
            values |= one.value(store, at_us, key)
    return values


def _of_several(
    store: OnlineStore,
    answers: Sequence[_WindowReads | _LatestReads],
    entities: Sequence[Key],
    at_us: Sequence[int],
) -> list[Values]:
    """The features of views, in the order of the entities."""
    keys = [one.keys(entities, at_us) for one in answers]
    asked = [
        (one, [(key, at) for key, at in zip(of_view, at_us, strict=True) if key is not None])
        for one, of_view in zip(answers, keys, strict=True)
    ]
    reads = [(one.stored, one.spans(some)) for one, some in asked if isinstance(one, _WindowReads)]
    chunks = iter(store.chunks(reads) if reads else ())
    columns: Columns = {}
    for (one, some), of_view in zip(asked, keys, strict=True):
        if isinstance(one, _WindowReads):
            found = one.columns(store, some, next(chunks))
        else:
            found = one.columns(store, some)
        columns |= found if len(some) == len(of_view) else _with_unknown(found, of_view, one)
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _with_unknown(
    of_known: Columns, keys: Sequence[bytes | None], answers: _WindowReads | _LatestReads
) -> Columns:
    """The values of all keys, from those of the keys that a view can have."""
    columns: Columns = {}
    for name, values in of_known.items():
        known = iter(values)
        columns[name] = [answers.empty()[name] if key is None else next(known) for key in keys]
    return columns


class _Answers:
    """A view as it is stored: its keys, and how its values are read."""

    def __init__(self, view: StoredView, stored: Stored) -> None:
        self._keys, self.stored = EntityKeys.of_view(view), stored

    def key(self, entity: Key, at_us: int) -> bytes | None:
        """The key of an entity, None if it is one that the view cannot have."""
        if at_us < self.stored.kept_from_us:
            raise self._not_kept(at_us)
        return self._keys.of(entity)

    def keys(self, entities: Sequence[Key], at_us: Sequence[int]) -> list[bytes | None]:
        """The keys of entities, None for those that the view cannot have."""
        keys = [self._keys.of(entity) for entity in entities]
        if at_us and min(at_us) < self.stored.kept_from_us:
            raise self._not_kept(min(at_us))
        return keys

    def empty(self) -> Values:
        raise NotImplementedError

    def _by_column(self, values: Iterable[Values]) -> Columns:
        each = list(values)
        return {name: [of_one[name] for of_one in each] for name in self.empty()}

    def _not_kept(self, at_us: int) -> NotKept:
        asked, kept = (
            datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=us)
            for us in (at_us, self.stored.kept_from_us)
        )
        return NotKept(
            f"View '{self.stored.view}': the online store keeps moments from "
            f"{kept.isoformat(timespec='seconds')} on, and was asked for "
            f"{asked.isoformat(timespec='seconds')}; ask historical features, or keep more "
            "(LAKEHOUSE_ONLINE_KEEP) and materialise the view anew."
        )


class _WindowReads(_Answers):
    def __init__(self, view: StoredView, stored: Stored, answers: WindowAnswers) -> None:
        super().__init__(view, stored)
        self._answers = answers
        self._reach = LastRowsReach(answers, stored)
        self._texts: dict[int, str] = {}
        _check_horizon(view, stored, answers)

    def empty(self) -> Values:
        return self._answers.empty()

    def needed(self, at_us: int) -> Sequence[Span]:
        """The chunks of a key that a moment needs; of last rows more may be read then."""
        return self._reach.needed(at_us)

    def value_of(
        self, store: OnlineStore, lookup: tuple[bytes, int], chunks: Sequence[Sequence[bytes]]
    ) -> Values:
        """The features of a key at a moment, from those chunks."""
        (chunks,) = self._reach.completed(store, [lookup], [chunks])
        return self._value(store, lookup[1], chunks)

    def _value(self, store: OnlineStore, at_us: int, chunks: Sequence[Sequence[bytes]]) -> Values:
        answers = self._answers
        values = answers.values(at_us, chunks)
        if answers.texts:
            answers.with_texts(values, lambda numbers: self._look_up(store, numbers))
        return values

    def spans(self, lookups: Sequence[tuple[bytes, int]]) -> list[tuple[bytes, Sequence[Span]]]:
        """The chunks that keys and moments need."""
        needed = {at_us: self._reach.needed(at_us) for at_us in {at_us for _, at_us in lookups}}
        return [(key, needed[at_us]) for key, at_us in lookups]

    def columns(
        self,
        store: OnlineStore,
        lookups: Sequence[tuple[bytes, int]],
        chunks: Sequence[Sequence[Sequence[bytes]]],
    ) -> Columns:
        """The features of keys at moments, from the chunks of their spans."""
        if len(lookups) >= AT_ONCE:
            together = many_columns(self._answers, [at_us for _, at_us in lookups], chunks)
            if together is not None:
                return together
        chunks = self._reach.completed(store, lookups, chunks)
        return self._by_column(
            self._value(store, at_us, own) for (_, at_us), own in zip(lookups, chunks, strict=True)
        )

    def _look_up(self, store: OnlineStore, numbers: Iterable[int]) -> Mapping[int, str]:
        missing = [number for number in numbers if number not in self._texts]
        if missing:
            found = store.texts(self.stored, missing)
            if len(self._texts) + len(found) > MOST_TEXTS:
                self._texts = {n: self._texts[n] for n in numbers if n in self._texts}
            self._texts |= {number: text.decode() for number, text in found.items()}
        return self._texts


class _LatestReads(_Answers):
    def __init__(self, view: StoredView, stored: Stored, answers: LatestAnswers) -> None:
        super().__init__(view, stored)
        self._answers = answers
        bounded = stored.kept_from_us != BEGINNING
        if bounded and answers.begins(stored.kept_from_us) < stored.horizon.events_us:
            raise _shorter(view)

    def empty(self) -> Values:
        return self._answers.empty()

    def value(self, store: OnlineStore, at_us: int, key: bytes) -> Values:
        """The features of a key at a moment."""
        return self._answers.values(at_us, store.newest_first(self.stored, key, at_us))

    def columns(self, store: OnlineStore, lookups: Sequence[tuple[bytes, int]]) -> Columns:
        """The features of keys at moments."""
        newest = store.newest_first_of_many(self.stored, lookups)
        return self._by_column(
            self._answers.values(at_us, chunks)
            for (_, at_us), chunks in zip(lookups, newest, strict=True)
        )


def _check_horizon(view: StoredView, stored: Stored, answers: WindowAnswers) -> None:
    """Refuse a view whose windows reach further back than those that the store was filled for."""
    if stored.kept_from_us == BEGINNING:
        return
    spans = answers.whole(stored.kept_from_us)
    shorter = any(first_us < stored.horizon.whole(grain) for grain, first_us, _ in spans)
    if shorter or answers.lacks():
        raise _shorter(view)


def _shorter(view: StoredView) -> StoredDifferently:
    return StoredDifferently(
        f"View '{view.name}': the online store was filled for another declaration of it and keeps "
        "less of the past than this one needs; materialise the view as it is declared here, or "
        "serve a model of the declaration that was materialised."
    )


@singledispatch
def _answers(view: StoredView, stored: Stored) -> _WindowReads | _LatestReads:  # noqa: ARG001
    """How a view is read; raises StoredDifferently where what is stored is of another kind."""
    raise unknown_kind(view, "_answers")


@_answers.register
def _(view: FeatureView, stored: Stored) -> _WindowReads:
    layout = of_kind(WindowLayout, view, stored.layout)
    return _WindowReads(view, stored, WindowAnswers(view, layout))


@_answers.register
def _(view: LatestView, stored: Stored) -> _LatestReads:
    layout = of_kind(LatestLayout, view, stored.layout)
    return _LatestReads(view, stored, LatestAnswers(view, layout))
