"""Reproduction: a registered version's training set and metrics, made again from its pins."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lakehouse.context import Context
from lakehouse.declare.compiled import FunctionReference, from_data
from lakehouse.declare.training import Distributed, Model
from lakehouse.errors import LakehouseError
from lakehouse.registry.promotion import champion, recorded
from lakehouse.training.fitting import fit_candidate
from lakehouse.training.staging import built as training_set_of
from lakehouse.training.training_set import Bounds


@dataclass(frozen=True)
class Reproduction:
    """What was recorded at registration beside what its pins give now.

    `notes` say what differs around it: package versions, the code of `fit`.
    """

    model: str
    version: int
    digest_recorded: str
    digest_now: str
    metrics_recorded: dict[str, float]
    metrics_now: dict[str, float]
    notes: tuple[str, ...]

    @property
    def same(self) -> bool:
        """Whether training set and metrics are equal, also those that have no value."""
        recorded, now = _comparable(self.metrics_recorded), _comparable(self.metrics_now)
        return self.digest_recorded == self.digest_now and recorded == now


def reproduce(ctx: Context, model: Model, version: int | None = None) -> Reproduction:
    """Rebuild a version (default: the champion) and compare.

    Tables are read at the recorded versions through the recorded declaration, whatever the
    domain declares today; `fit` is imported, and a changed source is noted.
    """
    chosen = version if version is not None else champion(ctx, model)
    if chosen is None:
        raise LakehouseError(f"Model '{model.name}' has no champion; name a --version.")
    made = recorded(ctx, model, chosen)
    pins = made.pins
    declared: Model = from_data(pins["declaration"])
    pinned = dataclasses.replace(ctx, pins=pins["tables"])
    bounds = Bounds(**{k: datetime.fromisoformat(v) for k, v in pins["bounds"].items()})
    as_of = datetime.fromisoformat(pins["as_of"])
    with training_set_of(pinned, declared, as_of, bounds=bounds) as built:
        candidate = fit_candidate(declared, built, pins["seed"], pins.get("workers"))
    return Reproduction(
        model.name,
        chosen,
        pins["training_set_digest"],
        built.digest,
        made.metrics,
        dict(candidate.metrics),
        tuple(_notes(ctx, pins, declared)),
    )


def _comparable(metrics: dict[str, float]) -> dict[str, float | None]:
    """Metrics with None for what is no number, as of test rows of one class: a NaN equals none."""
    return {name: None if math.isnan(value) else value for name, value in metrics.items()}


def _notes(ctx: Context, pins: dict[str, Any], declared: Model) -> list[str]:
    from importlib.metadata import version as package_version

    notes = [
        f"{package} was {recorded}, is {package_version(package)}"
        for package, recorded in pins["packages"].items()
        if package_version(package) != recorded
    ]
    recorded_fit: Any = declared.fitted_by
    now = FunctionReference.of(recorded_fit.load())
    if now.source_sha256 != recorded_fit.source_sha256:
        notes.append(
            f"the source of {now.module} changed since; it was at code version {pins['code']}"
        )
    if isinstance(declared.fit, Distributed) and ctx.engine.name != pins["engine"]:
        notes.append(
            f"it was fitted by engine {pins['engine']}, whose trees differ from those of engine "
            f"{ctx.engine.name}; add --engine {pins['engine']}"
        )
    if ctx.code.text != pins["code"]:
        notes.append(f"code version was {pins['code']}, is {ctx.code.text}")
    return notes
