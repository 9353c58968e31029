"""The vocabulary of features: entities, aggregates, windows and views."""

from __future__ import annotations

from lakehouse.declare.aggregates import (
    Aggregate,
    Count,
    Distinct,
    First,
    Function,
    Last,
    LastK,
    Max,
    Mean,
    Min,
    Share,
    Std,
    Sum,
)
from lakehouse.declare.entity import Entity
from lakehouse.declare.feature import Feature, View, pick
from lakehouse.declare.request_views import RequestView
from lakehouse.declare.stored_views import FeatureView, LatestView, StoredView
from lakehouse.declare.windows import EXACT_UP_TO, Window, Windows, last

__all__ = [
    "EXACT_UP_TO",
    "Aggregate",
    "Count",
    "Distinct",
    "Entity",
    "Feature",
    "FeatureView",
    "First",
    "Function",
    "Last",
    "LastK",
    "LatestView",
    "Max",
    "Mean",
    "Min",
    "RequestView",
    "Share",
    "Std",
    "StoredView",
    "Sum",
    "View",
    "Window",
    "Windows",
    "last",
    "pick",
]
