"""The vocabulary of features: entities, aggregates, windows and views."""

from __future__ import annotations

from lakehouse.declare.aggregates import Aggregate
from lakehouse.declare.entity import Entity
from lakehouse.declare.feature import (
    ColumnFeature,
    ComputedFeature,
    Feature,
    StoredFeature,
    WindowedFeature,
)
from lakehouse.declare.feature_view import FeatureView
from lakehouse.declare.latest_view import LatestView
from lakehouse.declare.request_view import RequestView, stored_and_requested
from lakehouse.declare.view import StoredView, View
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
    "stored_and_requested",
]
