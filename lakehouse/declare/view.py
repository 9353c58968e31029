"""What views have in common, and what every kind of stored view says of itself."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import TypeVar

from lakehouse.declare.arguments import one
from lakehouse.declare.columns import Column
from lakehouse.declare.contract import ContractSpec
from lakehouse.declare.durations import Duration
from lakehouse.declare.entity import Entity
from lakehouse.declare.feature import Feature, StoredFeature
from lakehouse.declare.tables import Cleaned, Curated, Table, table_column
from lakehouse.declare.windows import AnyWindow
from lakehouse.errors import DeclarationError, LakehouseError, unknown
from lakehouse.language import expressions
from lakehouse.language.kinds import Kind
from lakehouse.language.provenance import KNOWN_AT

F = TypeVar("F", bound=Feature)


class View(ABC):
    """A named set of features, in declared order; each kind is a frozen dataclass of its own.

    `request` is the contract of what a caller sends for it, None where nothing is sent.
    """

    name: str
    description: str
    owner: str
    features: tuple[Feature, ...]
    fresh_within: Duration | None
    request: ContractSpec | None

    @property
    @abstractmethod
    def stored(self) -> tuple[StoredView, ...]:
        """The stored views that its values are made of: itself, if it is one."""

    @property
    @abstractmethod
    def contract(self) -> ContractSpec | None:
        """The contract of what it is computed from, whose owner answers for it too."""

    @property
    @abstractmethod
    def spine_columns(self) -> tuple[Column, ...]:
        """The columns of entity rows that it needs: keys, and what it uses of a request."""

    @property
    def request_columns(self) -> tuple[Column, ...]:
        """What the caller may send."""
        return () if self.request is None else self.request.columns

    @abstractmethod
    def __getitem__(self, feature: str) -> Feature:
        """One of its features; raises DeclarationError naming those it has."""

    @abstractmethod
    def is_personal(self, feature: str) -> bool:
        """Whether a feature's values are somebody's own: of a personal column, but for counts."""


class StoredView(View):
    """A view of a table's rows, by entity, whose features the online store can keep."""

    of: Table
    by: Entity
    features: tuple[StoredFeature, ...]
    request = None

    @property
    def stored(self) -> tuple[StoredView, ...]:
        return (self,)

    @property
    def contract(self) -> ContractSpec:
        return self.of.contract

    @property
    def spine_columns(self) -> tuple[Column, ...]:
        return tuple(c for c in self.of.columns if c.name in self.by.keys)

    @property
    def source_columns(self) -> tuple[str, ...]:
        """The columns of its table that it is computed from, each once.

        The entity's keys, `_known_at`, the event time, what the features are of; where the order
        of rows counts the table's key too, which orders rows of equal times.
        """
        time = () if self.of.event_time is None else (self.of.event_time,)
        names = (*self.by.keys, KNOWN_AT, *time, *self._columns_of_features())
        return tuple(dict.fromkeys(names))

    @abstractmethod
    def _columns_of_features(self) -> Iterable[str]:
        """The columns that its features are of, and those that order their rows."""

    @property
    @abstractmethod
    def operands(self) -> tuple[str, ...]:
        """The columns and expressions that features are of, or that say which rows count."""

    @property
    @abstractmethod
    def windows(self) -> tuple[AnyWindow, ...]:
        """The windows that its features are over, each once."""

    @property
    def counts_rows(self) -> bool:
        """Whether it has a window of so many rows, whose order is down to the table's key."""
        return any(window.rows is not None for window in self.windows)

    @property
    @abstractmethod
    def delay_us(self) -> int:
        """How long before the moment asked what it uses has to have happened, in microseconds."""

    @abstractmethod
    def begin_us(self, at_us: int) -> int | None:
        """The earliest event time that it can use at a moment, None if there is none."""

    @property
    @abstractmethod
    def reach_us(self) -> int | None:
        """How long before a moment what it can use may be, None if it may be of any age."""

    @property
    @abstractmethod
    def bounded(self) -> bool:
        """Whether a moment needs rows of some length of time alone, or a single one of any age."""


def check_subject(where: str, of: Table, by: Entity) -> None:
    """Refuse a stored view unless it is of a table, by an entity whose keys the table has."""
    one(where, "of", of, (Cleaned, Curated), "of= a Cleaned or Curated table")
    one(where, "by", by, (Entity,), "by=Entity('card', key='card_id')")
    for k in by.keys:
        table_column(of, k, f"{where}, entity '{by.name}'")


def unknown_kind(view: View, register: str) -> LakehouseError:
    """The error of a mechanism without a form for a view's kind; `register` is where it belongs."""
    return LakehouseError(
        f"View '{view.name}' is a {type(view).__name__}, which is not known here; register its "
        f"form with {register}."
    )


def pick(view: str, features: tuple[F, ...], name: str) -> F:
    """Return one of a view's features; raises DeclarationError naming what it has."""
    by_name = {f.name: f for f in features}
    if name not in by_name:
        raise DeclarationError(unknown("feature", name, by_name, f"View '{view}'"))
    return by_name[name]


def kinds_of(views: Iterable[View]) -> dict[str, Kind]:
    """Return the kind of each feature by its dotted name, as expressions know them.

    Lists are left out: no expression takes one (see `refuse_lists`).
    """
    return {f.dotted: f.kind for view in views for f in view.features if f.many is None}


def refuse_lists(text: str, views: Iterable[View], where: str) -> None:
    """Raise DeclarationError for an expression that names a feature that is a list."""
    lists = {f.dotted: f for view in views for f in view.features if f.many is not None}
    for name in expressions.names(expressions.parse(text, where)):
        if name in lists:
            raise DeclarationError(
                f"{where}: '{name}' is a list of up to {lists[name].many} values, which no "
                "expression takes; declare a feature of one value, as with Last."
            )
