"""Entities, windowed aggregates, feature views and request-time features."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, Protocol

from lakehouse.declare import expressions
from lakehouse.declare.contract import Contract, ContractSpec, Kind
from lakehouse.declare.durations import DAY, Duration
from lakehouse.declare.tables import Table, check_name, table_column
from lakehouse.errors import DeclarationError, unknown

EXACT_UP_TO = Duration(30 * DAY, "30d")
Function = Literal["count", "sum", "mean", "min", "max"]


@dataclass(frozen=True, init=False)
class Entity:
    """What a feature is about: a name and the key column or columns that identify it."""

    name: str
    keys: tuple[str, ...]

    def __init__(self, name: str, key: str | Iterable[str]) -> None:
        check_name("Entity", name)
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "keys", (key,) if isinstance(key, str) else tuple(key))


@dataclass(frozen=True)
class Window:
    """The length of a window and its resolution: `edge` None is exact to the event."""

    length: Duration
    edge: Duration | None = None


@dataclass(frozen=True)
class Windows:
    """Several windows; `last("1h", "1d") + last("365d", edge="1d")` joins them."""

    windows: tuple[Window, ...]

    def __add__(self, other: Windows) -> Windows:
        return Windows(self.windows + other.windows)


def last(*lengths: str, edge: str | None = None) -> Windows:
    """Windows that end at the moment asked: [t - length, t).

    With an `edge` the window begins with the UTC tile of that size that holds t - length.
    Windows longer than 30 days need one.

    >>> [w.length.text for w in last("1h", "30d").windows]
    ['1h', '30d']
    """
    tile = Duration.parse(edge) if edge is not None else None
    windows = tuple(Window(Duration.parse(length), tile) for length in lengths)
    if not windows:
        raise DeclarationError("last() needs at least one length, as in last('7d').")
    for w in windows:
        if tile is None and w.length > EXACT_UP_TO:
            raise DeclarationError(
                f"Window '{w.length}' is longer than {EXACT_UP_TO}: name its resolution, as in "
                f"last('{w.length}', edge='1d')."
            )
        if tile is not None and tile.us > w.length.us:
            raise DeclarationError(f"Window '{w.length}' is shorter than its edge '{tile}'.")
    return Windows(windows)


@dataclass(frozen=True)
class Aggregate:
    """One aggregate over one or several windows; written as Count, Sum, Mean, Min or Max.

    `where` is an expression over the table's columns that selects the rows that count.
    """

    function: Function
    column: str | None
    over: Windows
    where: str | None = None


def Count(column: str | None = None, *, over: Windows, where: str | None = None) -> Aggregate:
    """Count rows, or the non-null values of a column."""
    return Aggregate("count", column, over, where)


def Sum(column: str, *, over: Windows, where: str | None = None) -> Aggregate:
    """Sum a numeric or boolean column; an empty window sums 0."""
    return Aggregate("sum", column, over, where)


def Mean(column: str, *, over: Windows, where: str | None = None) -> Aggregate:
    """Average a numeric or boolean column as a float; an empty window has none."""
    return Aggregate("mean", column, over, where)


def Min(column: str, *, over: Windows, where: str | None = None) -> Aggregate:
    """The least value of a numeric column; an empty window has none."""
    return Aggregate("min", column, over, where)


def Max(column: str, *, over: Windows, where: str | None = None) -> Aggregate:
    """The greatest value of a numeric column; an empty window has none."""
    return Aggregate("max", column, over, where)


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
        for k in by.keys:
            table_column(of, k, f"{where}, entity '{by.name}'")
        if not aggregates:
            raise DeclarationError(f"{where} has no aggregate, as in n=Count(over=last('1d')).")
        features: list[Feature] = []
        for family, aggregate in aggregates.items():
            check_name(f"{where}: feature", family)
            features += _windowed(name, of, family, aggregate, f"{where}.{family}")
        _unique([f.name for f in features], where)
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


def _windowed(view: str, of: Table, family: str, aggregate: Aggregate, where: str) -> list[Feature]:
    kind: Kind = "int"
    scale = None
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
        got = expressions.kind_of(expressions.parse(aggregate.where), kinds, f"{where}.where")
        if got not in ("bool", None):
            raise DeclarationError(
                f'{where}: where="{aggregate.where}" must be a condition, it gives {got}.'
            )
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
        for k in by.keys:
            table_column(of, k, f"{where}, entity '{by.name}'")
        columns = tuple(columns)
        _unique(columns, where)
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
        spec = request if isinstance(request, ContractSpec) else request.spec
        uses = tuple(uses)
        kinds: dict[str, Kind] = {c.name: c.kind for c in spec.columns}
        kinds |= {f.dotted: f.kind for view in uses for f in view.features}
        features = []
        for feature, text in named.items():
            check_name(f"{where}: feature", feature)
            here = f"{where}.{feature}"
            kind = expressions.kind_of(expressions.parse(text), kinds, here)
            if kind is None:
                raise DeclarationError(f'{here}: "{text}" is always null.')
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


def _unique(names: Iterable[str], where: str) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise DeclarationError(f"{where} names '{name}' twice.")
        seen.add(name)
