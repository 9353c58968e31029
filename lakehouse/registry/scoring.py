"""Batch scoring: a released model decides about every row of a table, on any engine.

Like the service, it reads release folders only: no MLflow is loaded, and what is decided with is
the declaration that the version was registered with.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lakehouse.context import Context
from lakehouse.declare.training import Model
from lakehouse.engines.protocol import Frame
from lakehouse.errors import LakehouseError
from lakehouse.features.historical import historical
from lakehouse.language import expressions
from lakehouse.language.expressions import parse
from lakehouse.language.expressions.sql import to_sql
from lakehouse.language.provenance import KNOWN_AT
from lakehouse.language.sql import literals
from lakehouse.records.store import Run, iso
from lakehouse.registry.scored_rows import ScoringTask, scoring_task
from lakehouse.times import microseconds
from lakehouse.training.scorers import AddScores
from lakehouse.zones.counting import count_rows
from lakehouse.zones.derivation import INPUTS, derive, same_facts

RELEASE, SINCE = "lakehouse.release", "lakehouse.since"
"""What a commit's metadata keeps besides inputs and rows: the release, and from when on."""


@dataclass(frozen=True)
class Scored:
    """A table of scores after a run: its name, rows and version, and if the run made a commit."""

    table: str
    model_version: int
    rows: int
    version: int
    changed: bool


def score(
    ctx: Context,
    model: Model,
    table: str | None = None,
    since: datetime | None = None,
    version: int | None = None,
) -> Scored:
    """Score a table's rows with a released version (default: the champion) and commit the result.

    `table` is any cleaned or curated table of the domain with the request's columns; default: the
    one that the model learns from. Features are those known at each row's moment, as in training.
    The result is the curated table `<model>_scores_of_<table>`: the row's key and moment, `score`
    and `decision` (null where the model gives no number), `model`, `model_version`,
    `data_versions` (the table versions read, as JSON), `scored_at`, and `_known_at`, when the last
    of row, moment and model was known. With `since` only rows from that moment on are scored, and
    earlier scores stay. With the same release, tables and `since` nothing is done.

    Raises LakehouseError where there is no champion or the table does not fit the request.
    """
    task = scoring_task(ctx, model, table, since, version)
    ref = ctx.table("curated", task.name)
    with ctx.run("scoring", task.name, version=task.released.version) as run:
        at = ctx.pinned(task.inputs)

        def make() -> tuple[Frame, int]:
            frame, newest = _scores(at, task, run), ref.version()
            if since is not None and newest is not None:
                frame = _with_earlier(ctx, task, since, frame, newest)
            scored = None if since is None else _from(task, since)
            return frame, count_rows(ctx.engine, at.read(task.table), scored)

        facts = {RELEASE: _release(task), SINCE: iso(since) if since else ""}
        done = derive(ctx, run, ref, at.data_versions(task.inputs), facts, make, _covers)
        run.metrics |= done.metrics
    return Scored(task.name, task.released.version, done.rows, done.version, done.changed)


def scores(
    ctx: Context,
    model: Model,
    table: str | None = None,
    since: datetime | None = None,
    version: int | None = None,
) -> Frame:
    """The rows that `score` would write, as the engine's frame; nothing is written."""
    task = scoring_task(ctx, model, table, since, version)
    return _scores(ctx, task, Run("", ctx.domain.name, "scoring", task.name))


def _release(task: ScoringTask) -> str:
    """What is told apart of a release, as canonical JSON."""
    named = {"version": task.released.version, "digests": task.released.digests}
    return json.dumps(named, sort_keys=True)


def _covers(written: Mapping[str, Any], meant: Mapping[str, str]) -> bool:
    """Whether what was written is what is meant: of the same inputs, from as early on."""
    if not same_facts(written, {name: meant[name] for name in (INPUTS, RELEASE)}):
        return False
    since = str(written.get(SINCE, ""))
    return since == "" or (meant[SINCE] != "" and since <= meant[SINCE])


def _scores(ctx: Context, task: ScoringTask, run: Run) -> Frame:
    """Features at each row's moment, the score of the inputs, the rules' decision."""
    engine, learns_from = ctx.engine, task.released.model.learns_from
    request = [column.name for column in learns_from.request.columns]
    wanted = list(dict.fromkeys([*task.keys, task.at, *request, KNOWN_AT]))
    where = f" WHERE {_from(task, task.since)}" if task.since else ""
    spine = engine.query(
        f"SELECT {literals.names(wanted)} FROM scored{where}",
        {"scored": ctx.read(task.table, run)},
    )
    views = (*learns_from.stored_views, *learns_from.request_views)
    featured = historical(ctx, spine, task.at, views, run)
    names = {column: column for column in request}
    names |= {f.dotted: f.full_name for view in views for f in view.features}
    asking = {
        names[name]
        for rule in task.released.model.rules
        for name in expressions.names(parse(rule.when))
        if name != "score"
    }
    keep = list(dict.fromkeys([*task.keys, task.at, KNOWN_AT, *sorted(asking)]))
    add = AddScores(keep, {"score": task.released.onnx})
    inputs = list(task.released.inputs)
    taken = engine.query(
        f"SELECT {literals.names(dict.fromkeys([*keep, *inputs]))} FROM featured",
        {"featured": featured},
    )
    empty = engine.query("SELECT * FROM taken WHERE FALSE", {"taken": taken})
    schema = add.schema(engine.to_arrow(empty).schema)
    mapped = engine.map_arrow(taken, add, schema)
    return engine.query(_result_sql(ctx, task, names, run), {"mapped": mapped})


def _result_sql(ctx: Context, task: ScoringTask, names: Mapping[str, str], run: Run) -> str:
    """Portable SQL of the result over `mapped`, the rows with their scores."""
    released = task.released
    known = literals.timestamp(microseconds(released.known_at))
    moment = literals.name(task.at)
    return f"""
        SELECT {literals.names([*task.keys, task.at])}, score,
               {_decision(released.model, names)} AS decision,
               {literals.text(released.model.name)} AS model,
               CAST({released.version} AS BIGINT) AS model_version,
               {literals.text(json.dumps(run.reads, sort_keys=True))} AS data_versions,
               {literals.timestamp(microseconds(ctx.records.now()))} AS scored_at,
               greatest({literals.name(KNOWN_AT)}, {moment}, {known}) AS {KNOWN_AT}
        FROM mapped
    """


def _decision(model: Model, names: Mapping[str, str]) -> str:
    """The rules in order: the first that holds decides; without a score there is no decision."""
    columns = {name: literals.name(column) for name, column in names.items()} | {"score": "score"}
    rules = " ".join(
        f"WHEN {to_sql(parse(rule.when), columns)} THEN {literals.text(rule.decision)}"
        for rule in model.rules
    )
    return (
        f"CASE WHEN score IS NULL THEN CAST(NULL AS STRING) {rules} "
        f"ELSE {literals.text(model.otherwise)} END"
    )


def _from(task: ScoringTask, since: datetime) -> str:
    return f"{literals.name(task.at)} >= {literals.timestamp(microseconds(since))}"


def _with_earlier(
    ctx: Context, task: ScoringTask, since: datetime, frame: Frame, newest: int
) -> Frame:
    """The scores together with those of earlier moments that are there already."""
    earlier = ctx.engine.read(ctx.table("curated", task.name), newest)
    columns = ctx.engine.columns(frame)
    if columns != ctx.engine.columns(earlier):
        raise LakehouseError(
            f"Table '{task.name}' holds the columns {', '.join(ctx.engine.columns(earlier))}, and "
            f"its scores now {', '.join(columns)}; score once without --since."
        )
    listed = literals.names(columns)
    return ctx.engine.query(
        f"SELECT {listed} FROM earlier WHERE NOT ({_from(task, since)}) "
        f"UNION ALL SELECT {listed} FROM scores",
        {"earlier": earlier, "scores": frame},
    )
