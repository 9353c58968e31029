"""Bring the online store up to date with a view's table."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

from lakehouse.context import Context
from lakehouse.declare import compiled
from lakehouse.declare.features import StoredView
from lakehouse.engines.protocol import Transaction
from lakehouse.errors import LakehouseError
from lakehouse.features.online.layout.entity_keys import EntityKeys
from lakehouse.features.online.layout.slots import BEGINNING, LatestLayout, Layout, layout_of
from lakehouse.features.online.read.latest import LatestAnswers
from lakehouse.features.online.read.windows import WindowAnswers
from lakehouse.features.online.stores.opening import open_store
from lakehouse.features.online.stores.protocol import (
    Change,
    Chunk,
    EntityChunks,
    Horizon,
    OnlineStore,
    Pushed,
    Stored,
    Texts,
)
from lakehouse.features.online.write.changed_rows import Changed, changed_rows
from lakehouse.features.online.write.joining import Joining
from lakehouse.features.online.write.new_rows import NewRow, RowPacker
from lakehouse.features.online.write.once import change_once
from lakehouse.features.online.write.packing import pack
from lakehouse.features.online.write.pushed_rows import (
    Place,
    PushedRows,
    entity_key,
    in_tiles_alone,
    moved,
)
from lakehouse.features.online.write.view_source import ViewSource, columns_needed
from lakehouse.records.store import Run
from lakehouse.times import microseconds

MOST_NEW = 50_000
"""With more new rows the view is packed anew: that takes a microsecond a row, not a few dozen."""


@dataclass(frozen=True)
class Materialised:
    """What the online store holds of a view: its rows, entities, and its table's version.

    `changed` says whether anything had to be done, `taken` how many rows that took.
    """

    rows: int
    entities: int
    version: int
    changed: bool
    taken: int = 0


def materialise(
    ctx: Context, view: StoredView, store: OnlineStore | None = None, full: bool = False
) -> Materialised:
    """Put the rows of a view's table, at its newest version, into the online store.

    Only what changed since the version that the store holds is read, if that is little; else, or
    with `full`, the view is packed anew, and readers see all of it or what was there before. Rows
    that were pushed and are not in the table stay. `store` is the lake's own by default.
    """
    with ctx.run("features", view.name) as run, _open(ctx, store) as online:
        return _Work(ctx, view, online, run).up_to_date(full)


def backfill(
    ctx: Context,
    view: StoredView,
    since: datetime,
    until: datetime,
    store: OnlineStore | None = None,
) -> Materialised:
    """Bring a view up to date, and put anew what the table's rows of an interval belong to.

    Every entity with a row whose event time lies in [since, until) is read from the table again.
    """
    if not since < until:
        raise LakehouseError(f"There is nothing from {since} until {until}; give an earlier start.")
    with ctx.run("features", view.name) as run, _open(ctx, store) as online:
        return _Work(ctx, view, online, run).backfilled(microseconds(since), microseconds(until))


@contextmanager
def _open(ctx: Context, store: OnlineStore | None) -> Iterator[OnlineStore]:
    online = store if store is not None else open_store(ctx.home, ctx.domain.name, ctx.online)
    try:
        yield online
    finally:
        if store is None:
            online.close()


class _Work:
    """One view brought up to date in one run."""

    def __init__(self, ctx: Context, view: StoredView, online: OnlineStore, run: Run) -> None:
        self._ctx, self._view, self._online, self._run = ctx, view, online, run
        self._digest = compiled.digest(view)
        self._layout = layout_of(view)
        self._version = ctx.version(view.of)
        self._keys = EntityKeys.of_view(view)

    def up_to_date(self, full: bool) -> Materialised:
        there = None if full else self._there()
        if there is not None and there.version == self._version:
            self._run.metrics["unchanged"] = True
            return Materialised(there.rows, there.entities, self._version, changed=False)
        changed = None if there is None else self._changed(there)
        done = self._whole() if there is None or changed is None else self._added(there, changed)
        self._run.metrics |= {"rows": done.rows, "entities": done.entities, "taken": done.taken}
        self._run.metrics["version"] = done.version
        return done

    def backfilled(self, since_us: int, until_us: int) -> Materialised:
        done = self.up_to_date(full=False)
        there = self._there()
        if there is None:
            raise LakehouseError(f"View '{self._view.name}' was replaced meanwhile; start again.")
        source = ViewSource(self._ctx, self._view, self._run)
        entities = source.entities(since_us, until_us)
        anew = {self._keys.of(key) or b"": key for key in entities}
        self._put_anew(there, anew, self._online.pushed(self._view.name))
        self._run.metrics |= {"backfilled": len(entities)}
        return replace(done, changed=done.changed or bool(entities))

    def _there(self) -> Stored | None:
        """What the store holds of the view as it is declared; None if it has to be filled."""
        there = self._online.stored(self._view.name)
        if there is None or (there.digest, there.layout) != (self._digest, self._layout):
            return None
        bounded = there.kept_from_us != BEGINNING
        return there if bounded == (self._ctx.online.keep_us is not None) else None

    def _changed(self, there: Stored) -> Changed | None:
        if self._version < there.version:
            return None
        table, columns = self._view.of, columns_needed(self._view)
        versions = (there.version, self._version)
        found = changed_rows(self._ctx, table, versions, columns, MOST_NEW)
        if found is not None:
            self._run.read(self._ctx.table_of(table).id, self._version)
        return found

    def _whole(self) -> Materialised:
        """Pack the view anew, in the place of what is there."""
        source = ViewSource(self._ctx, self._view, self._run)
        extent = source.extent()
        kept_from_us = self._kept_from(extent.newest_us)
        horizon = horizon_of(self._view, self._layout, kept_from_us)
        source.check_entities(horizon.events_us, self._ctx.online.most_rows)
        stored = Stored(
            self._view.name,
            self._version,
            self._digest,
            self._layout,
            extent.rows,
            extent.entities,
            kept_from_us,
            horizon,
            extent.newest_us,
        )
        texts: dict[int, bytes] = {}

        def chunks() -> Iterator[Chunk]:
            for table in source.slices(self._layout, horizon.of_rows):
                yield from pack(self._view, self._layout, table, texts, horizon, kept_from_us)

        listed = PushedRows(self._view, self._layout)
        before = self._online.pushed(self._view.name)
        there, asked = listed.in_table(before, source), {*before}
        both = ChainMap(texts, listed.texts)
        joining = Joining(self._online, stored, self._view, both, "kept")

        def again(pushed: Sequence[Pushed]) -> tuple[Mapping[bytes, Change], Texts]:
            older = [row for row in in_tiles_alone(pushed, horizon) if row not in asked]
            without = there | listed.in_table(older, source)
            return joining.changes(listed.packed(pushed, horizon, without)), listed.texts

        made = self._online.replace(stored, chunks(), texts, again)
        self._online.change(made, {}, {}, confirmed=joining.there | there)
        return Materialised(made.rows, made.entities, made.version, changed=True, taken=extent.rows)

    def _added(self, there: Stored, changed: Changed) -> Materialised:
        """Add the rows that came; put entities anew of which rows went or changed."""
        packer = RowPacker(self._view, self._layout)
        rows: dict[bytes, list[NewRow]] = {}
        keys: dict[bytes, tuple[Any, ...]] = {}
        anew: set[bytes] = set()
        newest_us, now_us = there.newest_us, microseconds(self._ctx.records.now())
        horizon = there.horizon
        for given in changed.went.to_pylist():
            row = packer.pack(given)
            if row is not None:
                keys[row.entity] = entity_key(self._view, given)
                anew.add(row.entity)
        pushed = PushedRows(self._view, self._layout)
        before = self._online.pushed(self._view.name)
        listed = pushed.by_id(before)
        taken_back: set[tuple[bytes, int]] = set()
        came = 0
        for given in changed.came.to_pylist():
            row = packer.pack(given)
            if row is None:
                continue
            came += 1
            seen_us = min(row.event_us, row.known_us)
            if seen_us <= now_us:  # a row from the future moves nothing out of reach
                newest_us = max(newest_us, seen_us)
            keys[row.entity] = entity_key(self._view, given)
            for wrong in listed.get(row.id, ()):
                if moved(wrong, row):
                    taken_back.add((wrong.entity, wrong.id))
                    keys[wrong.entity] = entity_key(self._view, pushed.read(wrong))
                    anew.add(wrong.entity)
            if row.event_us < horizon.whole("event"):
                # Whether an event from before what is kept was counted cannot be seen any more.
                if row.event_us >= horizon.of_rows:
                    anew.add(row.entity)
                continue
            rows.setdefault(row.entity, []).append(row)
        joining = Joining(self._online, there, self._view, packer.texts, "replaced")
        joined = joining.changes({e: found for e, found in rows.items() if e not in anew})
        changes = joining.settled(joined)
        confirmed = [(entity, row.id) for entity, found in rows.items() for row in found]
        # Rows with a key are told apart by it; the others must not be added again after a crash.
        once = None if self._view.of.keys else Transaction("the table", self._version)
        change_once(self._online, there, changes, packer.texts, once, confirmed)
        anew |= joining.differing
        entities = there.entities + len(joining.first_seen)
        kept_from_us = self._kept_from(newest_us)
        stored = replace(
            there,
            version=self._version,
            rows=there.rows + came - changed.went.num_rows,
            entities=entities,
            kept_from_us=kept_from_us,
            horizon=horizon_of(self._view, self._layout, kept_from_us),
            newest_us=newest_us,
        )
        self._put_anew(there, {entity: keys[entity] for entity in anew}, before, taken_back)
        self._online.advance(stored)
        taken = changed.came.num_rows + changed.went.num_rows
        return Materialised(stored.rows, entities, self._version, changed=True, taken=taken)

    def _put_anew(
        self,
        there: Stored,
        entities: Mapping[bytes, tuple[Any, ...]],
        pushed: Sequence[Pushed],
        taken_back: Collection[Place] = (),
    ) -> None:
        """Read entities from the table again, and put them in the place of what is there.

        `pushed` is what is listed: what comes later is no older than the horizon.
        """
        if not entities:
            return
        source = ViewSource(self._ctx, self._view, self._run)
        horizon = there.horizon
        texts: dict[int, bytes] = {}
        by_entity: dict[bytes, list[Chunk]] = {entity: [] for entity in entities}
        for table in source.slices(self._layout, horizon.of_rows, list(entities.values())):
            for chunk in pack(self._view, self._layout, table, texts, horizon, there.kept_from_us):
                by_entity[chunk.entity].append(chunk)
        listed = PushedRows(self._view, self._layout)
        older = [row for row in in_tiles_alone(pushed, horizon) if row.entity in entities]
        without = listed.in_table(older, source) | {*taken_back}
        both = ChainMap(texts, listed.texts)
        joining = Joining(self._online, there, self._view, both, "kept")

        def anew(of: Sequence[Chunk], entity: EntityChunks) -> None:
            entity.forget()
            for chunk in of:
                entity.put(chunk.grain, chunk.begin, chunk.until, bytes(chunk.payload))
            again = joining.changes(listed.packed(entity.pushed(), horizon, without))
            for change in again.values():
                change(entity)

        changes = {entity: partial(anew, chunks) for entity, chunks in by_entity.items()}
        self._online.change(there, changes, texts)
        self._online.change(there, {}, {}, confirmed=joining.there | without)

    def _kept_from(self, newest_us: int) -> int:
        keep_us = self._ctx.online.keep_us
        return BEGINNING if keep_us is None else newest_us - keep_us


def horizon_of(view: StoredView, layout: Layout, kept_from_us: int) -> Horizon:
    """From when on events and tiles are needed for moments from `kept_from_us` on."""
    if kept_from_us == BEGINNING:
        return Horizon()
    if isinstance(layout, LatestLayout):
        begins = LatestAnswers(view, layout).begins(kept_from_us)  # type: ignore[arg-type]
        return Horizon(begins, begins)
    answers = WindowAnswers(view, layout)  # type: ignore[arg-type]
    spans = {grain: first_us for grain, first_us, _ in answers.whole(kept_from_us)}
    events_us, tiles_us = spans["event"], spans.get("tile", spans["event"])
    return Horizon(
        BEGINNING if layout.last_rows else events_us,
        BEGINNING if layout.ever else tiles_us,
        events_us,
        tiles_us,
    )
