"""A domain's stages in the data's order: raw, cleaned, curated, features, training.

Each stage is incremental: with nothing new it makes no commit and says so.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from lakehouse.context import Context
from lakehouse.declare.features import StoredView
from lakehouse.declare.tables import Cleaned, Curated, Raw
from lakehouse.declare.training import Model
from lakehouse.errors import DeclarationError, unknown

STAGES = ("raw", "cleaned", "curated", "features", "training")


@dataclass(frozen=True)
class Step:
    """What one stage did to one target.

    `version` is the Delta table's or the model's version after the step; `rows` the rows it
    took, wrote or trained on. `problems` are things a person should look at: files set aside, a
    refused gate.
    """

    stage: str
    target: str
    seconds: float
    changed: bool
    rows: int | None = None
    version: int | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    problems: tuple[str, ...] = ()


Progress = Callable[[str, str], None]


def run(
    ctx: Context,
    stages: Sequence[str] = STAGES,
    *,
    as_of: datetime | None = None,
    seed: int = 0,
    progress: Progress = lambda stage, target: None,
    promote_uncommitted: bool = False,
) -> list[Step]:
    """Run stages of a domain in their order and return what each did.

    `as_of` is the moment training sets are built for, by default the lake's clock. `progress`
    is told each stage and target before it starts. `promote_uncommitted` lets models serve that
    uncommitted code made, as a demonstration does. The caller holds the lake's writer lock.

    Raises DeclarationError, before anything is taken in, for SQL of a curated table that does not
    fit the contracts of its inputs or its own.
    """
    for stage in stages:
        if stage not in STAGES:
            raise DeclarationError(unknown("stage", stage, STAGES, f"Domain '{ctx.domain.name}'"))
    if "curated" in stages and ctx.domain.curated:
        from lakehouse.zones.curated_sql import check_domain

        check_domain(ctx.domain)  # before anything is taken in
    steps: list[Step] = []
    for stage in STAGES:
        if stage in stages:
            for target, work in _targets(ctx, stage, as_of, seed, promote_uncommitted):
                progress(stage, target)
                started = time.perf_counter()
                changed, rows, version, facts, problems = work()
                steps.append(
                    Step(
                        stage,
                        target,
                        time.perf_counter() - started,
                        changed,
                        rows,
                        version,
                        facts,
                        tuple(problems),
                    )
                )
    return steps


TargetResult = tuple[bool, int | None, int | None, dict[str, Any], Sequence[str]]


def _targets(
    ctx: Context, stage: str, as_of: datetime | None, seed: int, promote_uncommitted: bool
) -> list[tuple[str, Callable[[], TargetResult]]]:
    domain = ctx.domain
    if stage == "raw":
        return [(t.raw.name, partial(_raw, ctx, t.raw)) for t in domain.cleaned]
    if stage == "cleaned":
        return [(t.name, partial(_cleaned, ctx, t)) for t in domain.cleaned]
    if stage == "curated":
        return [(t.name, partial(_curated, ctx, t)) for t in domain.curated]
    if stage == "features":
        return [(v.name, partial(_features, ctx, v)) for v in domain.stored_views]
    return [
        (m.name, partial(_training, ctx, m, as_of, seed, promote_uncommitted))
        for m in domain.models
    ]


def _raw(ctx: Context, raw: Raw) -> TargetResult:
    from lakehouse.zones.raw import take_in

    taken = take_in(ctx, raw)
    problems = [f"{path}: {reason}" for path, reason in taken.set_aside]
    facts = {"deliveries": taken.deliveries}
    return taken.batch is not None, taken.rows, taken.version, facts, problems


def _cleaned(ctx: Context, table: Cleaned) -> TargetResult:
    from lakehouse.zones.cleaned import clean

    done = clean(ctx, table)
    aside = {
        "quarantined": done.quarantined,
        "superseded": done.superseded,
        "dropped": done.dropped,
        "duplicates": done.duplicates,
    }
    facts = {name: count for name, count in aside.items() if count}
    changed = bool(done.rows or facts)
    return changed, done.rows, done.version, facts, ()


def _curated(ctx: Context, table: Curated) -> TargetResult:
    from lakehouse.zones.curated import curate

    done = curate(ctx, table)
    return done.changed, done.rows, done.version, {}, ()


def _features(ctx: Context, view: StoredView) -> TargetResult:
    from lakehouse.features.online.write.materialise import materialise

    done = materialise(ctx, view)
    return done.changed, done.rows, done.version, {"entities": done.entities}, ()


def _training(
    ctx: Context, model: Model, as_of: datetime | None, seed: int, promote_uncommitted: bool
) -> TargetResult:
    from lakehouse.registry.registering import train

    moment = as_of or ctx.clock()
    done = train(ctx, model, moment, seed, promote_uncommitted=promote_uncommitted)
    facts: dict[str, Any] = dict(done.metrics)
    if done.changed:
        facts = {"champion": done.champion, **facts}
    problems = done.verdict.reasons if done.verdict else ()
    return done.changed, done.rows or None, done.version, facts, problems
