"""Promotion and rollback: which version serves."""

from __future__ import annotations

from typing import Any

from lakehouse.context import Context
from lakehouse.declare.training import Model
from lakehouse.errors import GateRefused, LakehouseError, NotFound
from lakehouse.records import models, releases
from lakehouse.records.models import ModelVersion
from lakehouse.registry import uncommitted
from lakehouse.registry.tracking import CHAMPION, registered_name, tracking


def champion(ctx: Context, model: Model) -> int | None:
    """The version that serves, by the release pointer."""
    return releases.pointed(ctx.home, ctx.domain.name, model.name)


def versions(ctx: Context, model: Model) -> list[dict[str, Any]]:
    """A model's versions, newest first, with status, metrics and the reasons of a refusal.

    `uncommitted` names the files of code that was in no commit when the version was made.
    """
    return [
        {
            "model": made.model,
            "version": made.version,
            "status": made.status,
            "created_at": made.created_at,
            "metrics": made.metrics,
            "reasons": made.reasons,
            "uncommitted": made.uncommitted,
        }
        for made in models.versions(ctx.records, ctx.domain.name, model.name)
    ]


def promote(ctx: Context, model: Model, version: int) -> None:
    """Make a registered version champion.

    Raises GateRefused if its gate refused it, or if it was made by uncommitted code, also where a
    demonstration let it serve.
    """
    made = recorded(ctx, model, version)
    reasons = made.reasons or uncommitted.reasons(made.uncommitted)
    if reasons:
        raise GateRefused(
            f"Version {version} of '{model.name}' was refused: {'; '.join(reasons[:5])}. "
            "Train one that passes, or change the gate where it is declared."
        )
    make_champion(ctx, model, version)


def rollback(ctx: Context, model: Model) -> int:
    """Let the newest champion older than the present one serve again, and return its version."""
    serving = champion(ctx, model)
    earlier = [
        row["version"]
        for row in versions(ctx, model)
        if row["status"] == "retired" and serving is not None and row["version"] < serving
    ]
    if serving is None or not earlier:
        raise LakehouseError(
            f"Model '{model.name}' has no champion before version {serving} to go back to; "
            f"'lakehouse models list {ctx.domain.name}' shows its versions."
        )
    make_champion(ctx, model, earlier[0])
    return int(earlier[0])


def make_champion(ctx: Context, model: Model, version: int) -> None:
    """Move the pointer, then the alias in MLflow and the recorded statuses, which follow it.

    The pointer decides what serves. A crash after it leaves alias and statuses behind until the
    next promotion.
    """
    name = (ctx.domain.name, model.name)
    releases.read(ctx.home, *name, version)
    releases.point(ctx.home, *name, version)
    tracking(ctx).set_alias(registered_name(ctx, model), CHAMPION, version)
    models.set_champion(ctx.records, *name, version)


def recorded(ctx: Context, model: Model, version: int) -> ModelVersion:
    """A version's record; raises NotFound naming the versions there are."""
    name = (ctx.domain.name, model.name)
    made = models.recorded(ctx.records, *name, version)
    if made is None:
        known = ", ".join(str(v.version) for v in models.versions(ctx.records, *name)[:5])
        raise NotFound(f"Model '{model.name}' has no version {version}; it has: {known or 'none'}.")
    return made
