"""Mistakes in defaults, and no mistake at all: features of every kind, computed anew."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from lakehouse.declare.features import ColumnFeature, StoredFeature
from lakehouse.engines.protocol import Engine
from lakehouse.testing.conformance.against_oracle import Expected
from lakehouse.testing.conformance.world import Fields
from lakehouse.testing.mutations.recomputing import Recomputing, Value

Wrong = Callable[[Expected[Any, Any], Any, Fields], Any]
"""The value of a feature at a row of the spine, where the oracle knows its rows."""


class DefaultMutant(Recomputing):
    """An engine that makes one mistake in the features that `applies` holds for."""

    def __init__(
        self, engine: Engine, applies: Callable[[StoredFeature], bool], wrong: Wrong
    ) -> None:
        super().__init__(engine)
        self.applies = applies
        self.wrong = wrong

    def value(self, right: Expected[Any, Any], feature: StoredFeature) -> Value | None:
        if not self.applies(feature):
            return None
        return lambda row: self.wrong(right, feature, row)


def recomputed(engine: Engine) -> Engine:
    """Return an engine whose features are computed anew as the mutants' are, with no mistake."""
    return DefaultMutant(
        engine, lambda _: True, lambda right, feature, row: right.value(feature, row)
    )


def _defaulted(feature: StoredFeature) -> bool:
    return feature.default is not None


def _in_a_row(feature: StoredFeature) -> bool:
    return isinstance(feature, ColumnFeature) and _defaulted(feature)


def _only_without_a_row(right: Expected[Any, Any], feature: ColumnFeature, row: Fields) -> Any:
    key = replace(feature, column=right.view.of.keys[0])
    if right.value_or_null(key, row) is None:
        return right.value(feature, row)
    return right.value_or_null(feature, row)


DEFAULT_MUTATIONS: dict[str, tuple[Callable[[StoredFeature], bool], Wrong]] = {
    "a default is given whatever is there": (
        _defaulted,
        lambda right, feature, row: right.value(feature, row | {"asked_at": -(2**55)}),
    ),
    "a default is left out": (
        _defaulted,
        lambda right, feature, row: right.value_or_null(feature, row),
    ),
    "a default stands only where there is no row": (_in_a_row, _only_without_a_row),
}
"""Each mistake by what it is: the features it is made in, and the value they get."""
