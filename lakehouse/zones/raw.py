"""The raw zone: deliveries become append-only rows of text, exactly as delivered, exactly once.

All waiting deliveries of a source become one batch. Its plan is recorded before its commit, and
the commit carries the batch's number as Delta's application transaction: a run that finds a
planned batch which the table has not seen repeats it before it takes in anything new.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa

from lakehouse.context import Context
from lakehouse.declare.tables import Raw
from lakehouse.engines.arrow_types import MICROSECONDS
from lakehouse.engines.protocol import Frame, Landed, LandedFile, Transaction
from lakehouse.language.provenance import DELIVERY, OF_RAW, ROW, UNPARSED
from lakehouse.language.sql import literals
from lakehouse.records.deliveries import Delivery, DeliveryRecords, from_metadata, to_metadata
from lakehouse.records.store import Run
from lakehouse.zones import source_files, typing_grammar
from lakehouse.zones.schema_policy import refusal
from lakehouse.zones.source_files import SourceFile


@dataclass(frozen=True)
class TakenIn:
    """What one run took in: `set_aside` are (path, reason) of files that it could not take.

    `version` is the raw table's, None where there is no table; `batch` the last one applied by
    this run, None where nothing was waiting.
    """

    deliveries: int
    rows: int
    set_aside: tuple[tuple[str, str], ...]
    version: int | None
    batch: int | None


def take_in(ctx: Context, raw: Raw) -> TakenIn:
    """Take every waiting delivery of a raw table's source in, in one batch.

    A file that holds what it held when it was last taken in is passed over, an empty file is a
    delivery of no rows. A file that cannot be read, or whose columns the source does not accept,
    is set aside and tried again when its content or the source's declaration changes. The caller
    holds the writer lock.
    """
    with ctx.run("raw", raw.name) as run:
        intake = _Intake(ctx, raw, run)
        intake.repeat_interrupted()
        intake.take_waiting()
        return intake.finished()


class _Intake:
    """One run of one raw table."""

    def __init__(self, ctx: Context, raw: Raw, run: Run) -> None:
        self.ctx, self.raw, self.run = ctx, raw, run
        self.table = ctx.table_of(raw)
        self.folder = ctx.home.landing(ctx.domain.name)
        self.records = DeliveryRecords(ctx.records, ctx.domain.name, raw.source)
        self.set_aside: list[tuple[str, str]] = []
        self.deliveries = self.rows = 0
        self.batch: int | None = None

    def repeat_interrupted(self) -> None:
        """Commit the batches that were planned and that the table has not seen."""
        applied = max(self.table.applied(), 0)
        self._restore_records(applied)
        planned: dict[int, list[Delivery]] = {}
        for delivery in self.records.all():
            if delivery.batch is not None and delivery.batch > applied:
                planned.setdefault(delivery.batch, []).append(delivery)
        for batch, deliveries in planned.items():
            unchanged, gone = list[Delivery](), list[Delivery]()
            for delivery in deliveries:
                path = self.folder / delivery.path
                same = (
                    path.is_file() and source_files.content_sha256(path) == delivery.content_sha256
                )
                (unchanged if same else gone).append(delivery)
            self._put_aside(
                gone, "it was changed or removed before it could be taken in", settled=False
            )
            self._commit(batch, unchanged)

    def take_waiting(self) -> None:
        """Plan and commit one batch of every file that is not known yet."""
        waiting = self._waiting()
        if not waiting:
            return
        planned = [d.batch + 1 for d in self.records.all() if d.batch is not None]
        batch = max([self.table.next_number(), *planned])
        self._commit(batch, [replace(d, position=p) for p, d in enumerate(waiting)])

    def finished(self) -> TakenIn:
        if not self.run.writes:
            self.ctx.note_unrecorded(self.run, self.table)
        self.run.metrics |= {
            "deliveries": self.deliveries,
            "rows": self.rows,
            "set_aside": len(self.set_aside),
        }
        self.run.metrics["unchanged"] = self.batch is None and not self.set_aside
        aside, version = tuple(self.set_aside), self.table.version()
        return TakenIn(self.deliveries, self.rows, aside, version, self.batch)

    def _waiting(self) -> list[Delivery]:
        known = _Known([d for d in self.records.all() if self.records.settled(d)])
        arrived_at = self.ctx.records.now()
        waiting: list[Delivery] = []
        for file in source_files.find(self.folder, self.raw.source):
            if known.unchanged(file):
                continue
            try:
                content = source_files.content_sha256(self.folder / file.path)
            except OSError as error:
                self.set_aside.append((file.path, f"it cannot be opened: {error.strerror}"))
                continue
            again = known.of_content(file.path, content)
            if again is not None:
                self.records.touched(again, file.size, file.mtime_ns)
                continue
            name = source_files.delivery_id(
                *(self.ctx.domain.name, self.raw.source.name, file.path, content),
                before=known.times_taken_in(file.path, content),
            )
            delivery = Delivery(
                *(name, file.path, content, file.size, file.mtime_ns),
                delivered_at=file.delivered_at,
                arrived_at=arrived_at,
            )
            if file.reason is not None:
                self._put_aside([delivery], file.reason)
            else:
                waiting.append(delivery)
        return waiting

    def _commit(self, batch: int, deliveries: Sequence[Delivery]) -> None:
        """Read, plan and write one batch; what cannot be read is set aside."""
        if not deliveries:
            return
        landed = self.ctx.engine.land(
            [LandedFile(self.folder / d.path, d.delivery) for d in deliveries],
            self._wanted(),
        )
        accepted = self._accepted(batch, deliveries, landed)
        if not accepted:
            return
        self.records.record(accepted)
        rows = sum(d.rows or 0 for d in accepted)
        self.ctx.write(
            self.run,
            self.table,
            self._rows(batch, accepted, landed),
            "append",
            rows=rows,
            transaction=Transaction(self.table.id, batch),
            metadata={"batch": str(batch)} | to_metadata(accepted),
        )
        self.deliveries += len(accepted)
        self.rows += rows
        self.batch = batch

    def _accepted(
        self, batch: int, deliveries: Sequence[Delivery], landed: Landed
    ) -> list[Delivery]:
        unreadable = {u.delivery: u.reason for u in landed.unreadable}
        accepted = []
        for delivery in deliveries:
            if not _is_as_it_was(self.folder / delivery.path, delivery):
                # Its new content is a delivery of its own, which the next run finds.
                reason = "it was changed while it was read"
                if delivery.batch is None:
                    self.set_aside.append((delivery.path, f"{reason}; the next run takes it in"))
                else:
                    self._put_aside([delivery], reason, settled=False)
                continue
            reason_or_none = unreadable.get(delivery.delivery) or refusal(
                self.raw.source,
                landed.found[delivery.delivery],
                landed.rows[delivery.delivery],
            )
            if reason_or_none is not None:
                self._put_aside([delivery], reason_or_none)
                continue
            rows = landed.rows[delivery.delivery]
            accepted.append(replace(delivery, batch=batch, rows=rows, error=None))
        return accepted

    def _rows(self, batch: int, accepted: Sequence[Delivery], landed: Landed) -> Frame:
        """The batch as it stands in the table: delivered columns, then provenance."""
        engine = self.ctx.engine
        delivered = engine.from_arrow(
            pa.table(
                {
                    DELIVERY: pa.array([d.delivery for d in accepted], pa.string()),
                    "delivered_at": pa.array([d.delivered_at for d in accepted], MICROSECONDS),
                    "arrived_at": pa.array([d.arrived_at for d in accepted], MICROSECONDS),
                }
            )
        )
        found = {name for d in accepted for name in landed.found[d.delivery]}
        wanted = self._wanted()
        names = [
            name
            for name in engine.columns(landed.rows_frame)
            if name in wanted or name in found or name in (UNPARSED, DELIVERY, ROW)
        ]
        contract = self.raw.source.contract
        known = "d.delivered_at"
        if contract.known_at is not None:
            column = contract.column(contract.known_at)
            known = typing_grammar.typed(column, f"r.{literals.name(column.name)}")
        sql = (
            f"SELECT {literals.names(names, of='r')}, CAST({batch} AS BIGINT) AS _batch, "
            f"d.arrived_at AS _arrived_at, {known} AS _known_at "
            "FROM landed r JOIN delivered d ON d._delivery = r._delivery"
        )
        return engine.query(sql, {"landed": landed.rows_frame, "delivered": delivered})

    def _wanted(self) -> list[str]:
        """The contract's columns, and further ones the table has, in its spelling."""
        names = [c.name for c in self.raw.source.contract.columns]
        if self.table.exists():
            there = self.ctx.engine.columns(self.ctx.engine.read(self.table))
            names += [n for n in there if n not in names and n not in OF_RAW]
        return names

    def _put_aside(self, deliveries: Sequence[Delivery], reason: str, settled: bool = True) -> None:
        """Set deliveries aside; settled ones until their content or the source changes."""
        self.records.record([d.set_aside(reason) for d in deliveries], settled)
        self.set_aside += [(d.path, reason) for d in deliveries]

    def _restore_records(self, applied: int) -> None:
        """Write records again that were lost, from the commits that hold their batches."""
        known = {d.batch for d in self.records.all()}
        if applied == 0 or all(batch in known for batch in range(1, applied + 1)):
            return
        for commit in self.table.commits():
            lost = [d for d in from_metadata(commit) if d.batch not in known]
            self.records.record(lost)


class _Known:
    """Settled deliveries by where they lie, in the order in which they were taken in.

    What a path holds is compared with what was taken in from it *last*: an older content that is
    there again is a new delivery. What was set aside stays so, whenever it was.
    """

    def __init__(self, settled: Sequence[Delivery]) -> None:
        self._taken_in: dict[str, list[Delivery]] = {}
        self._set_aside: dict[str, list[Delivery]] = {}
        for delivery in settled:  # in the order of batches
            of = self._set_aside if delivery.batch is None else self._taken_in
            of.setdefault(delivery.path, []).append(delivery)

    def unchanged(self, file: SourceFile) -> bool:
        """Whether a file is certainly what it was, by its size and the time it was written."""
        looks = (file.size, file.mtime_ns)
        return any((d.size, d.mtime_ns) == looks for d in self._compared(file.path))

    def of_content(self, path: str, content: str) -> Delivery | None:
        """The delivery that a path's content already is, if any."""
        return next((d for d in self._compared(path) if d.content_sha256 == content), None)

    def times_taken_in(self, path: str, content: str) -> int:
        """How often a path's content was taken in."""
        return sum(d.content_sha256 == content for d in self._taken_in.get(path, ()))

    def _compared(self, path: str) -> list[Delivery]:
        return self._taken_in.get(path, [])[-1:] + self._set_aside.get(path, [])


def _is_as_it_was(path: Path, delivery: Delivery) -> bool:
    try:
        status = path.stat()
    except FileNotFoundError:
        return False
    if delivery.batch is not None and status.st_size == delivery.size:
        return True  # a planned one was compared by its content, whatever its time is
    return (status.st_size, status.st_mtime_ns) == (delivery.size, delivery.mtime_ns)
