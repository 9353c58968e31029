"""What is to be scored: a released model version, and the table whose rows it fits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from lakehouse.context import Context
from lakehouse.declare.tables import Table, table_column
from lakehouse.declare.training import Model
from lakehouse.errors import LakehouseError, NotFound
from lakehouse.records import releases
from lakehouse.records.releases import Release

ADDED = ("score", "decision", "model", "model_version", "data_versions", "scored_at")
"""The columns of a table of scores beside key, moment and known time."""


@dataclass(frozen=True)
class ScoringTask:
    """What is scored: a released model on a table's rows, from a moment on."""

    released: Release
    table: Table
    since: datetime | None

    @property
    def name(self) -> str:
        return f"{self.released.model.name}_scores_of_{self.table.name}"

    @property
    def inputs(self) -> list[Table]:
        """The tables that scores are computed from."""
        return [self.table, *(view.of for view in self.released.model.learns_from.stored_views)]

    @property
    def at(self) -> str:
        """The column of the moment that features are asked for at."""
        found = self.released.model.learns_from.request.event_time or self.table.event_time
        assert found is not None  # _check made sure
        return found

    @property
    def keys(self) -> list[str]:
        """The columns that tell rows apart: the table's key, or the entities' keys without one."""
        views = self.released.model.learns_from.stored_views
        keys = self.table.keys or tuple(k for view in views for k in view.by.keys)
        return [k for k in dict.fromkeys(keys) if k != self.at]


def scoring_task(
    ctx: Context, model: Model, table: str | None, since: datetime | None, version: int | None
) -> ScoringTask:
    released = _released(ctx, model, version)
    learnt_from = released.model.learns_from.table
    found = learnt_from if table in (None, learnt_from.name) else ctx.domain.table(str(table))
    task = ScoringTask(released, found, since)
    _check(ctx, task)
    return task


def _released(ctx: Context, model: Model, version: int | None) -> Release:
    name = (ctx.domain.name, model.name)
    chosen = version if version is not None else releases.pointed(ctx.home, *name)
    if chosen is None:
        raise LakehouseError(
            f"Model '{model.name}' has no champion to score with; 'lakehouse train "
            f"{ctx.domain.name}' makes one if the gate lets it, or name a --version."
        )
    there = releases.versions(ctx.home, *name)
    if chosen not in there:
        known = ", ".join(map(str, there[-5:])) or "none"
        raise NotFound(f"Model '{model.name}' has no released version {chosen}; it has: {known}.")
    return releases.read(ctx.home, *name, chosen)


def _check(ctx: Context, task: ScoringTask) -> None:
    """Refuse a table that has no moment, or not the request's columns in their types."""
    request, table = task.released.model.learns_from.request, task.table
    where = f"Table '{table.name}' cannot be scored by model '{task.released.model.name}'"
    if request.event_time is None and table.event_time is None:
        raise LakehouseError(
            f"{where}: it has no event_time() column, the moment to ask features for; mark one in "
            "its contract."
        )
    for column in request.columns:
        found = table_column(table, column.name, f"{where} by its request {request.name}")
        if (found.kind, found.scale) != (column.kind, column.scale):
            raise LakehouseError(
                f"{where}: column '{column.name}' is {found.kind} there and {column.kind} in "
                f"request {request.name}; make a curated table that casts it."
            )
    for name in (*task.keys, task.at):
        if name in ADDED:
            raise LakehouseError(
                f"{where}: its column '{name}' has a name of the scores' own "
                f"({', '.join(ADDED)}); make a curated table that renames it."
            )
    if task.name in {declared.name for declared in ctx.domain.tables}:
        raise LakehouseError(
            f"Domain '{ctx.domain.name}' declares a table '{task.name}', the name of the scores' "
            "own table; rename it."
        )
