"""Features of entities at moments, read from an online store.

What a server imports: neither pandas, Arrow, DuckDB nor delta-rs is loaded.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lakehouse.declare.features import LatestView, StoredView
from lakehouse.errors import LakehouseError, NotFound, unknown
from lakehouse.features.entity_keys import EntityKeys, Key
from lakehouse.features.online import OnlineStore, Replaced, Stored
from lakehouse.features.online_latest import LatestAnswers
from lakehouse.features.online_layout import LatestLayout, WindowLayout
from lakehouse.features.online_windows import StoredDifferently, Values, WindowAnswers

ATTEMPTS = 5
"""How often a read begins anew when a view is replaced under it, each time by a newer one."""


class FeatureReader:
    """Features of entities at moments, from a store.

    Views are looked up when first asked for and again when they were replaced, so a reader that
    runs on sees what is materialised later. Safe across threads if its store is.
    """

    def __init__(self, store: OnlineStore, views: Iterable[StoredView]) -> None:
        self.store = store
        self.views = {view.name: view for view in views}
        self._answers: dict[str, _Answers] = {}

    def get(self, view: StoredView | str, entity: Key, at_us: int) -> Values:
        """A view's features of one entity at a moment, by `view__feature`.

        `entity` holds the values of the entity's key columns by name, beside whatever else, or
        is a tuple of them in their order. `at_us` is UTC microseconds. Values are int, float,
        Decimal, str, bool, datetime, date or None; an entity that is not known has the values of
        one without rows. Raises NotFound for a view that is not served or not materialised,
        EntityKeyError for a key that is none.
        """
        name = view if isinstance(view, str) else view.name
        for _ in range(ATTEMPTS):
            answers = self._answers.get(name) or self._looked_up(name)
            try:
                return answers.values(self.store, entity, at_us)
            except Replaced:
                self._answers.pop(name, None)
        raise LakehouseError(
            f"View '{name}' was replaced {ATTEMPTS} times while it was read; ask again."
        )

    def get_many(
        self, view: StoredView | str, entities: Sequence[Key], at_us: Sequence[int]
    ) -> list[Values]:
        """A view's features of several entities, each at its own moment."""
        return [self.get(view, e, at) for e, at in zip(entities, at_us, strict=True)]

    def stored(self, view: StoredView | str) -> Stored | None:
        """What the store holds of a view now: its table's version, rows and entities."""
        return self.store.stored(view if isinstance(view, str) else view.name)

    def close(self) -> None:
        self.store.close()

    def _looked_up(self, name: str) -> _Answers:
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


class _WindowReads:
    """Which chunks a FeatureView needs at a moment."""

    def __init__(self, stored: Stored, answers: WindowAnswers, layout: WindowLayout) -> None:
        self._stored, self._answers, self._layout = stored, answers, layout
        self._empty = answers.empty

    def values(self, store: OnlineStore, key: bytes, at_us: int) -> Values:
        span = self._answers.events_needed(at_us)
        bucket_us = self._layout.bucket_us
        first, last = span.begin // bucket_us, (span.end - 1) // bucket_us
        events = store.chunks(self._stored, "event", key, first, last)
        tiles: Sequence[bytes] = ()
        span_of_tiles = self._answers.tiles_needed(at_us)
        if span_of_tiles is not None:
            bucket_us = self._layout.tile_bucket_us
            first, last = span_of_tiles.begin // bucket_us, (span_of_tiles.end - 1) // bucket_us
            tiles = store.chunks(self._stored, "tile", key, first, last)
        if not events and not tiles:
            return self._empty.copy()
        return self._answers.values(at_us, events, tiles)


class _LatestReads:
    """Which chunks a LatestView needs at a moment."""

    def __init__(self, stored: Stored, answers: LatestAnswers, layout: LatestLayout) -> None:
        self._stored, self._answers, self._layout = stored, answers, layout

    def values(self, store: OnlineStore, key: bytes, at_us: int) -> Values:
        span, bucket_us = self._answers.needed(at_us), self._layout.bucket_us
        first, last = span.begin // bucket_us, (span.end - 1) // bucket_us
        return self._answers.values(at_us, store.newest_first(self._stored, key, first, last))


class _Answers:
    """A view as it is stored: its keys, and how its values are read."""

    def __init__(self, keys: EntityKeys, reads: _WindowReads | _LatestReads, empty: Values) -> None:
        self._keys, self._reads, self._empty = keys, reads, empty

    def values(self, store: OnlineStore, entity: Key, at_us: int) -> Values:
        key = self._keys.of(entity)
        return self._empty.copy() if key is None else self._reads.values(store, key, at_us)


def _answers(view: StoredView, stored: Stored) -> _Answers:
    keys, layout = EntityKeys.of_view(view), stored.layout
    if isinstance(view, LatestView) and isinstance(layout, LatestLayout):
        latest = LatestAnswers(view, layout)
        return _Answers(keys, _LatestReads(stored, latest, layout), latest.empty)
    if not isinstance(view, LatestView) and isinstance(layout, WindowLayout):
        windows = WindowAnswers(view, layout)
        return _Answers(keys, _WindowReads(stored, windows, layout), windows.empty)
    raise StoredDifferently(
        f"View '{view.name}': the online store holds another kind of view by this name; "
        "materialise the view as it is declared here."
    )
