"""The columns of windowed features, from the rows and moments of one entity."""

from __future__ import annotations

from typing import Any

from lakehouse.declare.features import Feature, FeatureView
from lakehouse.engines.kernels.aggregates import kernel_of
from lakehouse.engines.kernels.arrow_numbers import ColumnTypeError
from lakehouse.engines.kernels.index import EventIndex, Moments
from lakehouse.engines.kernels.view_rows import ViewRows
from lakehouse.engines.kernels.windowed_inputs import Windowed, WindowedInputs
from lakehouse.engines.kernels.windows import SumOverflow
from lakehouse.errors import LakehouseError


class WindowedValues:
    """Windowed features over one sorted index, which share what they are computed from."""

    def __init__(self, rows: ViewRows, index: EventIndex, moments: Moments) -> None:
        self._inputs = WindowedInputs(rows, index, moments)

    def column(self, view: FeatureView, feature: Feature) -> Any:
        """Return a feature's Arrow column, in the order of the spine."""
        aggregate, over = feature.aggregate, feature.window
        if aggregate is None or over is None:
            raise LakehouseError(f"Feature '{feature.dotted}' has no aggregate over a window.")
        delay = 0 if view.delay is None else view.delay.us
        window = self._inputs.window(over, aggregate.counted_where, delay)
        kernel = kernel_of(aggregate.function)
        try:
            return kernel(Windowed(self._inputs, view, feature, aggregate, window))
        except SumOverflow as error:
            raise ColumnTypeError(f"Feature '{feature.dotted}': {error}") from error
