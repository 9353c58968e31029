"""A lake's folder: where everything lies, and the format number it carries."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from lakehouse.errors import LakeFormatError
from lakehouse.storage.addresses import address_of

FORMAT = 1
Clock = Literal["wall", "data"]
_HALF_MADE = ".lake.json."


@dataclass(frozen=True)
class Home:
    """The folder of one lake, `LAKEHOUSE_HOME`.

    landing/<domain>/…            files as they are delivered
    tables/<zone>/<domain>/<name> Delta tables: raw, cleaned, quarantine, set_aside, curated,
                                  training
    online/<domain>.db            the online store
    releases/<domain>/<model>/    release folders and the champion's pointer
    staging/                      training sets of distributed fits, while they last
    mlflow/                       runs and models
    records.db                    runs, versions, deliveries, tags, keys
    """

    path: Path
    clock: Clock = "wall"

    @staticmethod
    def create(path: Path, clock: Clock = "wall") -> Home:
        """Make an empty lake, or open the one that is there.

        Raises LakeFormatError where the folder holds something else, LakehouseError where no
        table could lie below its path.
        """
        address_of(path)
        marker = path / "lake.json"
        if marker.exists():
            return Home.open(path)
        try:
            path.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError):
            raise LakeFormatError(
                f"{path} is a file, or lies below one; name an empty folder in LAKEHOUSE_HOME."
            ) from None
        # A marker half made stands where another process makes this lake, or where one died at it.
        # Files may land before the lake is made.
        landed = ("landing", _HALF_MADE)
        if any(not other.name.startswith(landed) for other in path.iterdir()):
            if marker.exists():
                return Home.open(path)
            raise LakeFormatError(
                f"{path} holds other files and no lake; name an empty folder in LAKEHOUSE_HOME."
            )
        temporary = path / f"{_HALF_MADE}{os.getpid()}"
        temporary.write_text(json.dumps({"format": FORMAT, "clock": clock}) + "\n")
        temporary.replace(marker)
        return Home(path, clock)

    @staticmethod
    def open(path: Path) -> Home:
        """Open a lake; raises LakeFormatError if the folder is none, or of another format."""
        address_of(path)
        marker = path / "lake.json"
        try:
            found = json.loads(marker.read_text())
        except (FileNotFoundError, NotADirectoryError):
            raise LakeFormatError(
                f"There is no lake in {path}; make one with 'lakehouse demo' or 'lakehouse run', "
                "or name another folder in LAKEHOUSE_HOME."
            ) from None
        except ValueError as error:
            raise LakeFormatError(
                f"{marker} is not readable JSON ({error}); write "
                f'{{"format": {FORMAT}, "clock": "wall"}} into it, or "data" for "wall" where the '
                "lake's clock was its data."
            ) from error
        written = found.get("format") if isinstance(found, dict) else None
        if written != FORMAT or found.get("clock") not in get_args(Clock):
            raise LakeFormatError(
                f"The lake in {path} has format {written}, this version reads format "
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

    def online(self, domain: str) -> Path:
        return self.path / "online" / f"{domain}.db"

    def releases(self, domain: str, model: str) -> Path:
        return self.path / "releases" / domain / model
