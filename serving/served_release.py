"""A release made ready to answer: its request and its outcomes read, its policy compiled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lakehouse.declare.features import StoredView
from lakehouse.declare.training import Model
from lakehouse.records.home import Home
from lakehouse.records.releases import BrokenRelease, Release, read
from serving.policy import Policy
from serving.rows import RowReader

_SHOWN = (
    "created_at",
    "metrics",
    "training_set_digest",
    "pins",
    "code_version",
    "packages",
)


@dataclass(frozen=True)
class ServedRelease:
    """A model version, ready to answer."""

    released: Release
    reader: RowReader
    outcomes: RowReader | None
    policy: Policy

    @property
    def domain(self) -> str:
        return self.released.domain

    @property
    def name(self) -> str:
        return self.released.name

    @property
    def version(self) -> int:
        return self.released.version

    @property
    def digest(self) -> str | None:
        return self.released.digest

    @property
    def model(self) -> Model:
        return self.released.model

    @property
    def stored_views(self) -> tuple[StoredView, ...]:
        return self.model.learns_from.stored_views

    def facts(self) -> dict[str, Any]:
        """What a person wants to know of a release; no compiled declaration."""
        facts: dict[str, Any] = {
            "domain": self.domain,
            "model": self.name,
            "version": self.version,
            "digest": self.digest,
            "description": self.model.description,
            "task": self.model.task,
            "request": self.model.learns_from.request.name,
            "inputs": list(self.released.inputs),
            "decisions": list(self.policy.decisions),
        }
        recorded = self.released.facts
        return facts | {key: recorded[key] for key in _SHOWN if key in recorded}


def load(home: Home, domain: str, name: str, version: int) -> ServedRelease:
    """Read and compile a release; raises BrokenRelease saying what is wrong with it."""
    released = read(home, domain, name, version)
    model = released.model
    try:
        return ServedRelease(
            released,
            RowReader(model.learns_from.request, "request body"),
            _outcomes_reader(model),
            Policy(model, released.inputs, released.onnx),
        )
    except Exception as error:  # a release may hold anything; one must not stop the others
        told = f"{type(error).__name__}: {error}".splitlines()[0]
        where = f"Release {domain}/{name}/{version}"
        raise BrokenRelease(f"{where} cannot be compiled ({told}).") from error


def _outcomes_reader(model: Model) -> RowReader | None:
    """Outcomes are read by their source's contract; the service stamps when they were known."""
    if model.outcomes is None:
        return None
    spec = model.outcomes.contract
    stamped = (spec.known_at,) if spec.known_at is not None else ()
    return RowReader(spec, "request body", may_miss=stamped)
