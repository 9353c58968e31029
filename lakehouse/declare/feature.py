"""One feature of a view, and what stands in for it where nothing was seen."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from lakehouse.declare.aggregates import Aggregate, Default
from lakehouse.declare.columns import Column
from lakehouse.declare.constants import as_declared, constant
from lakehouse.declare.windows import AnyWindow
from lakehouse.errors import DeclarationError
from lakehouse.language.kinds import Kind


@dataclass(frozen=True, kw_only=True)
class Feature:
    """One named feature of a view, and the type of its value: what all three kinds share.

    `scale` is the digits after the point where `kind` is decimal. With `many` the feature is a
    list of up to so many values of this kind, which are not null. `default` is given instead of
    null: a constant of the kind, times and dates as ISO text.
    """

    view: str
    name: str
    kind: Kind
    scale: int | None = None
    many: int | None = None
    default: Default = None

    @property
    def full_name(self) -> str:
        """`view__name`: the column of this feature wherever features stand in a table."""
        return f"{self.view}__{self.name}"

    @property
    def dotted(self) -> str:
        """`view.name`: how expressions and people name it."""
        return f"{self.view}.{self.name}"

    @property
    def rounded(self) -> bool:
        """Whether its value may be rounded on the way to it, on each engine in another order."""
        return False

    @property
    def default_value(self) -> Any:
        """The default as a value of the feature's kind: Decimal, datetime in UTC, date, …

        None if there is none.
        """
        if self.default is None or self.kind not in ("timestamp", "date"):
            return self.default
        return constant(Column(kind=self.kind), self.default)


@dataclass(frozen=True, kw_only=True)
class WindowedFeature(Feature):
    """An aggregate of an entity's rows, over one window."""

    aggregate: Aggregate
    window: AnyWindow

    @property
    def rounded(self) -> bool:
        return self.aggregate.facts.rounds != "never"


@dataclass(frozen=True, kw_only=True)
class ColumnFeature(Feature):
    """A column of an entity's latest row."""

    column: str


@dataclass(frozen=True, kw_only=True)
class ComputedFeature(Feature):
    """An expression over a request and stored features, computed at the moment of asking."""

    expression: str

    @property
    def rounded(self) -> bool:
        return True


StoredFeature = WindowedFeature | ColumnFeature
"""A feature that is kept, and looked up at the moment of asking."""


def fitting_default(value: Any, kind: Kind, scale: int | None, where: str) -> Default:
    """Return a default as a feature of this kind keeps it; raises DeclarationError if none fits.

    >>> fitting_default("1.5", "decimal", 2, "Feature view 'v'.spend")
    Decimal('1.50')
    >>> fitting_default("2018-04-01T08:30+02:00", "timestamp", None, "Feature view 'v'.at")
    '2018-04-01T06:30:00+00:00'
    """
    value = as_declared(value)
    try:
        if kind == "decimal" and isinstance(value, str):
            value = Decimal(value)
        fitting = constant(Column(kind=kind, scale=scale), value)
    except InvalidOperation:
        raise DeclarationError(
            f"{where}: default {value!r} is no number; write 0.5 or '0.5'."
        ) from None
    except DeclarationError as error:
        raise DeclarationError(f"{where}: default {error}") from None
    if kind == "decimal":
        return fitting.quantize(Decimal(1).scaleb(-(scale or 0)))
    return as_declared(fitting)
