"""The service's settings, read once where it starts."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

HOST = "127.0.0.1"
PORT = 8000


@dataclass(frozen=True)
class Settings:
    """What the service needs to know before it starts.

    `home` is the lake's folder. `domains` None serves every domain that has a release or an
    online store, also those that come later. Times are in seconds: how often the lake is looked
    at for new champions and keys, how soon the decision log is on disk for certain, and how old
    (or how many rows long) a log file grows before the next run may take it.
    """

    home: Path
    domains: tuple[str, ...] | None = None
    host: str = HOST
    port: int = PORT
    look_every_s: float = 0.2
    sync_every_s: float = 0.01
    deliver_after_s: float = 1.0
    deliver_rows: int = 5_000

    @staticmethod
    def read(arguments: Sequence[str], environment: Mapping[str, str]) -> Settings:
        """Read command-line arguments; LAKEHOUSE_HOME, _HOST and _PORT stand in for absent ones."""
        parser = argparse.ArgumentParser(
            prog="python -m serving.server", description="Serve the models of a lake over HTTP."
        )
        home = environment.get("LAKEHOUSE_HOME")
        parser.add_argument(
            "--home", type=Path, default=home, required=home is None, help="the lake's folder"
        )
        parser.add_argument(
            "--domain", action="append", dest="domains", help="serve this domain only; repeatable"
        )
        parser.add_argument("--host", default=environment.get("LAKEHOUSE_HOST", HOST))
        parser.add_argument(
            "--port",
            type=int,
            default=environment.get("LAKEHOUSE_PORT", str(PORT)),
            help="0 takes a free one",
        )
        given = parser.parse_args(arguments)
        domains = tuple(given.domains) if given.domains else None
        return Settings(given.home, domains, given.host, given.port)
