"""A request and its stored features become all features: compiled once, asked often."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from lakehouse.declare.contract import ContractSpec
from lakehouse.declare.features import ComputedFeature, RequestView, StoredView
from lakehouse.declare.view import kinds_of
from lakehouse.errors import LakehouseError
from lakehouse.language.expressions import parse
from lakehouse.language.expressions import python as expressions_python
from lakehouse.language.kinds import Kind
from lakehouse.times import microseconds

Row = Mapping[str, Any]
Evaluate = Callable[[Row], Any]


class Uncomputable(LakehouseError):
    """An expression has no value for this request; its values are not told, for they may be
    personal."""


class Answers:
    """What views make of a request.

    `request` is its contract, None where features are derived from stored ones alone. Values are
    typed as declared: int, float, Decimal, str, bool, datetime in UTC, date or None.
    """

    def __init__(
        self,
        request: ContractSpec | None,
        stored_views: Sequence[StoredView],
        request_views: Sequence[RequestView],
    ) -> None:
        self.stored_views = tuple(stored_views)
        self.moment = None if request is None else request.event_time
        """The column that names the moment asked for, None for the lake's clock."""
        columns = () if request is None else request.columns
        kinds = {c.name: c.kind for c in columns} | kinds_of(stored_views)
        self._stored = [(f.full_name, f.dotted) for view in stored_views for f in view.features]
        features = [feature for view in request_views for feature in view.features]
        self._computed = [(f.full_name, f.dotted, _compiled(f, kinds)) for f in features]
        self.kinds: Mapping[str, Kind] = kinds | {f.dotted: f.kind for f in features}
        """Of all names that an expression over the answer may use: columns and `view.feature`."""

    @staticmethod
    def of_view(view: RequestView) -> Answers:
        """What one view makes of a request."""
        return Answers(view.request, view.uses, (view,))

    def moment_us(self, row: Row) -> int | None:
        """The moment that a request names, in UTC microseconds; None means now."""
        at = None if self.moment is None else row[self.moment]
        return None if at is None else microseconds(at)

    def features(self, row: Row, stored: Row) -> tuple[dict[str, Any], dict[str, Any]]:
        """All features by `view__feature`, from a request and its stored ones.

        First come the names for expressions over the answer: the request's columns and
        `view.feature`. Raises Uncomputable.
        """
        named = dict(row)
        features = {}
        for full, dotted in self._stored:
            features[full] = named[dotted] = stored[full]
        for full, dotted, evaluate in self._computed:
            features[full] = named[dotted] = evaluated(evaluate, named, dotted)
        return named, features


def evaluated(evaluate: Evaluate, named: Row, what: str) -> Any:
    """The value of an expression of a request; raises Uncomputable naming `what` it is."""
    try:
        return evaluate(named)
    except LakehouseError:
        raise Uncomputable(f"{what} divides by zero or overflows for this request.") from None


def _compiled(feature: ComputedFeature, kinds: Mapping[str, Kind]) -> Evaluate:
    """A feature's expression; what is exact in it leaves it as the declared float."""
    evaluate = expressions_python.compile(parse(feature.expression), kinds, feature.dotted)
    if feature.kind != "float":
        return evaluate

    def value(named: Row) -> float | None:
        found = evaluate(named)
        return None if found is None else float(found)

    return value
