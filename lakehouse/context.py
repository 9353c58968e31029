"""One domain in one lake through one engine: what every stage is handed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from lakehouse.declare.domain import Domain
from lakehouse.declare.tables import Raw, Table
from lakehouse.engines.protocol import Engine
from lakehouse.errors import LakehouseError
from lakehouse.records.clock import LakeClock
from lakehouse.records.home import Home
from lakehouse.records.online import OnlineSettings
from lakehouse.records.store import CodeVersion, Records, Run
from lakehouse.storage.catalog import Catalog
from lakehouse.storage.tables import TableRef


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

    def table(self, zone: str, name: str) -> TableRef:
        """A table of the domain, by its zone and name."""
        return self.catalog.table(zone, self.domain.name, name)

    def table_of(self, declared: Table | Raw) -> TableRef:
        """The table that a declaration is about."""
        return self.table(declared.zone, declared.name)

    @property
    def catalog(self) -> Catalog:
        """Where the lake's tables lie."""
        return Catalog.of(self.home.path)

    def version(self, table: Table | Raw) -> int:
        """The version this context reads of a table; raises LakehouseError if there is none."""
        found = self.table_of(table)
        if self.pins is not None:
            if found.id not in self.pins:
                raise LakehouseError(
                    f"Table {found} has no version at that moment or tag; "
                    f"'lakehouse history {self.domain.name}' lists when it was written."
                )
            return self.pins[found.id]
        version = found.version()
        if version is None:
            raise LakehouseError(
                f"Table {found} is not there yet; 'lakehouse run {self.domain.name}' makes it."
            )
        return version

    def read(self, table: Table | Raw, run: Run | None = None, **options: Any) -> Any:
        """Open a table at the version this context reads, noting it on the run."""
        version = self.version(table)
        if run is not None:
            run.read(self.table_of(table).id, version)
        return self.engine.read(self.table_of(table), version, **options)

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
