"""The vocabulary of features: entities, aggregates, windows and views."""

from __future__ import annotations

from lakehouse.declare.aggregates import Aggregate
from lakehouse.declare.entity import Entity
from lakehouse.declare.feature import Feature, View, pick
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
    "Entity",
    "EverWindow",
    "Feature",
    "FeatureView",
    "LatestView",
    "RequestView",
    "RowsWindow",
    "StoredView",
    "View",
    "Window",
    "Windows",
    "ever",
    "last",
    "pick",
]
