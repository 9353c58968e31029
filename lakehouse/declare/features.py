"""The vocabulary of features: entities, aggregates, windows and views."""

from __future__ import annotations

from lakehouse.declare.aggregates import Aggregate
from lakehouse.declare.entity import Entity
from lakehouse.declare.feature import (
    ColumnFeature,
    ComputedFeature,
    Feature,
    StoredFeature,
    View,
    WindowedFeature,
)
from lakehouse.declare.request_views import RequestView
from lakehouse.declare.stored_views import FeatureView, LatestView, StoredView
from lakehouse.declare.windows import (
    EXACT_UP_TO,
    AnyWindow,
    EverWindow,
    RowsWindow,
    Window,
    Windows,
    ever,
    last,
)

__all__ = [
    "EXACT_UP_TO",
    "Aggregate",
    "AnyWindow",
    "ColumnFeature",
    "ComputedFeature",
    "Entity",
    "EverWindow",
    "Feature",
    "FeatureView",
    "LatestView",
    "RequestView",
    "RowsWindow",
    "StoredFeature",
    "StoredView",
    "View",
    "Window",
    "WindowedFeature",
    "Windows",
    "ever",
    "last",
]
