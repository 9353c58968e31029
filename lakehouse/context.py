"""One domain in one lake through one engine: what every stage is handed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from lakehouse.declare.domain import Domain
from lakehouse.declare.tables import Raw, Table
from lakehouse.engines import delta
from lakehouse.engines.protocol import Engine
from lakehouse.errors import LakehouseError
from lakehouse.records.clock import LakeClock
from lakehouse.records.home import Home
from lakehouse.records.online import OnlineSettings
from lakehouse.records.store import CodeVersion, Records, Run


@dataclass(frozen=True)
class Context:
    """A domain, the lake it is in, the engine that works, and the code it runs.

    `pins` fixes tables (by id, zone/domain/name) to versions: reads through this context then
    see the past. Nothing may be written through a pinned context. `tracking_uri` names an MLflow
    server to register models with; by default they stand in the lake's own store. `online` says
    where features are kept to be served, and how much of the past.
    """

    home: Home
    records: Records
    engine: Engine
    domain: Domain
    code: CodeVersion
    pins: Mapping[str, int] | None = None
    tracking_uri: str | None = None
    online: OnlineSettings = field(default_factory=OnlineSettings)

    def path(self, zone: str, name: str) -> Path:
        return self.home.table(zone, self.domain.name, name)

    def table_id(self, zone: str, name: str) -> str:
        return f"{zone}/{self.domain.name}/{name}"

    def version(self, table: Table | Raw) -> int:
        """The version this context reads of a table; raises LakehouseError if there is none."""
        table_id = self.table_id(table.zone, table.name)
        if self.pins is not None:
            if table_id not in self.pins:
                raise LakehouseError(
                    f"Table {table_id} has no version at that moment or tag; "
                    f"'lakehouse history {self.domain.name}' lists when it was written."
                )
            return self.pins[table_id]
        found = delta.version(self.path(table.zone, table.name))
        if found is None:
            raise LakehouseError(
                f"Table {table_id} is not there yet; 'lakehouse run {self.domain.name}' makes it."
            )
        return found

    def read(self, table: Table | Raw, run: Run | None = None, **options: Any) -> Any:
        """Open a table at the version this context reads, noting it on the run."""
        version = self.version(table)
        if run is not None:
            run.read(self.table_id(table.zone, table.name), version)
        return self.engine.read(self.path(table.zone, table.name), version, **options)

    def clock(self) -> datetime:
        """The moment now by the lake's clock; raises NoDataYet."""
        return LakeClock(self.home.clock, self.records.now, self.records.latest_event_us).now(
            self.domain.name
        )

    @contextmanager
    def run(
        self, stage: str, target: str, as_of: datetime | None = None, **configuration: Any
    ) -> Iterator[Run]:
        """Record a run of one stage."""
        with self.records.run(
            self.domain.name,
            stage,
            target,
            as_of=as_of,
            engine=self.engine.name,
            code=self.code,
            configuration=configuration,
        ) as run:
            yield run
