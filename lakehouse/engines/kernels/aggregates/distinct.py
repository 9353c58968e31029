"""Distinct: how many different values a window holds."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from lakehouse.engines.kernels.distinct import distinct
from lakehouse.engines.kernels.windowed_inputs import Windowed


def column(of: Windowed) -> Any:
    """Return whole numbers."""
    return pa.array(distinct(of.presence, of.spans, of.window))
