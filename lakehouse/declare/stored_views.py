"""Views whose features are stored: windowed aggregates, and the latest row of an entity."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from lakehouse.declare.aggregates import Aggregate
from lakehouse.declare.arguments import no_repeats, one, several
from lakehouse.declare.columns import Column
from lakehouse.declare.durations import Duration
from lakehouse.declare.entity import Entity
from lakehouse.declare.feature import ColumnFeature, WindowedFeature, fitting_default, pick
from lakehouse.declare.fields import set_fields
from lakehouse.declare.operands import approximate_in, in_one_spelling, names_of, operand
from lakehouse.declare.tables import Cleaned, Curated, Table, check_name, table_column
from lakehouse.declare.windowed import features_of
from lakehouse.declare.windows import AnyWindow
from lakehouse.errors import DeclarationError, unknown
from lakehouse.language.provenance import KNOWN_AT


@dataclass(frozen=True, init=False)
class FeatureView:
    """Windowed aggregates of a table's events, per entity.

    Each keyword is a family of features: `payments=Count(over=last("1d", "7d"))` gives
    `payments_1d` and `payments_7d`. With `delay=d` every window is [t - d - length, t - d).
    `fresh_within` is the target for how old the newest event may be that features online hold.
    """

    name: str
    of: Table
    by: Entity
    delay: Duration | None
    aggregates: tuple[tuple[str, Aggregate], ...]
    description: str
    owner: str
    features: tuple[WindowedFeature, ...] = field(compare=False)
    fresh_within: Duration | None = None

    def __init__(
        self,
        name: str,
        *,
        of: Table,
        by: Entity,
        delay: str | Duration | None = None,
        description: str = "",
        owner: str = "",
        fresh_within: str | Duration | None = None,
        **aggregates: Aggregate,
    ) -> None:
        check_name("Feature view", name)
        where = f"Feature view '{name}'"
        _check_subject(where, of, by)
        if of.event_time is None:
            raise DeclarationError(
                f"{where}: table '{of.name}' has no event_time() column to window over."
            )
        if of.has_history:
            raise DeclarationError(
                f"{where}: table '{of.name}' keeps every version of a row "
                "(on_conflict='history'), which a window would count more than once; use a "
                "LatestView, or on_conflict='latest'."
            )
        if not aggregates:
            raise DeclarationError(f"{where} has no aggregate, as in n=Count(over=last('1d')).")
        features: list[WindowedFeature] = []
        declared: dict[str, Aggregate] = {}
        for family, aggregate in aggregates.items():
            check_name(f"{where}: feature", family)
            one(
                f"{where}.{family}",
                "the feature",
                aggregate,
                (Aggregate,),
                f"{family}=Count(over=last('7d')), or Sum, Mean, Min, Max",
            )
            declared[family] = in_one_spelling(of, aggregate, f"{where}.{family}")
            features += features_of(name, of, family, declared[family], f"{where}.{family}")
        no_repeats(where, "feature", (f.name for f in features))
        set_fields(
            self,
            name=name,
            of=of,
            by=by,
            delay=_duration(delay),
            aggregates=tuple(declared.items()),
            description=description,
            owner=owner,
            features=tuple(features),
            fresh_within=_duration(fresh_within),
        )

    @property
    def delay_us(self) -> int:
        """How long before the moment asked its windows end, in microseconds."""
        return 0 if self.delay is None else self.delay.us

    def is_personal(self, feature: str) -> bool:
        """Whether a feature's values are somebody's own: of a personal column, but for counts."""
        aggregate = self[feature].aggregate
        if aggregate.column is None or aggregate.facts.counts:
            return False
        return operand(self.of, aggregate.column).personal

    def is_approximate(self, feature: str) -> bool:
        """Whether what a feature is made of is the same on every engine to some digits only."""
        column = self[feature].aggregate.column
        return column is not None and approximate_in(self.of, column) is not None

    def __getitem__(self, feature: str) -> WindowedFeature:
        return pick(self.name, self.features, feature)


def _check_subject(where: str, of: Table, by: Entity) -> None:
    """A view is of a table, by an entity whose keys the table has."""
    one(where, "of", of, (Cleaned, Curated), "of= a Cleaned or Curated table")
    one(where, "by", by, (Entity,), "by=Entity('card', key='card_id')")
    for k in by.keys:
        table_column(of, k, f"{where}, entity '{by.name}'")


def _duration(value: str | Duration | None) -> Duration | None:
    return None if value is None else Duration.parse(value)


@dataclass(frozen=True, init=False)
class LatestView:
    """The values of the last row of each entity before the moment asked.

    A row counts at t if its event time is before t and it is known by t; ties go to the row known
    last, then to the greater key. `ttl`: a row older than that counts as none. A table without
    an event time is ordered by known time alone. `defaults` gives columns a constant in place of
    null, where there is no row and where the row holds a null. `fresh_within` is as for a
    FeatureView.
    """

    name: str
    of: Table
    by: Entity
    columns: tuple[str, ...]
    ttl: Duration | None
    description: str
    owner: str
    features: tuple[ColumnFeature, ...] = field(compare=False)
    defaults: tuple[tuple[str, Any], ...] = ()
    fresh_within: Duration | None = None

    def __init__(
        self,
        name: str,
        *,
        of: Table,
        by: Entity,
        columns: Iterable[str],
        ttl: str | Duration | None = None,
        description: str = "",
        owner: str = "",
        defaults: Mapping[str, Any] | None = None,
        fresh_within: str | Duration | None = None,
    ) -> None:
        check_name("Latest view", name)
        where = f"Latest view '{name}'"
        _check_subject(where, of, by)
        columns = several(where, "columns", columns, (str,), "columns=('amount_eur',)")
        if not columns:
            raise DeclarationError(f"{where} has no column; name some, as in columns=('year',).")
        no_repeats(where, "column", columns)
        found = [table_column(of, c, where) for c in columns]
        given = _defaults(where, found, {} if defaults is None else defaults)
        features = [
            ColumnFeature(
                view=name,
                name=c.name,
                kind=c.kind,
                scale=c.scale,
                column=c.name,
                default=given.get(c.name),
            )
            for c in found
        ]
        set_fields(
            self,
            name=name,
            of=of,
            by=by,
            columns=columns,
            ttl=_duration(ttl),
            description=description,
            owner=owner,
            features=tuple(features),
            defaults=tuple(given.items()),
            fresh_within=_duration(fresh_within),
        )

    @property
    def delay_us(self) -> int:
        """How long before the moment asked the row has to have happened: no time at all."""
        return 0

    def is_personal(self, feature: str) -> bool:
        """Whether a feature's values are somebody's own: of a personal column."""
        return table_column(self.of, self[feature].column).personal

    def __getitem__(self, feature: str) -> ColumnFeature:
        return pick(self.name, self.features, feature)


def _defaults(where: str, columns: list[Column], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """The defaults of a LatestView's columns as features keep them, in the columns' order."""
    one(where, "defaults", defaults, (Mapping,), "defaults={'country': 'unknown'}")
    by_name = {c.name: c for c in columns}
    for name in defaults:
        if name not in by_name:
            raise DeclarationError(unknown("column", name, by_name, f"{where}, defaults,"))
    return {
        name: fitting_default(defaults[name], c.kind, c.scale, f"{where}.{name}")
        for name, c in by_name.items()
        if name in defaults
    }


StoredView = FeatureView | LatestView


def columns_of(view: StoredView) -> list[str]:
    """Return the columns of its table that a view is computed from, each once.

    The entity's keys, `_known_at`, the event time, the columns and criteria of aggregates; where
    the order of rows counts (a LatestView, First, Last, LastK, a window of so many rows) the
    table's key too, which orders rows of equal times.
    """
    names = [*view.by.keys, KNOWN_AT]
    if view.of.event_time is not None:
        names.append(view.of.event_time)
    if isinstance(view, LatestView):
        names += [*view.of.keys, *view.columns]
    else:
        for _, aggregate in view.aggregates:
            if aggregate.facts.ordered or _in_rows(aggregate):
                names += view.of.keys
            if aggregate.column is not None:
                names += names_of(view.of, aggregate.column)
            if aggregate.where is not None:
                names += names_of(view.of, aggregate.where)
    return list(dict.fromkeys(names))


def _in_rows(aggregate: Aggregate) -> bool:
    return any(window.rows is not None for window in aggregate.over.windows)


def counts_rows(view: StoredView) -> bool:
    """Whether a view has a window of so many rows, whose order is down to the table's key."""
    return not isinstance(view, LatestView) and any(_in_rows(a) for _, a in view.aggregates)


def windows_of(view: FeatureView) -> list[AnyWindow]:
    """Return the windows of a view's aggregates, each once."""
    return list(dict.fromkeys(w for _, a in view.aggregates for w in a.over.windows))


def begin_us(view: StoredView, at_us: int) -> int | None:
    """Return the earliest event time that a view can use at a moment, None if there is none."""
    if isinstance(view, LatestView):
        return None if view.ttl is None else at_us - view.ttl.us
    end = at_us - view.delay_us
    return least(window.begin_us(end) for window in windows_of(view))


def reach_us(view: StoredView) -> int | None:
    """Return how long before a moment what a view can use may be, None if it may be of any age."""
    if isinstance(view, LatestView):
        return None if view.ttl is None else view.ttl.us
    reaches = [window.reach_us for window in windows_of(view)]
    known = [us for us in reaches if us is not None]
    if len(known) < len(reaches):
        return None
    return view.delay_us + max(known)


def least(begins: Iterable[int | None]) -> int | None:
    """Return the earliest of some beginnings, None where one of them has none."""
    found = list(begins)
    known = [begin for begin in found if begin is not None]
    return min(known) if len(known) == len(found) else None
