"""One domain in one lake through one engine: what every stage is handed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

from lakehouse.declare.domain import Domain
from lakehouse.declare.tables import Raw, Table
from lakehouse.engines.protocol import Engine, Frame, Transaction
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
    see the past, and no run is recorded through it. `tracking_uri` names an MLflow
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

    def data_versions(self, tables: Iterable[Table | Raw]) -> dict[str, int | None]:
        """By table id, the version that gave each table the rows that this context reads.

        Versions that compaction makes hold the same rows: they are no reason to compute anew.
        """
        return {
            self.table_of(table).id: self.table_of(table).data_version(self.version(table))
            for table in tables
        }

    def pinned(self, tables: Iterable[Table | Raw] | None = None) -> Context:
        """This context at the versions it reads now, whatever is written meanwhile.

        Of `tables` alone, so that no other is read by mistake; by default of all that the domain
        has in the lake.
        """
        if tables is not None:
            return replace(self, pins={self.table_of(t).id: self.version(t) for t in tables})
        if self.pins is not None:
            return self
        newest = {table.id: table.version() for table in self.catalog.tables(self.domain.name)}
        return replace(self, pins={name: v for name, v in newest.items() if v is not None})

    def read(self, table: Table | Raw, run: Run | None = None, **options: Any) -> Any:
        """Open a table at the version this context reads, noting it on the run."""
        version = self.version(table)
        if run is not None:
            run.read(self.table_of(table).id, version)
        return self.engine.read(self.table_of(table), version, **options)

    def write(
        self,
        run: Run,
        table: TableRef,
        frame: Frame,
        mode: Literal["append", "overwrite", "merge"],
        *,
        rows: int | None = None,
        transaction: Transaction | None = None,
        metadata: Mapping[str, str] | None = None,
        keys: Sequence[str] = (),
    ) -> int:
        """Commit rows to a table of the lake, noting its version on the run; returns the version.

        Without a `transaction` that says which commit this is, it is the table's own next one.
        """
        once = transaction or Transaction(table.id, table.next_number())
        version = self.engine.write(table, frame, mode, once, metadata, keys)
        run.wrote(table.id, version, rows)
        return version

    def note_unrecorded(self, run: Run, table: TableRef) -> bool:
        """Note a table's newest version on the run if no run that ended has; whether it did.

        Versions are recorded when a run ends: one that was committed just before a crash would
        otherwise be missing where a moment is resolved to versions.
        """
        version = table.version()
        if version is None:
            return False
        recorded = self.records.version_at(table.id)
        if recorded is not None and recorded >= version:
            return False
        run.wrote(table.id, version)
        return True

    def clock(self) -> datetime:
        """The moment now by the lake's clock; raises NoDataYet."""
        return LakeClock(self.home.clock, self.records.now, self.records.latest_event_us).now(
            self.domain.name
        )

    @contextmanager
    def run(
        self, stage: str, target: str, as_of: datetime | None = None, **configuration: Any
    ) -> Iterator[Run]:
        """Record a run of one stage; raises LakehouseError where the lake is read as of the past.

        Whatever writes to the lake does it in a run: this is where the past is guarded.
        """
        self.check_present(f"stage '{stage}' of '{target}'")
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

    def check_present(self, what: str) -> None:
        """Raise LakehouseError for what writes, where the lake is read as of the past."""
        if self.pins is not None:
            raise LakehouseError(
                f"The lake is read as of the past here, and {what} writes to it as it is now; open "
                "it without as_of and tag."
            )
