"""Releases: all that serving needs of a model version, in one immutable folder.

The registry writes releases, and the registry, scoring, the comparison of served values and the
service read them, all by this module. A folder holds the model as ONNX and a description in JSON;
beside the versions of a model lies the champion's pointer.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from lakehouse.declare import compiled
from lakehouse.declare.training import Model
from lakehouse.errors import LakehouseError
from lakehouse.records.home import Home

FORMAT = 1
DESCRIPTION, MODEL, POINTER = "release.json", "model.onnx", "champion.json"
_OWN = ("format", "domain", "model", "version", "inputs", "declaration", "digests")


class BrokenRelease(LakehouseError):
    """A release or pointer cannot be used: a file is missing, changed, or not understood."""


@dataclass(frozen=True)
class Release:
    """A model version as it is released.

    `inputs` are the full names of the columns that the ONNX model takes, in order. `facts` are
    plain data that is kept and shown and that nothing is decided by: `created_at`, `as_of`,
    `metrics`, `pins`, `code_version` and the like. `digest` is the SHA-256 of the description as
    it was read, which holds those of the other files.
    """

    domain: str
    name: str
    version: int
    model: Model
    inputs: tuple[str, ...]
    onnx: bytes = field(repr=False)
    facts: Mapping[str, Any] = field(default_factory=dict)
    digest: str | None = field(default=None, compare=False)

    @property
    def digests(self) -> dict[str, str]:
        """The SHA-256 of each file beside the description."""
        return {MODEL: _sha256(self.onnx)}

    @property
    def known_at(self) -> datetime:
        """When the model was known: the moment it was trained for."""
        return datetime.fromisoformat(self.facts.get("as_of") or self.facts["created_at"])


def write(home: Home, release: Release) -> None:
    """Write a release at once: complete under its name, or not there.

    An equal release is left alone; raises LakehouseError if another one holds the name.
    """
    document = {
        **release.facts,
        "format": FORMAT,
        "domain": release.domain,
        "model": release.name,
        "version": release.version,
        "inputs": list(release.inputs),
        "declaration": compiled.to_data(release.model),
        "digests": release.digests,
    }
    text = json.dumps(document, indent=2, sort_keys=True) + "\n"
    folder = home.releases(release.domain, release.name) / str(release.version)
    if folder.exists():
        same = (folder / DESCRIPTION).read_text() == text
        if not same or (folder / MODEL).read_bytes() != release.onnx:
            raise LakehouseError(
                f"Release {folder} exists with other content; a release never changes."
            )
        return
    building = folder.with_name(f".{folder.name}.{os.getpid()}")
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir(parents=True)
    (building / MODEL).write_bytes(release.onnx)
    (building / DESCRIPTION).write_text(text)
    for file in building.iterdir():
        _to_disk(file)
    building.rename(folder)
    _to_disk(folder.parent)


def read(home: Home, domain: str, name: str, version: int) -> Release:
    """Read a release and hold it against its digests; raises BrokenRelease saying what is wrong.

    What it raises names no folder of the machine: it is shown to whoever asks for the health.
    """
    where = f"Release {domain}/{name}/{version}"
    folder = home.releases(domain, name) / str(version)
    text = _content(folder / DESCRIPTION, where)
    document = _document(text, where)
    try:
        said = (document["domain"], document["model"], document["version"])
        if said != (domain, name, version):
            raise BrokenRelease(f"{where} says that it is {said[0]}/{said[1]}/{said[2]}.")
        onnx = _verified(folder, document["digests"], where)
        model = compiled.from_data(document["declaration"])
        if not isinstance(model, Model):
            raise BrokenRelease(f"{where}: its declaration is a {type(model).__name__}.")
        inputs = tuple(document["inputs"])
    except BrokenRelease:
        raise
    except Exception as error:  # a file may hold anything; one release must not stop the others
        told = f"{type(error).__name__}: {error}".splitlines()[0]
        raise BrokenRelease(
            f"{where} cannot be read ({told}); register the model again."
        ) from error
    facts = {key: value for key, value in document.items() if key not in _OWN}
    return Release(domain, name, version, model, inputs, onnx, facts, _sha256(text))


def versions(home: Home, domain: str, name: str) -> list[int]:
    """The versions of a model that are released, in their order."""
    folders = home.releases(domain, name).glob("*")
    return sorted(int(folder.name) for folder in folders if folder.name.isdecimal())


def point(home: Home, domain: str, name: str, version: int | None) -> None:
    """Move the champion's pointer, atomically; None takes it away."""
    folder = home.releases(domain, name)
    if version is None:
        (folder / POINTER).unlink(missing_ok=True)
        return
    building = folder / f".{POINTER}.{os.getpid()}"
    building.write_text(json.dumps({"version": version}) + "\n")
    _to_disk(building)
    building.replace(folder / POINTER)
    _to_disk(folder)


def pointed(home: Home, domain: str, name: str) -> int | None:
    """The version that the champion's pointer names, None without one; raises BrokenRelease."""
    where = f"{POINTER} of {domain}/{name}"
    try:
        version = json.loads((home.releases(domain, name) / POINTER).read_bytes())["version"]
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise BrokenRelease(f"{where} is unreadable ({type(error).__name__}).") from None
    if type(version) is not int or version < 1:
        raise BrokenRelease(f"{where} names no version.")
    return version


def _document(text: bytes, where: str) -> Mapping[str, Any]:
    try:
        document = json.loads(text)
        written = document["format"]
    except (ValueError, TypeError, KeyError):
        raise BrokenRelease(
            f"{where}: {DESCRIPTION} is not a release's; register the model again."
        ) from None
    if written != FORMAT:
        raise BrokenRelease(
            f"{where} has format {written}, this version reads format {FORMAT}; serve it with the "
            "version that wrote it, or register the model again."
        )
    found: Mapping[str, Any] = document
    return found


def _verified(folder: Path, digests: Mapping[str, str], where: str) -> bytes:
    """Check every file against its digest and return the model's bytes, which were checked."""
    if MODEL not in digests:
        raise BrokenRelease(f"{where} has no digest of {MODEL}; register the model again.")
    onnx = b""
    for file, digest in digests.items():
        content = _content(folder / Path(file).name, where)
        if _sha256(content) != digest:
            raise BrokenRelease(
                f"{where}: {file} is not the file that was released (its SHA-256 differs); "
                "restore it, or roll back with 'lakehouse models rollback'."
            )
        if file == MODEL:
            onnx = content
    return onnx


def _content(path: Path, where: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise BrokenRelease(f"{where}: {path.name} cannot be read ({reason}).") from None


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _to_disk(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
