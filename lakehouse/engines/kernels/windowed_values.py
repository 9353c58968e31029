"""The columns of windowed features, from the rows and moments of one entity."""

from __future__ import annotations

from typing import Any

from lakehouse.declare.features import FeatureView, WindowedFeature
from lakehouse.engines.kernels.aggregates import kernel_of
from lakehouse.engines.kernels.arrow_numbers import ColumnTypeError
from lakehouse.engines.kernels.index import EventIndex, Moments
from lakehouse.engines.kernels.view_rows import ViewRows
from lakehouse.engines.kernels.windowed_inputs import Windowed, WindowedInputs
from lakehouse.engines.kernels.windows import SumOverflow


class WindowedValues:
    """Windowed features over one sorted index, which share what they are computed from."""

    def __init__(self, rows: ViewRows, index: EventIndex, moments: Moments) -> None:
        self._inputs = WindowedInputs(rows, index, moments)

    def column(self, view: FeatureView, feature: WindowedFeature) -> Any:
        """Return a feature's Arrow column, in the order of the spine."""
        delay = view.delay_us
        window = self._inputs.window(feature.window, feature.aggregate.counted_where, delay)
        kernel = kernel_of(feature.aggregate.function)
        try:
            return kernel(Windowed(self._inputs, view, feature, window))
        except SumOverflow as error:
            raise ColumnTypeError(f"Feature '{feature.dotted}': {error}") from error
