"""Engines whose answers hold the values of an oracle, right or wrong, in place of their own."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa

from lakehouse.declare.features import StoredFeature
from lakehouse.engines.arrow_types import MICROSECONDS
from lakehouse.engines.protocol import BoundView, Frame
from lakehouse.testing.conformance.against_oracle import Expected
from lakehouse.testing.conformance.world import Fields, fields_of
from lakehouse.testing.mutations.wrapping import Wrapped

Value = Callable[[Fields], Any]
"""From a row of the spine to the value that a feature gets there."""


class Recomputing(Wrapped):
    """An engine that computes some features anew, each by itself."""

    @abstractmethod
    def value(self, right: Expected[Any, Any], feature: StoredFeature) -> Value | None:
        """What a feature gets, where the oracle knows its rows; None leaves it as it is."""

    def historical_features(self, spine: Frame, at: str, views: Sequence[BoundView]) -> Frame:
        answer = self.engine.to_arrow(self.engine.historical_features(spine, at, views))
        asked = fields_of(answer)
        for bound in views:
            right = Expected.of(bound.view, fields_of(self.engine.to_arrow(bound.rows)))
            for feature in bound.view.features:
                value = self.value(right, feature)
                if value is None:
                    continue
                place = answer.column_names.index(feature.full_name)
                column = _typed([value(row) for row in asked], answer.schema.field(place).type)
                answer = answer.set_column(place, feature.full_name, column)
        return self.engine.from_arrow(answer)


def _typed(values: list[Any], kind: Any) -> Any:
    if pa.types.is_timestamp(kind):
        return pa.array([v if isinstance(v, int) else None for v in values], MICROSECONDS)
    return pa.array(values, kind, from_pandas=False)
