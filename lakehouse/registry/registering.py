"""Registering: a candidate becomes a model version, named by everything it was made from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version as package_version
from typing import Any

from lakehouse.context import Context
from lakehouse.declare.compiled import FunctionReference, digest, to_data
from lakehouse.declare.training import Model
from lakehouse.records import models, releases
from lakehouse.records.models import ModelVersion
from lakehouse.records.releases import Release
from lakehouse.records.store import Run, iso
from lakehouse.registry import uncommitted
from lakehouse.registry.gate import Verdict, judge
from lakehouse.registry.promotion import champion, make_champion
from lakehouse.registry.tracking import registered_name, tracking
from lakehouse.training.fitting import Candidate, fit_candidate
from lakehouse.training.onnx import OnnxScorer
from lakehouse.training.pictures import pictures
from lakehouse.training.staging import Staged
from lakehouse.training.staging import built as training_set_of
from lakehouse.training.storing import store
from lakehouse.training.tested import score_test
from lakehouse.training.training_set import Built

PACKAGES = (
    "duckdb",
    "deltalake",
    "numpy",
    "pandas",
    "pyarrow",
    "scikit-learn",
    "xgboost-cpu",
    "onnx",
    "onnxruntime",
    "skl2onnx",
    "onnxmltools",
    "lakehouse",
)


@dataclass(frozen=True)
class Trained:
    """What a training run came to: a new version and its verdict, or nothing new.

    `version` is the new version, or the one that already stands for the same inputs.
    """

    changed: bool
    version: int
    champion: bool
    rows: int
    metrics: Mapping[str, float]
    verdict: Verdict | None


def train(
    ctx: Context,
    model: Model,
    as_of: datetime,
    seed: int = 0,
    *,
    promote_uncommitted: bool = False,
) -> Trained:
    """Build, fit, measure, register and judge; the gate makes the version champion or refuses it.

    Nothing is done when the newest version was made from the same table versions, moment,
    declaration, code and seed, or came to the same training set. A model made by uncommitted code
    is refused, unless `promote_uncommitted` lets it serve with its pins saying so, as in a
    demonstration. Raises LakehouseError where there are no rows, no labels, or no ONNX form.
    """
    barred = () if promote_uncommitted else uncommitted.reasons(ctx.code.uncommitted)
    with ctx.run("training", model.name, as_of, seed=seed) as run:
        newest = models.newest(ctx.records, ctx.domain.name, model.name)
        if newest is not None and not barred and uncommitted.only(newest.reasons):
            newest = None  # what barred it is gone: the same inputs are a new case
        asked = _basis(ctx, model, as_of, seed)
        if newest is not None and newest.pins["asked"] == asked:
            return _unchanged(ctx, model, newest, run)
        with training_set_of(ctx, model, as_of, run=run) as built:
            if newest is not None and _same_but_inputs(newest.pins, asked, built):
                return _unchanged(ctx, model, newest, run)
            stored = store(ctx, built, run)
            candidate = fit_candidate(model, built, seed)
            before = _champion_metrics(ctx, model, built)
            verdict = judge(model.gate, candidate.metrics, before, candidate.difference.share_over)
            version = _register(ctx, candidate, asked, stored, verdict)
        reasons = [*verdict.reasons, *barred]
        if reasons:
            models.set_refused(ctx.records, ctx.domain.name, model.name, version, reasons)
        else:
            make_champion(ctx, model, version)
        run.metrics.update(candidate.metrics, version=version, refused=reasons)
        return Trained(
            True,
            version,
            not reasons,
            built.rows,
            candidate.metrics,
            Verdict(not reasons, (*verdict.lines, *barred)),
        )


def _basis(ctx: Context, model: Model, as_of: datetime, seed: int) -> dict[str, Any]:
    """What decides a training run before it begins."""
    tables = {t.name: t for v in model.learns_from.stored_views for t in (v.of,)}
    tables[model.learns_from.table.name] = model.learns_from.table
    return {
        "tables": ctx.data_versions(tables.values()),
        "as_of": as_of.isoformat(),
        "declaration": digest(model),
        "code": ctx.code.text,
        "seed": seed,
    }


def _same_but_inputs(
    pins: Mapping[str, Any], basis: Mapping[str, Any], built: Built | Staged
) -> bool:
    same = all(pins["asked"][k] == basis[k] for k in ("declaration", "code", "seed"))
    return same and pins["training_set_digest"] == built.digest and pins["bounds"] == _bounds(built)


def _bounds(built: Built | Staged) -> dict[str, str]:
    return {name: at.isoformat() for name, at in vars(built.bounds).items()}


def _unchanged(ctx: Context, model: Model, newest: ModelVersion, run: Run) -> Trained:
    run.metrics["unchanged"] = True
    run.reads.clear()
    serves = champion(ctx, model)
    return Trained(False, newest.version, serves == newest.version, 0, newest.metrics, None)


def _champion_metrics(ctx: Context, model: Model, built: Built | Staged) -> dict[str, float] | None:
    """The champion's metrics on the candidate's test rows; None where there is none to compare."""
    serving = champion(ctx, model)
    if serving is None:
        return None
    onnx = releases.read(ctx.home, ctx.domain.name, model.name, serving).onnx
    if set(OnnxScorer(onnx).inputs) - set(built.inputs):
        return None  # it takes inputs that are no longer declared: another problem, no comparison
    return score_test(built, model.group, {"champion": onnx}, {}).metrics("champion")


def _register(
    ctx: Context, candidate: Candidate, basis: Mapping[str, Any], stored: int, verdict: Verdict
) -> int:
    model, built = candidate.model, candidate.built
    fitted_by = FunctionReference.of(model.fitted_by)
    pins = {
        "asked": basis,
        "tables": built.pins,
        "training_table_version": stored,
        "training_set_digest": built.digest,
        "bounds": _bounds(built),
        "as_of": built.as_of.isoformat(),
        "seed": candidate.seed,
        "engine": ctx.engine.name,
        "code": ctx.code.text,
        "uncommitted": list(ctx.code.uncommitted),
        "declaration": to_data(model),
        "fit": vars(fitted_by),
        "workers": candidate.workers,
        "packages": {package: package_version(package) for package in PACKAGES},
    }
    mlflow = tracking(ctx)
    run_id, model_uri = mlflow.log_run(
        experiment=ctx.domain.name,
        name=f"{model.name} as of {built.as_of:%Y-%m-%d}",
        params={
            "as_of": built.as_of.isoformat(),
            "seed": candidate.seed,
            "engine": ctx.engine.name,
            "fit": f"{fitted_by.module}:{fitted_by.qualname}",
            "estimator": type(candidate.estimator).__name__,
            **_bounds(built),
            **{f"table {table}": v for table, v in built.pins.items()},
        },
        metrics={
            **candidate.metrics,
            "served_difference_max": candidate.difference.max_abs,
            "served_difference_share": candidate.difference.share_over,
        },
        tags={
            "code_version": ctx.code.text,
            "uncommitted_changes": ", ".join(ctx.code.uncommitted) or "none",
            "training_set_digest": built.digest,
            "gate": "\n".join(verdict.lines),
        },
        datasets=[
            (
                model.learns_from.name,
                built.digest,
                str(ctx.table("training", model.learns_from.name).folder),
                built.rows,
            )
        ],
        pictures=pictures(candidate.estimator, built.inputs, candidate.labels, candidate.scores),
        model=candidate.onnx,
        inputs=built.inputs,
        example=candidate.example,
        files={"pins.json": json.dumps(pins, indent=2, sort_keys=True).encode()},
    )
    version = mlflow.register(
        model_uri,
        registered_name(ctx, model),
        {"training_set_digest": built.digest, "code_version": ctx.code.text},
    )
    created = ctx.records.now()
    facts = {
        "created_at": iso(created),
        "as_of": built.as_of.isoformat(),
        "training_set_digest": built.digest,
        "pins": built.pins,
        "code_version": ctx.code.text,
        "packages": pins["packages"],
        "metrics": dict(candidate.metrics),
        "mlflow_run": run_id,
    }
    released = Release(
        ctx.domain.name, model.name, version, model, tuple(built.inputs), candidate.onnx, facts
    )
    releases.write(ctx.home, released)
    models.add_candidate(
        ctx.records,
        ctx.domain.name,
        model.name,
        version,
        created_at=created,
        pins=pins,
        metrics=candidate.metrics,
    )
    return version
