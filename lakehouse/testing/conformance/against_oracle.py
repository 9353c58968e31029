"""What the oracle says features are, and an engine's answers held against it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Generic, TypeVar

import pyarrow as pa

from lakehouse.declare.features import (
    ColumnFeature,
    FeatureView,
    LatestView,
    StoredFeature,
    StoredView,
    Window,
    WindowedFeature,
)
from lakehouse.engines.arrow_types import feature_type
from lakehouse.engines.protocol import BoundView, Engine
from lakehouse.language.provenance import KNOWN_AT
from lakehouse.testing.conformance.comparing import EXAMPLES, NotConforming, close, require_equal
from lakehouse.testing.conformance.world import CRITERIA, Fields, fields_of, operand_of
from lakehouse.testing.meanings import MAGNITUDES, MEANINGS, Event, WindowRows
from lakehouse.testing.oracle import Row, latest_value, window_rows
from lakehouse.times import microseconds, moment


def require_oracle(
    engine: Engine,
    tables: Mapping[str, Any],
    views: Sequence[StoredView],
    spine: Any,
) -> None:
    """Raise NotConforming unless an engine's features of a spine equal the oracle's.

    `tables` holds the Arrow rows by table name. Types, all rows and all columns of the spine are
    compared; floats within 1e-9 of the sum of absolute values.
    """
    frames = {name: engine.from_arrow(rows) for name, rows in tables.items()}
    bound = [BoundView(view, frames[view.of.name]) for view in views]
    answer = engine.to_arrow(
        engine.historical_features(engine.from_arrow(spine), "asked_at", bound)
    )
    features = [(view, feature) for view in views for feature in view.features]
    names = [*spine.column_names, *(feature.full_name for _, feature in features)]
    require_equal(sorted(answer.column_names), sorted(names), "Columns of the answer")
    for _, feature in features:
        found = answer.schema.field(feature.full_name).type
        right = feature_type(feature)
        if found != right and not (right == pa.string() and found == pa.large_string()):
            raise NotConforming(f"{feature.dotted}: {found} where {right} is right.")
    given, got = fields_of(spine), sorted(fields_of(answer), key=lambda row: row["row"])
    kept = [{name: row[name] for name in spine.column_names} for row in got]
    require_equal(kept, sorted(given, key=lambda row: row["row"]), "The spine's own rows")
    facts = {name: fields_of(rows) for name, rows in tables.items()}
    wrong = []
    for view in views:
        right = Expected.of(view, facts[view.of.name])
        wrong += [f"{view.name}.{text}" for row in got for text in _wrong(right, row)]
    if wrong:
        raise NotConforming(f"{len(wrong)} values are wrong: {'; '.join(wrong[:EXAMPLES])}.")


def _wrong(right: Expected[Any, Any], row: Fields) -> Iterator[str]:
    """Say of each wrong feature in a row of an answer what it is."""
    for feature in right.view.features:
        actual, expected = row[feature.full_name], right.value(feature, row)
        if close(actual, expected, 0.0) or close(actual, expected, right.tolerance(feature, row)):
            continue
        at = moment(row["asked_at"]).isoformat()
        yield f"{feature.name} of {right.entity(row)} at {at} is {actual!r}, not {expected!r}"


V = TypeVar("V", bound=StoredView)
F = TypeVar("F", bound=StoredFeature)


class Expected(ABC, Generic[V, F]):
    """One view's features over a table's rows, as the oracle states them.

    The rows of each entity are put together first; a null in the key is no entity.
    """

    def __init__(self, view: V, rows: Sequence[Fields]) -> None:
        self.view = view
        self._rows: dict[tuple[Any, ...], list[Fields]] = {}
        for row in rows:
            entity = self.entity(row)
            if None not in entity:
                self._rows.setdefault(entity, []).append(row)

    @staticmethod
    def of(view: StoredView, rows: Sequence[Fields]) -> Expected[Any, Any]:
        """Return what a view's features over a table's rows are."""
        return _KINDS[type(view)](view, rows)

    def entity(self, row: Fields) -> tuple[Any, ...]:
        """Return the view's entity in a row of its table or of the spine."""
        return tuple(row[k] for k in self.view.by.keys)

    def rows(self, spine: Fields) -> list[Fields]:
        """Return the rows of the entity that a row of the spine asks for."""
        return self._rows.get(self.entity(spine), [])

    def value(self, feature: F, spine: Fields) -> Any:
        """Return a feature's value for one row of the spine, its default instead of null."""
        value = self.value_or_null(feature, spine)
        if value is None and isinstance(feature.default_value, datetime):
            return microseconds(feature.default_value)
        return feature.default_value if value is None else value

    @abstractmethod
    def value_or_null(self, feature: F, spine: Fields) -> Any:
        """Return a feature's value for one row of the spine, whatever its default."""

    @abstractmethod
    def tolerance(self, feature: F, spine: Fields) -> float:
        """Return how far an engine's float may lie from the value."""


class ExpectedWindows(Expected[FeatureView, WindowedFeature]):
    """What aggregates of windows are."""

    def value_or_null(self, feature: WindowedFeature, spine: Fields) -> Any:
        return self.value_of(feature, spine)

    def tolerance(self, feature: WindowedFeature, spine: Fields) -> float:
        """1e-9 of what is added up; counts, exact sums, minima and maxima have no tolerance."""
        function = feature.aggregate.function
        if feature.kind != "float" or function not in MAGNITUDES:
            return 0.0
        return 1e-9 * MAGNITUDES[function](self.window_rows(feature, spine))

    def events(self, feature: WindowedFeature, spine: Fields) -> list[Event]:
        """Return the entity's rows as a feature's aggregate sees them."""
        of, aggregate = self.view.of, feature.aggregate
        column = aggregate.column
        criterion = None if aggregate.where is None else CRITERIA[aggregate.where]
        return [
            Event(
                self.entity(row),
                row[str(of.event_time)],
                row[KNOWN_AT],
                True if column is None else operand_of(row, column),
                True if criterion is None else criterion(row),
                _ordered(row, of.keys),
            )
            for row in self.rows(spine)
        ]

    def value_of(
        self, feature: WindowedFeature, spine: Fields, events: Sequence[Event] | None = None
    ) -> Any:
        """Return a feature's value, of other events if they are given."""
        return MEANINGS[feature.aggregate.function](self.window_rows(feature, spine, events))

    def window_rows(
        self, feature: WindowedFeature, spine: Fields, events: Sequence[Event] | None = None
    ) -> WindowRows:
        """Return the rows that a feature is of, or those of other events."""
        window = feature.window
        return window_rows(
            self.events(feature, spine) if events is None else events,
            self.entity(spine),
            spine["asked_at"],
            over=window.length.us if isinstance(window, Window) else None,
            delay=self.view.delay_us,
            edge=window.edge_us,
            rows=window.rows,
            of_all=feature.aggregate.facts.compares,
            argument=feature.aggregate.argument,
        )


class ExpectedLatest(Expected[LatestView, ColumnFeature]):
    """What the columns of an entity's latest row are."""

    def value_or_null(self, feature: ColumnFeature, spine: Fields) -> Any:
        found = self._latest_row(spine)
        return None if found is None else found[feature.column]

    def tolerance(self, feature: ColumnFeature, spine: Fields) -> float:  # noqa: ARG002
        """None: values are as they are stored."""
        return 0.0

    def _latest_row(self, spine: Fields) -> Fields | None:
        """What has no event time stands one microsecond before it is known."""
        view, time = self.view, self.view.of.event_time
        candidates = [
            Row(
                self.entity(row),
                row[KNOWN_AT] - 1 if time is None else row[time],
                row[KNOWN_AT],
                _ordered(row, (*view.of.keys, *view.columns)),
                row,
            )
            for row in self.rows(spine)
        ]
        ttl = None if view.ttl is None else view.ttl.us + (time is None)
        at = spine["asked_at"]
        found: Fields | None = latest_value(candidates, self.entity(spine), at, ttl=ttl)
        return found


_KINDS: dict[type[StoredView], type[Expected[Any, Any]]] = {
    FeatureView: ExpectedWindows,
    LatestView: ExpectedLatest,
}


def _ordered(row: Fields, columns: Iterable[str]) -> list[tuple[bool, Any]]:
    """Return what orders rows by columns, null before everything."""
    return [(row[c] is not None, row[c]) for c in columns]
