"""Views of the latest row of an entity."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from lakehouse.declare.arguments import no_repeats, one, several
from lakehouse.declare.calls import declares
from lakehouse.declare.columns import Column
from lakehouse.declare.durations import Duration
from lakehouse.declare.entity import Entity
from lakehouse.declare.feature import ColumnFeature, fitting_default
from lakehouse.declare.fields import set_fields
from lakehouse.declare.tables import Table, check_name, table_column
from lakehouse.declare.view import StoredView, check_subject, pick
from lakehouse.declare.windows import AnyWindow
from lakehouse.errors import DeclarationError, unknown


@declares("LatestView('last_payment', of=payments, by=card, columns=('amount_eur',))")
@dataclass(frozen=True, init=False)
class LatestView(StoredView):
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
        check_subject(where, of, by)
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
            ttl=Duration.optional(ttl),
            description=description,
            owner=owner,
            features=tuple(features),
            defaults=tuple(given.items()),
            fresh_within=Duration.optional(fresh_within),
        )

    def __getitem__(self, feature: str) -> ColumnFeature:
        return pick(self.name, self.features, feature)

    def is_personal(self, feature: str) -> bool:
        return table_column(self.of, self[feature].column).personal

    @property
    def order(self) -> tuple[str, ...]:
        """The columns that order rows of equal times: the table's key, then its own columns."""
        return tuple(dict.fromkeys((*self.of.keys, *self.columns)))

    def _columns_of_features(self) -> Iterable[str]:
        return self.order

    @property
    def operands(self) -> tuple[str, ...]:
        return self.columns

    @property
    def windows(self) -> tuple[AnyWindow, ...]:
        return ()

    @property
    def delay_us(self) -> int:
        return 0

    def begin_us(self, at_us: int) -> int | None:
        return None if self.ttl is None else at_us - self.ttl.us

    @property
    def reach_us(self) -> int | None:
        return None if self.ttl is None else self.ttl.us

    @property
    def bounded(self) -> bool:
        return True


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
