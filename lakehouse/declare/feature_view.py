"""Views of aggregates over windows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from lakehouse.declare.aggregates import Aggregate
from lakehouse.declare.arguments import no_repeats, one
from lakehouse.declare.calls import declares
from lakehouse.declare.durations import Duration
from lakehouse.declare.entity import Entity
from lakehouse.declare.feature import WindowedFeature
from lakehouse.declare.fields import set_fields
from lakehouse.declare.operands import approximate_in, in_one_spelling, names_of, operand
from lakehouse.declare.tables import Table, check_name
from lakehouse.declare.view import StoredView, check_subject, pick
from lakehouse.declare.windowed import features_of
from lakehouse.declare.windows import AnyWindow, furthest, least
from lakehouse.errors import DeclarationError


@declares("FeatureView('card_spend', of=payments, by=card, payments=Count(over=last('7d')))")
@dataclass(frozen=True, init=False)
class FeatureView(StoredView):
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
        check_subject(where, of, by)
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
            delay=Duration.optional(delay),
            aggregates=tuple(declared.items()),
            description=description,
            owner=owner,
            features=tuple(features),
            fresh_within=Duration.optional(fresh_within),
        )

    def __getitem__(self, feature: str) -> WindowedFeature:
        return pick(self.name, self.features, feature)

    def is_personal(self, feature: str) -> bool:
        aggregate = self[feature].aggregate
        if aggregate.column is None or aggregate.facts.counts:
            return False
        return operand(self.of, aggregate.column).personal

    def is_approximate(self, feature: str) -> bool:
        """Whether what a feature is made of is the same on every engine to some digits only."""
        column = self[feature].aggregate.column
        return column is not None and approximate_in(self.of, column) is not None

    def _columns_of_features(self) -> Iterable[str]:
        for _, aggregate in self.aggregates:
            if aggregate.facts.ordered or any(w.rows is not None for w in aggregate.over.windows):
                yield from self.of.keys
            for text in (aggregate.column, aggregate.where):
                if text is not None:
                    yield from names_of(self.of, text)

    @property
    def operands(self) -> tuple[str, ...]:
        texts = (text for _, a in self.aggregates for text in (a.where, a.column))
        return tuple(dict.fromkeys(text for text in texts if text is not None))

    @property
    def windows(self) -> tuple[AnyWindow, ...]:
        return tuple(dict.fromkeys(w for _, a in self.aggregates for w in a.over.windows))

    @property
    def delay_us(self) -> int:
        return 0 if self.delay is None else self.delay.us

    def begin_us(self, at_us: int) -> int | None:
        return least(window.begin_us(at_us - self.delay_us) for window in self.windows)

    @property
    def reach_us(self) -> int | None:
        reach = furthest(window.reach_us for window in self.windows)
        return None if reach is None else self.delay_us + reach

    @property
    def bounded(self) -> bool:
        return self.reach_us is not None
