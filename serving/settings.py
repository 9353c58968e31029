"""The service's settings, read once where it starts."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lakehouse.errors import LakehouseError
from lakehouse.records import online
from lakehouse.records.online import OnlineSettings

HOST = "127.0.0.1"
PORT = 8000


@dataclass(frozen=True)
class Settings:
    """What the service needs to know before it starts.

    `home` is the lake's folder. `domains` None serves every domain that has a release or an
    online store, also those that come later. Times are in seconds: how often the lake is looked
    at for new champions and keys, how soon the decision log is on disk for certain, and how old
    (or how many rows long) a log file grows before the next run may take it. `log_features` is
    the share of the entities asked for at POST /v1/features whose values are logged, from 0, none,
    to 1, all; of decisions all are. `online` says where features are kept.
    """

    home: Path
    domains: tuple[str, ...] | None = None
    host: str = HOST
    port: int = PORT
    look_every_s: float = 0.2
    sync_every_s: float = 0.01
    deliver_after_s: float = 1.0
    deliver_rows: int = 5_000
    log_features: float = 1.0
    online: OnlineSettings = field(default_factory=OnlineSettings)

    def __post_init__(self) -> None:
        if not 0 <= self.log_features <= 1:
            raise LakehouseError(
                f"log_features={self.log_features:g} is no share: name one from 0, no entity is "
                "logged, to 1, all are."
            )

    @staticmethod
    def read(arguments: Sequence[str], environment: Mapping[str, str]) -> Settings:
        """Read command-line arguments; LAKEHOUSE_HOME and the like stand in for absent ones."""
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
        parser.add_argument(
            "--log-features",
            type=float,
            default=environment.get("LAKEHOUSE_LOG_FEATURES", "1"),
            help="the share of entities asked for whose features are logged, 0 to 1",
        )
        given = parser.parse_args(arguments)
        domains = tuple(given.domains) if given.domains else None
        return Settings(
            given.home,
            domains,
            given.host,
            given.port,
            log_features=given.log_features,
            online=online.from_environment(environment),
        )
