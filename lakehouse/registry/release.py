"""Release folders: all that serving needs, immutable, with one pointer to the champion."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lakehouse.errors import LakehouseError

FORMAT = 1
FACTS = "release.json"
MODEL = "model.onnx"
POINTER = "champion.json"


def write(folder: Path, onnx: bytes, facts: Mapping[str, Any]) -> None:
    """Write a release folder at once: complete under its name, or not there.

    `facts` are the release's own, without `format` and `digests`. An equal folder is left
    alone; raises LakehouseError if another one holds the name.
    """
    document = {
        "format": FORMAT,
        **facts,
        "digests": {MODEL: hashlib.sha256(onnx).hexdigest()},
    }
    text = json.dumps(document, indent=2, sort_keys=True, default=str) + "\n"
    if folder.exists():
        if (folder / FACTS).read_text() != text or (folder / MODEL).read_bytes() != onnx:
            raise LakehouseError(
                f"Release {folder} exists with other content; a release never changes."
            )
        return
    building = folder.with_name(f".{folder.name}.{os.getpid()}")
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir(parents=True)
    (building / MODEL).write_bytes(onnx)
    (building / FACTS).write_text(text)
    for file in building.iterdir():
        _to_disk(file)
    building.rename(folder)
    _to_disk(folder.parent)


def read(folder: Path) -> dict[str, Any]:
    """Read a release's facts; raises LakehouseError where a file is gone or altered."""
    try:
        facts: dict[str, Any] = json.loads((folder / FACTS).read_text())
        for name, recorded in facts["digests"].items():
            found = hashlib.sha256((folder / name).read_bytes()).hexdigest()
            if found != recorded:
                raise LakehouseError(
                    f"{folder / name} is not what was released: its SHA-256 is {found}, recorded "
                    f"is {recorded}. Roll back with 'lakehouse models rollback'."
                )
    except (FileNotFoundError, ValueError, KeyError) as error:
        raise LakehouseError(f"Release {folder} is not whole ({error}).") from error
    return facts


def point(releases: Path, version: int | None) -> None:
    """Move the champion's pointer, atomically; None takes it away."""
    pointer = releases / POINTER
    if version is None:
        pointer.unlink(missing_ok=True)
        return
    building = releases / f".{POINTER}.{os.getpid()}"
    building.write_text(json.dumps({"version": version}) + "\n")
    _to_disk(building)
    building.replace(pointer)
    _to_disk(releases)


def pointed(releases: Path) -> int | None:
    """The version the pointer names, or None."""
    try:
        return int(json.loads((releases / POINTER).read_text())["version"])
    except FileNotFoundError:
        return None


def _to_disk(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
