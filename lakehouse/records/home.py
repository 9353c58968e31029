"""A lake's folder: where everything lies, and the format number it carries."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lakehouse.errors import LakeFormatError

FORMAT = 1
Clock = Literal["wall", "data"]


@dataclass(frozen=True)
class Home:
    """The folder of one lake, `LAKEHOUSE_HOME`.

    landing/<domain>/…            files as they are delivered
    tables/<zone>/<domain>/<name> Delta tables: raw, cleaned, quarantine, set_aside, curated,
                                  training
    online/<domain>.db            the online store
    releases/<domain>/<model>/    release folders and the champion's pointer
    mlflow/                       runs and models
    records.db                    runs, versions, deliveries, tags, keys
    """

    path: Path
    clock: Clock = "wall"

    @staticmethod
    def create(path: Path, clock: Clock = "wall") -> Home:
        """Make an empty lake, or open the one that is there."""
        marker = path / "lake.json"
        if marker.exists():
            return Home.open(path)
        if path.exists() and any(path.iterdir()):
            raise LakeFormatError(
                f"{path} holds other files and no lake; name an empty folder in LAKEHOUSE_HOME."
            )
        path.mkdir(parents=True, exist_ok=True)
        temporary = path / f".lake.json.{os.getpid()}"
        temporary.write_text(json.dumps({"format": FORMAT, "clock": clock}) + "\n")
        temporary.replace(marker)
        return Home(path, clock)

    @staticmethod
    def open(path: Path) -> Home:
        """Open a lake; raises LakeFormatError if the folder is none, or of another format."""
        marker = path / "lake.json"
        try:
            found = json.loads(marker.read_text())
        except FileNotFoundError:
            raise LakeFormatError(
                f"There is no lake in {path}; make one with 'lakehouse demo' or 'lakehouse run', "
                "or name another folder in LAKEHOUSE_HOME."
            ) from None
        except ValueError as error:
            raise LakeFormatError(f"{marker} is not readable JSON ({error}).") from error
        if found.get("format") != FORMAT:
            raise LakeFormatError(
                f"The lake in {path} has format {found.get('format')}, this version reads format "
                f"{FORMAT}; open it with the version that wrote it."
            )
        return Home(path, found["clock"])

    @property
    def records(self) -> Path:
        return self.path / "records.db"

    @property
    def mlflow(self) -> Path:
        return self.path / "mlflow"

    def landing(self, domain: str) -> Path:
        return self.path / "landing" / domain

    def table(self, zone: str, domain: str, name: str) -> Path:
        return self.path / "tables" / zone / domain / name

    def online(self, domain: str) -> Path:
        return self.path / "online" / f"{domain}.db"

    def releases(self, domain: str, model: str) -> Path:
        return self.path / "releases" / domain / model
