"""The vocabulary of a use case: frozen data that imports no engine."""

from lakehouse.declare.contract import Contract, column, event_time, key, known_at
from lakehouse.declare.domain import Domain
from lakehouse.declare.features import (
    Count,
    Entity,
    FeatureView,
    LatestView,
    Max,
    Mean,
    Min,
    RequestView,
    Sum,
    last,
)
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
    "Count",
    "Curated",
    "Distributed",
    "Domain",
    "Entity",
    "Evaluation",
    "FeatureView",
    "Gate",
    "LatestView",
    "Max",
    "Mean",
    "Min",
    "Model",
    "Raw",
    "RequestView",
    "Rule",
    "Source",
    "Sum",
    "TrainingSet",
    "at_least",
    "at_most",
    "beats",
    "column",
    "event_time",
    "key",
    "known_at",
    "last",
]
