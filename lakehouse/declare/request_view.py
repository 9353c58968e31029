"""Features computed at the moment of asking."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from lakehouse.declare.arguments import no_repeats, several
from lakehouse.declare.calls import declares
from lakehouse.declare.columns import Column
from lakehouse.declare.contract import Contract, ContractSpec, contract_spec
from lakehouse.declare.durations import Duration
from lakehouse.declare.feature import ComputedFeature
from lakehouse.declare.fields import set_fields
from lakehouse.declare.tables import check_name
from lakehouse.declare.view import StoredView, View, kinds_of, pick, refuse_lists
from lakehouse.errors import DeclarationError
from lakehouse.language import expressions
from lakehouse.language.kinds import Kind


@declares("RequestView('at_payment', request=Payment, night='hour(paid_at) <= 6')")
@dataclass(frozen=True, init=False)
class RequestView(View):
    """Features computed at the moment of asking, from the request and other features.

    `request` is the contract of what the caller sends; it holds only what is known then, which
    is what keeps leaking columns out of a model. Each keyword is an expression over its columns
    and over `view.feature` of the views in `uses`. Without a `request` the view is derived: from
    the stored features of `uses` alone.
    """

    name: str
    request: ContractSpec | None
    uses: tuple[StoredView, ...]
    expressions: tuple[tuple[str, str], ...]
    description: str
    owner: str
    features: tuple[ComputedFeature, ...] = field(compare=False)
    fresh_within: Duration | None = None

    def __init__(
        self,
        name: str,
        *,
        request: type[Contract] | ContractSpec | None = None,
        uses: Iterable[StoredView] = (),
        description: str = "",
        owner: str = "",
        fresh_within: str | Duration | None = None,
        **named: str,
    ) -> None:
        check_name("Request view", name)
        where = f"Request view '{name}'"
        spec = None if request is None else contract_spec(request, where)
        uses = several(where, "uses", uses, (StoredView,), "uses=(card_spend,)")
        no_repeats(where, "view", (view.name for view in uses))
        if spec is None and not uses:
            raise DeclarationError(
                f"{where} has nothing to compute from; name views, as in uses=(card_spend,), or "
                "the contract of the request, as in request=Payment."
            )
        kinds: dict[str, Kind] = {} if spec is None else {c.name: c.kind for c in spec.columns}
        kinds |= kinds_of(uses)
        features = []
        for feature, text in named.items():
            check_name(f"{where}: feature", feature)
            here = f"{where}.{feature}"
            refuse_lists(text, uses, here)
            kind = expressions.kind_of(expressions.parse(text, here), kinds, here)
            if kind is None:
                raise DeclarationError(f'{here}: "{text}" is always null; leave it out.')
            # An exact expression over decimals leaves the language as a float: models take those.
            features.append(
                ComputedFeature(
                    view=name,
                    name=feature,
                    kind="float" if kind == "decimal" else kind,
                    expression=text,
                )
            )
        if not features:
            raise DeclarationError(f'{where} has no feature, as in night="hour(paid_at) <= 6".')
        set_fields(
            self,
            name=name,
            request=spec,
            uses=uses,
            expressions=tuple(named.items()),
            description=description,
            owner=owner,
            features=tuple(features),
            fresh_within=Duration.optional(fresh_within),
        )

    def __getitem__(self, feature: str) -> ComputedFeature:
        return pick(self.name, self.features, feature)

    @property
    def stored(self) -> tuple[StoredView, ...]:
        return self.uses

    @property
    def contract(self) -> ContractSpec | None:
        return self.request

    @property
    def used_columns(self) -> tuple[Column, ...]:
        """The columns of the request that its expressions use."""
        parsed = (expressions.parse(feature.expression) for feature in self.features)
        used = {name for expression in parsed for name in expressions.names(expression)}
        return tuple(c for c in self.request_columns if c.name in used)

    @property
    def asked_columns(self) -> tuple[Column, ...]:
        """What a caller sends: the columns that its expressions use, and the request's moment."""
        used = self.used_columns
        return tuple(c for c in self.request_columns if c in used or c.event_time)

    @property
    def spine_columns(self) -> tuple[Column, ...]:
        keys = [c for stored in self.uses for c in stored.spine_columns]
        return tuple({c.name: c for c in (*keys, *self.used_columns)}.values())

    def is_personal(self, feature: str) -> bool:
        """Whether a feature's values are somebody's own: computed from such a value."""
        personal = {c.name for c in self.request_columns if c.personal}
        personal |= {f.dotted for v in self.uses for f in v.features if v.is_personal(f.name)}
        return not personal.isdisjoint(
            expressions.names(expressions.parse(self[feature].expression))
        )


def stored_and_requested(
    views: Iterable[View], where: str = ""
) -> tuple[tuple[StoredView, ...], tuple[RequestView, ...]]:
    """Return stored views, those too that request views use, and request views, each once.

    `where` is the subject of errors. Raises DeclarationError for two different views of one name.
    """
    found: dict[str, View] = {}
    for view in views:
        for each in (*view.stored, view):
            if found.setdefault(each.name, each) != each:
                two = f"{where}: two" if where else "Two"
                raise DeclarationError(
                    f"{two} different views are called '{each.name}'; rename one."
                )
    stored = tuple(view for view in found.values() if isinstance(view, StoredView))
    return stored, tuple(view for view in found.values() if isinstance(view, RequestView))
