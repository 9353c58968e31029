"""Mistakes in features at past moments, made by changing what a right engine is asked."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from lakehouse.declare.durations import HOUR, Duration
from lakehouse.declare.features import (
    Aggregate,
    AnyWindow,
    Entity,
    FeatureView,
    LatestView,
    StoredView,
    Window,
    Windows,
)
from lakehouse.declare.fields import set_fields
from lakehouse.engines.protocol import BoundView, Engine, Frame
from lakehouse.language.provenance import KNOWN_AT
from lakehouse.testing.mutations import changes
from lakehouse.testing.mutations.wrapping import Wrapped

_AT = "_mutant_at"
_KEY = "_mutant_key"


@dataclass(frozen=True)
class Mutation:
    """What a mutant changes: moments and times by microseconds, views, rows, spine or answer."""

    moment: int = 0
    event: int = 0
    known: int = 0
    view: Callable[[StoredView], StoredView] = lambda view: view
    rows: Callable[[StoredView, Any], Any] = lambda _, rows: rows
    spine: Callable[[Any, Sequence[BoundView], Engine], Any] = lambda spine, *_: spine
    answer: Callable[[Any], Any] = lambda answer: answer


class FeatureMutant(Wrapped):
    """An engine that makes one mistake in `historical_features`."""

    def __init__(self, engine: Engine, mutation: Mutation) -> None:
        super().__init__(engine)
        self.mutation = mutation

    def historical_features(self, spine: Frame, at: str, views: Sequence[BoundView]) -> Frame:
        asked = self.engine.to_arrow(spine)
        if at not in asked.column_names or not pa.types.is_timestamp(asked.schema.field(at).type):
            return self.engine.historical_features(spine, at, views)
        mutation = self.mutation
        asked = mutation.spine(asked, views, self.engine)
        moments = changes.shifted(asked.column(at), mutation.moment)
        bound = [self._bound(one) for one in views]
        keys = {k for one in bound for k in one.view.by.keys if k.startswith(_KEY)}
        asked = _with_keys(asked.append_column(_AT, moments), keys)
        answer = self.engine.to_arrow(
            self.engine.historical_features(self.engine.from_arrow(asked), _AT, bound)
        )
        answer = mutation.answer(answer.drop_columns([_AT, *sorted(keys)]))
        return self.engine.from_arrow(answer)

    def _bound(self, bound: BoundView) -> BoundView:
        view = self.mutation.view(bound.view)
        rows = self.engine.to_arrow(bound.rows)
        rows = changes.with_shifted(rows, KNOWN_AT, self.mutation.known)
        if view.of.event_time is not None:
            rows = changes.with_shifted(rows, view.of.event_time, self.mutation.event)
        rows = _with_keys(rows, {k for k in view.by.keys if k.startswith(_KEY)})
        return BoundView(view, self.engine.from_arrow(self.mutation.rows(view, rows)))


def _with_keys(rows: Any, keys: set[str]) -> Any:
    """Add keys that stand for several columns, `_mutant_key__a__b`: their text, joined."""
    for key in sorted(keys):
        parts = [rows.column(name).cast(pa.string()) for name in key.split("__")[1:]]
        rows = rows.append_column(key, pc.binary_join_element_wise(*parts, ""))
    return rows


def _changed(view: StoredView, **attributes: Any) -> Any:
    """Return a view with other attributes, without the checks of its declaration."""
    changed = copy.copy(view)
    set_fields(changed, **attributes)
    return changed


def _aggregates(view: StoredView, change: Callable[[Aggregate], Aggregate]) -> StoredView:
    if not isinstance(view, FeatureView):
        return view
    changed: Any = {family: change(aggregate) for family, aggregate in view.aggregates}
    return FeatureView(view.name, of=view.of, by=view.by, delay=view.delay, **changed)


def _windows(view: StoredView, change: Callable[[Window], AnyWindow]) -> StoredView:
    """Change the windows of a length of time."""

    def windowed(aggregate: Aggregate) -> Aggregate:
        windows = aggregate.over.windows
        changed = (change(w) if isinstance(w, Window) else w for w in windows)
        return replace(aggregate, over=Windows(tuple(changed)))

    return _aggregates(view, windowed)


def _longer(view: StoredView, us: int) -> StoredView:
    """Lengthen every exact window, and the time to live, under their old names."""
    if isinstance(view, LatestView):
        ttl = None if view.ttl is None else Duration(view.ttl.us + us, view.ttl.text)
        changed: StoredView = _changed(view, ttl=ttl)
        return changed
    return _windows(
        view,
        lambda w: Window(Duration(w.length.us + us, w.length.text), w.edge),
    )


def _inner_joined(spine: Any, views: Sequence[BoundView], engine: Engine) -> Any:
    for bound in views:
        for key in bound.view.by.keys:
            known = engine.to_arrow(bound.rows).column(key)
            values = known.cast(spine.schema.field(key).type).combine_chunks()
            spine = spine.filter(pc.is_in(spine.column(key), value_set=values.drop_null()))
    return spine


def _distinct(spine: Any, *_: Any) -> Any:
    names = [n for n in spine.column_names if n != "row"]
    numbered = spine.append_column("_n", pa.array(range(spine.num_rows), pa.int64()))
    first = numbered.group_by(names).aggregate([("_n", "min")]).column("_n_min")
    return spine.take(first)


def _with_keys_of(
    change: Callable[[StoredView, Any], Any],
) -> Callable[[Any, Sequence[BoundView], Engine], Any]:
    """Change the spine's keys as the rows' are changed."""

    def changed(spine: Any, views: Sequence[BoundView], _: Engine) -> Any:
        for bound in views:
            if set(bound.view.by.keys) <= set(spine.column_names):
                spine = change(bound.view, spine)
        return spine

    return changed


def _answered(applies: Callable[[Any], bool], change: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def changed(answer: Any) -> Any:
        for place, field in enumerate(answer.schema):
            if "__" in field.name and applies(field.type):
                answer = answer.set_column(place, field.name, change(answer.column(place)))
        return answer

    return changed


def _through_floats(column: Any) -> Any:
    scale = column.type.scale
    rounded = [None if v is None else round(float(v), scale) for v in column.to_pylist()]
    texts = pa.array([None if v is None else f"{v:.{scale}f}" for v in rounded], pa.string())
    return pc.cast(texts, pa.decimal128(38, scale)).cast(column.type, safe=False)


FEATURE_MUTATIONS: dict[str, Mutation] = {
    "a window's end is closed": Mutation(moment=1, known=1, view=lambda view: _longer(view, 1)),
    "a window's beginning is open": Mutation(view=lambda view: _longer(view, -1)),
    "a tie is lost": Mutation(rows=changes.without_ties),
    "known time is ignored": Mutation(rows=changes.known_at_once),
    "known time must be before the moment": Mutation(known=1),
    "moments are in another zone": Mutation(moment=HOUR),
    "days are those of another zone": Mutation(moment=HOUR, event=HOUR, known=HOUR),
    "times are cut to milliseconds": Mutation(rows=changes.in_milliseconds),
    "the delay is missing": Mutation(
        view=lambda view: view if isinstance(view, LatestView) else _changed(view, delay=None)
    ),
    "the edge is ignored": Mutation(view=lambda view: _windows(view, lambda w: Window(w.length))),
    "nulls are counted": Mutation(rows=changes.filled),
    "unknown is taken for true": Mutation(
        view=lambda view: _aggregates(
            view, lambda a: replace(a, where=a.where and f"coalesce({a.where}, true)")
        )
    ),
    "a criterion is ignored": Mutation(
        view=lambda view: _aggregates(view, lambda a: replace(a, where=None))
    ),
    "spine rows without events are lost": Mutation(spine=_inner_joined),
    "equal spine rows come back once": Mutation(spine=_distinct),
    "keys are concatenated": Mutation(
        view=lambda view: _changed(view, by=Entity("joined", key="__".join([_KEY, *view.by.keys])))
    ),
    "keys are trimmed": Mutation(
        rows=changes.with_trimmed_keys, spine=_with_keys_of(changes.with_trimmed_keys)
    ),
    "whole-number keys are floats": Mutation(
        rows=changes.with_float_keys, spine=_with_keys_of(changes.with_float_keys)
    ),
    "floats have single precision": Mutation(rows=changes.in_single_precision),
    "a null key is an entity": Mutation(
        rows=changes.null_is_an_entity,
        spine=_with_keys_of(changes.null_is_an_entity),
    ),
    "amounts are floats": Mutation(answer=_answered(pa.types.is_decimal, _through_floats)),
    "counts come as floats": Mutation(
        answer=_answered(pa.types.is_integer, lambda column: column.cast(pa.float64()))
    ),
    "an empty mean is 0": Mutation(
        answer=_answered(pa.types.is_floating, lambda column: pc.fill_null(column, 0.0))
    ),
    "an empty sum is null": Mutation(
        answer=_answered(
            pa.types.is_integer,
            lambda column: pc.if_else(pc.equal(column, 0), pa.scalar(None, column.type), column),
        )
    ),
    "the time to live is ignored": Mutation(
        view=lambda view: _changed(view, ttl=None) if isinstance(view, LatestView) else view
    ),
    "the row known last is the latest": Mutation(rows=changes.latest_by_known_time),
    "nulls are filled from earlier rows": Mutation(rows=changes.without_null_rows),
}
"""Each mistake, by what it is."""
