"""Entities, feature views and request-time features."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

from lakehouse.declare import expressions
from lakehouse.declare.aggregates import Aggregate, Count, Function, Max, Mean, Min, Sum
from lakehouse.declare.contract import Contract, ContractSpec, Kind, contract_spec
from lakehouse.declare.durations import Duration
from lakehouse.declare.given import no_repeats, one, several
from lakehouse.declare.tables import Cleaned, Curated, Table, check_name, table_column
from lakehouse.declare.windows import EXACT_UP_TO, Window, Windows, last
from lakehouse.errors import DeclarationError, unknown

__all__ = [
    "EXACT_UP_TO",
    "Aggregate",
    "Count",
    "Entity",
    "Feature",
    "FeatureView",
    "Function",
    "LatestView",
    "Max",
    "Mean",
    "Min",
    "RequestView",
    "StoredView",
    "Sum",
    "View",
    "Window",
    "Windows",
    "last",
    "pick",
]


@dataclass(frozen=True, init=False)
class Entity:
    """What a feature is about: a name and the key column or columns that identify it."""

    name: str
    keys: tuple[str, ...]

    def __init__(self, name: str, key: str | Iterable[str]) -> None:
        check_name("Entity", name)
        where = f"Entity '{name}'"
        given = (key,) if isinstance(key, str) else key
        keys = several(where, "key", given, (str,), "key='card_id', or key=('card_id', 'shop_id')")
        if not keys:
            raise DeclarationError(f"{where} has no key; name a column, as in key='card_id'.")
        no_repeats(where, "key", keys)
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "keys", keys)


@dataclass(frozen=True)
class Feature:
    """One named feature of a view: what it is computed from, and the type of its value.

    `scale` is the digits after the point where `kind` is decimal. `aggregate` and `window` are
    set for windowed features, `column` for stored columns, `expression` for request-time ones.
    """

    view: str
    name: str
    kind: Kind
    scale: int | None = None
    aggregate: Aggregate | None = None
    window: Window | None = None
    column: str | None = None
    expression: str | None = None

    @property
    def full_name(self) -> str:
        """`view__name`: the column of this feature wherever features stand in a table."""
        return f"{self.view}__{self.name}"

    @property
    def dotted(self) -> str:
        """`view.name`: how expressions and people name it."""
        return f"{self.view}.{self.name}"


class View(Protocol):
    """What every view has: a name and the features it gives, in declared order."""

    @property
    def name(self) -> str: ...

    @property
    def features(self) -> tuple[Feature, ...]: ...


def pick(view: View, name: str) -> Feature:
    """Return one feature of a view; raises DeclarationError naming what it has."""
    by_name = {f.name: f for f in view.features}
    if name not in by_name:
        raise DeclarationError(unknown("feature", name, by_name, f"View '{view.name}'"))
    return by_name[name]


@dataclass(frozen=True, init=False)
class FeatureView:
    """Windowed aggregates of a table's events, per entity.

    Each keyword is a family of features: `payments=Count(over=last("1d", "7d"))` gives
    `payments_1d` and `payments_7d`. With `delay=d` every window is [t - d - length, t - d).
    """

    name: str
    of: Table
    by: Entity
    delay: Duration | None
    aggregates: tuple[tuple[str, Aggregate], ...]
    description: str
    owner: str
    features: tuple[Feature, ...] = field(compare=False)

    def __init__(
        self,
        name: str,
        *,
        of: Table,
        by: Entity,
        delay: str | Duration | None = None,
        description: str = "",
        owner: str = "",
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
        features: list[Feature] = []
        for family, aggregate in aggregates.items():
            check_name(f"{where}: feature", family)
            one(
                f"{where}.{family}",
                "the feature",
                aggregate,
                (Aggregate,),
                f"{family}=Count(over=last('7d')), or Sum, Mean, Min, Max",
            )
            features += _windowed(name, of, family, aggregate, f"{where}.{family}")
        no_repeats(where, "feature", (f.name for f in features))
        for attribute, value in (
            ("name", name),
            ("of", of),
            ("by", by),
            ("delay", Duration.parse(delay) if delay is not None else None),
            ("aggregates", tuple(aggregates.items())),
            ("description", description),
            ("owner", owner),
            ("features", tuple(features)),
        ):
            object.__setattr__(self, attribute, value)

    def __getitem__(self, feature: str) -> Feature:
        return pick(self, feature)


def _check_subject(where: str, of: Table, by: Entity) -> None:
    """A view is of a table, by an entity whose keys the table has."""
    one(where, "of", of, (Cleaned, Curated), "of= a Cleaned or Curated table")
    one(where, "by", by, (Entity,), "by=Entity('card', key='card_id')")
    for k in by.keys:
        table_column(of, k, f"{where}, entity '{by.name}'")


def _windowed(view: str, of: Table, family: str, aggregate: Aggregate, where: str) -> list[Feature]:
    kind: Kind = "int"
    scale = None
    one(where, "over", aggregate.over, (Windows,), "over=last('1d', '7d')")
    if aggregate.column is None and aggregate.function != "count":
        raise DeclarationError(
            f"{where}: {aggregate.function} needs a column, as in Sum('amount_eur', over=...)."
        )
    if aggregate.column is not None:
        column = table_column(of, aggregate.column, where)
        if aggregate.function != "count" and not (
            column.numeric or (column.kind == "bool" and aggregate.function in ("sum", "mean"))
        ):
            raise DeclarationError(
                f"{where}: {aggregate.function} needs a number, '{column.name}' is {column.kind}."
            )
        if aggregate.function == "mean":
            kind = "float"
        elif aggregate.function != "count":
            kind = "int" if column.kind == "bool" else column.kind
            scale = column.scale
    if aggregate.where is not None:
        kinds: dict[str, Kind] = {c.name: c.kind for c in of.columns}
        expressions.condition(aggregate.where, kinds, f"{where}.where")
    return [
        Feature(view, f"{family}_{w.length}", kind, scale, aggregate=aggregate, window=w)
        for w in aggregate.over.windows
    ]


@dataclass(frozen=True, init=False)
class LatestView:
    """The values of the last row of each entity before the moment asked.

    A row counts at t if its event time is before t and it is known by t; ties go to the row known
    last, then to the greater key. `ttl`: a row older than that counts as none. A table without
    an event time is ordered by known time alone.
    """

    name: str
    of: Table
    by: Entity
    columns: tuple[str, ...]
    ttl: Duration | None
    description: str
    owner: str
    features: tuple[Feature, ...] = field(compare=False)

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
    ) -> None:
        check_name("Latest view", name)
        where = f"Latest view '{name}'"
        _check_subject(where, of, by)
        columns = several(where, "columns", columns, (str,), "columns=('amount_eur',)")
        if not columns:
            raise DeclarationError(f"{where} has no column; name some, as in columns=('year',).")
        no_repeats(where, "column", columns)
        features = []
        for c in columns:
            column = table_column(of, c, where)
            features.append(Feature(name, c, column.kind, column.scale, column=c))
        for attribute, value in (
            ("name", name),
            ("of", of),
            ("by", by),
            ("columns", columns),
            ("ttl", Duration.parse(ttl) if ttl is not None else None),
            ("description", description),
            ("owner", owner),
            ("features", tuple(features)),
        ):
            object.__setattr__(self, attribute, value)

    def __getitem__(self, feature: str) -> Feature:
        return pick(self, feature)


StoredView = FeatureView | LatestView


@dataclass(frozen=True, init=False)
class RequestView:
    """Features computed at the moment of asking, from the request and other features.

    `request` is the contract of what the caller sends; it holds only what is known then, which
    is what keeps leaking columns out of a model. Each keyword is an expression over its columns
    and over `view.feature` of the views in `uses`.
    """

    name: str
    request: ContractSpec
    uses: tuple[StoredView, ...]
    expressions: tuple[tuple[str, str], ...]
    description: str
    owner: str
    features: tuple[Feature, ...] = field(compare=False)

    def __init__(
        self,
        name: str,
        *,
        request: type[Contract] | ContractSpec,
        uses: Iterable[StoredView] = (),
        description: str = "",
        owner: str = "",
        **named: str,
    ) -> None:
        check_name("Request view", name)
        where = f"Request view '{name}'"
        spec = contract_spec(request, where)
        uses = several(where, "uses", uses, (FeatureView, LatestView), "uses=(card_spend,)")
        no_repeats(where, "view", (view.name for view in uses))
        kinds: dict[str, Kind] = {c.name: c.kind for c in spec.columns}
        kinds |= {f.dotted: f.kind for view in uses for f in view.features}
        features = []
        for feature, text in named.items():
            check_name(f"{where}: feature", feature)
            here = f"{where}.{feature}"
            kind = expressions.kind_of(expressions.parse(text, here), kinds, here)
            if kind is None:
                raise DeclarationError(f'{here}: "{text}" is always null; leave it out.')
            # An exact expression over decimals leaves the language as a float: models take those.
            features.append(
                Feature(name, feature, "float" if kind == "decimal" else kind, expression=text)
            )
        if not features:
            raise DeclarationError(f'{where} has no feature, as in night="hour(paid_at) <= 6".')
        for attribute, value in (
            ("name", name),
            ("request", spec),
            ("uses", uses),
            ("expressions", tuple(named.items())),
            ("description", description),
            ("owner", owner),
            ("features", tuple(features)),
        ):
            object.__setattr__(self, attribute, value)

    def __getitem__(self, feature: str) -> Feature:
        return pick(self, feature)
