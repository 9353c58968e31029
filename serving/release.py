"""One release folder: read, verified against its digests, and compiled for serving."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lakehouse.declare import compiled
from lakehouse.declare.features import StoredView
from lakehouse.declare.training import Model
from lakehouse.errors import LakehouseError
from serving.policy import Policy
from serving.rows import RowReader

FORMAT = 1
MODEL, DESCRIPTION, POINTER = "model.onnx", "release.json", "champion.json"
_SHOWN = (
    "created_at",
    "metrics",
    "training_set_digest",
    "pins",
    "code_version",
    "packages",
)


class BrokenRelease(LakehouseError):
    """A release folder cannot be served: a file is missing, changed, or not understood."""


@dataclass(frozen=True)
class Release:
    """A model version, ready to answer.

    `moment` is the request column that features are asked for at, None for the lake's clock.
    `digest` is the SHA-256 of release.json, which holds those of the other files.
    """

    domain: str
    name: str
    version: int
    digest: str
    model: Model
    inputs: tuple[str, ...]
    reader: RowReader
    outcomes: RowReader | None
    policy: Policy
    described: Mapping[str, Any]

    @property
    def moment(self) -> str | None:
        return self.model.learns_from.request.event_time

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
            "inputs": list(self.inputs),
            "decisions": list(self.policy.decisions),
        }
        return facts | {k: self.described[k] for k in _SHOWN if k in self.described}


def load(folder: Path, domain: str, name: str, version: int) -> Release:
    """Read and compile a release folder; raises BrokenRelease saying what is wrong with it."""
    where = f"Release {domain}/{name}/{version}"
    text = _read(folder / DESCRIPTION, where)
    try:
        described = json.loads(text)
        found = described["format"]
    except (ValueError, TypeError, KeyError):
        raise BrokenRelease(f"{where}: {DESCRIPTION} is not a release's; promote again.") from None
    if found != FORMAT:
        raise BrokenRelease(
            f"{where} has format {found}, this service reads format {FORMAT}; serve it with the "
            "version that wrote it, or register the model again."
        )
    try:
        said = (described["domain"], described["model"], described["version"])
        if said != (domain, name, version):
            raise BrokenRelease(f"{where} says that it is {said[0]}/{said[1]}/{said[2]}.")
        onnx = _verified(folder, described["digests"], where)
        model = compiled.from_data(described["declaration"])
        if not isinstance(model, Model):
            raise BrokenRelease(f"{where}: its declaration is a {type(model).__name__}.")
        inputs = tuple(described["inputs"])
        return Release(
            domain,
            name,
            version,
            hashlib.sha256(text).hexdigest(),
            model,
            inputs,
            RowReader(model.learns_from.request, "request body"),
            _outcomes_reader(model),
            Policy(model, inputs, onnx),
            described,
        )
    except BrokenRelease:
        raise
    except Exception as error:  # a folder may hold anything; one release must not stop the others
        told = f"{type(error).__name__}: {error}".splitlines()[0]
        raise BrokenRelease(f"{where} cannot be compiled ({told}).") from error


def _outcomes_reader(model: Model) -> RowReader | None:
    """Outcomes are read by their source's contract; the service stamps when they were known."""
    if model.outcomes is None:
        return None
    spec = model.outcomes.contract
    stamped = (spec.known_at,) if spec.known_at is not None else ()
    return RowReader(spec, "request body", may_miss=stamped)


def _verified(folder: Path, digests: Mapping[str, str], where: str) -> bytes:
    """Check every file against its digest and return the model's bytes, which were checked."""
    if MODEL not in digests:
        raise BrokenRelease(f"{where} has no digest of {MODEL}; promote again.")
    onnx = b""
    for file, digest in digests.items():
        content = _read(folder / Path(file).name, where)
        if hashlib.sha256(content).hexdigest() != digest:
            raise BrokenRelease(
                f"{where}: {file} is not the file that was released (its SHA-256 differs); "
                "restore it or roll back."
            )
        if file == MODEL:
            onnx = content
    return onnx


def _read(path: Path, where: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise BrokenRelease(f"{where}: {path.name} cannot be read ({reason}).") from None
