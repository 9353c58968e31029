"""The vocabulary of a use case, but for its aggregates."""

from __future__ import annotations

from lakehouse.declare.contract import Contract, column, event_time, key, known_at
from lakehouse.declare.domain import Domain
from lakehouse.declare.features import Entity, FeatureView, LatestView, RequestView, ever, last
from lakehouse.declare.tables import Cleaned, Curated, Raw, Source
from lakehouse.declare.training import (
    Distributed,
    Evaluation,
    Gate,
    Model,
    Rule,
    TrainingSet,
    at_least,
    at_most,
    beats,
)

__all__ = [
    "Cleaned",
    "Contract",
    "Curated",
    "Distributed",
    "Domain",
    "Entity",
    "Evaluation",
    "FeatureView",
    "Gate",
    "LatestView",
    "Model",
    "Raw",
    "RequestView",
    "Rule",
    "Source",
    "TrainingSet",
    "at_least",
    "at_most",
    "beats",
    "column",
    "event_time",
    "ever",
    "key",
    "known_at",
    "last",
]
