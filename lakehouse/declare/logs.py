"""What the service writes down of its answers: logs that are sources of the lake like any other."""

from __future__ import annotations

from datetime import datetime

from lakehouse.declare.contract import Contract, column, event_time, key
from lakehouse.declare.tables import Cleaned, Raw, Source
from lakehouse.declare.training import Model

SERVED_FEATURES = "served_features"
"""The table of a domain that answers of its feature values land in."""


class Decision(Contract):
    """One served decision, as the service logs it."""

    decision_id: str = key()
    decided_at: datetime = event_time(known=True)
    asked_for: datetime = column(description="the moment the features were asked for")
    model: str
    version: int
    request: str = column(personal=True, description="the request, as JSON")
    features: str = column(personal=True, description="feature values by name, as JSON")
    score: float
    decision: str
    table_versions: str | None = column(
        description="by view, the version of its table in the online store, as JSON"
    )


class ServedFeatures(Contract):
    """Features of one view and one entity, as the service answered them."""

    served_id: str = key()
    served_at: datetime = event_time(known=True)
    asked_for: datetime = column(description="the moment the features were asked for")
    view: str
    model: str = column(description="the model whose release declared the view")
    version: int = column(description="the version of that release")
    table_version: int | None = column(
        description="the version of the view's table in the online store"
    )
    entity: str = column(personal=True, description="the entity's key by column, as JSON")
    features: str = column(personal=True, description="the values answered by name, as JSON")


def decision_log(model: Model) -> Cleaned:
    """The table a model's served decisions land in; the service writes its source."""
    name = f"{model.name}_decisions"
    source = Source(
        name,
        Decision,
        path=f"decisions/{model.name}/*.jsonl",
        description=f"Decisions served by model '{model.name}'.",
    )
    return Cleaned(name, Raw(f"{name}_raw", source))


def served_log() -> Cleaned:
    """The table a domain's served features land in; the service writes its source."""
    source = Source(
        SERVED_FEATURES,
        ServedFeatures,
        path="served_features/*.jsonl",
        description="Features served by POST /v1/features.",
    )
    return Cleaned(SERVED_FEATURES, Raw(f"{SERVED_FEATURES}_raw", source))
