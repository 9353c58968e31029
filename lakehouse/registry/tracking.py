"""Where a lake's models are registered in MLflow, and under which names."""

from __future__ import annotations

from lakehouse.adapters.mlflow import Tracking
from lakehouse.context import Context
from lakehouse.declare.training import Model

CHAMPION = "champion"
"""The alias of the version that serves."""


def tracking(ctx: Context) -> Tracking:
    """The MLflow server that the context names, else the store in the lake's own folder."""
    return Tracking(ctx.home.mlflow, ctx.tracking_uri)


def registered_name(ctx: Context, model: Model) -> str:
    """The model's name in MLflow: `domain.model`."""
    return f"{ctx.domain.name}.{model.name}"
