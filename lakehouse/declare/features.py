"""The vocabulary of features: entities, aggregates, windows and views."""

from __future__ import annotations

from lakehouse.declare.aggregates import Aggregate
from lakehouse.declare.entity import Entity
from lakehouse.declare.feature import Feature, View, pick
from lakehouse.declare.request_views import RequestView
from lakehouse.declare.stored_views import FeatureView, LatestView, StoredView
from lakehouse.declare.windows import EXACT_UP_TO, Window, Windows, last

__all__ = [
    "EXACT_UP_TO",
    "Aggregate",
    "Entity",
    "Feature",
    "FeatureView",
    "LatestView",
    "RequestView",
    "StoredView",
    "View",
    "Window",
    "Windows",
    "last",
    "pick",
]
