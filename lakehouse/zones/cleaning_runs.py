"""The runs that move rows between raw, quarantine, set_aside and cleaned, and their commits.

A run makes up to three commits, each with the run's transaction. Until the last one is made,
nothing that the run was decided by has changed, so a run that was cut short is repeated from the
start and skips what it had committed. It is repeated with the declaration it began with (kept in
the records with the run): a contract that was edited in between must not put a row in two tables.

| run | commits, in order | told finished by |
| --- | --- | --- |
| clean | quarantine, set_aside, cleaned | cleaned |
| rebuild | quarantine, set_aside, cleaned | cleaned |
| replay | set_aside, cleaned, quarantine | cleaned; then quarantine is made to agree with it |
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from lakehouse.context import Context
from lakehouse.declare.compiled import from_data, to_data
from lakehouse.declare.tables import Cleaned
from lakehouse.engines.protocol import Frame, Transaction
from lakehouse.language.provenance import IDENTITY, delivered_columns
from lakehouse.language.sql import literals
from lakehouse.records.runs import configuration_of
from lakehouse.records.store import Run
from lakehouse.storage.tables import TableRef
from lakehouse.zones.cleaned_shape import as_declared, empty, lacks
from lakehouse.zones.cleanup import Cleanup
from lakehouse.zones.pending import Pending
from lakehouse.zones.settled_rows import (
    aside_rows,
    cleaned_rows,
    quarantine_changes,
    quarantine_rows,
)
from lakehouse.zones.settling import Settled, settle
from lakehouse.zones.violation import stop_if_broken

Verb = Literal["clean", "rebuild", "replay"]
ASIDE, QUARANTINE, CLEANED = "set_aside", "quarantine", "cleaned"
ZONES = (QUARANTINE, ASIDE, CLEANED)


class Runs:
    """The runs over one cleaned table of one lake."""

    def __init__(self, ctx: Context, table: Cleaned) -> None:
        self.ctx, self.table, self.engine = ctx, table, ctx.engine

    def clean(self, through: int) -> Cleanup:
        """Take in raw rows up to a batch, and make the table if it is not there."""
        done = self.taken_in
        with self._run("clean", through) as run:
            if done >= max(through, 0):
                lost = [self.ctx.note_unrecorded(run, self._table(z)) for z in ZONES]
                run.metrics["unchanged"] = not self._widened(run) and not any(lost)
                return self._cleanup(None)
            if through < 1:
                self._commit(run, CLEANED, empty(self.ctx, self.table), "append", "clean", 0, 0)
                return self._cleanup(None)
            processed = max(done, 0)
            pending = self._raw(run, processed, through, as_declared(self.ctx, self.table))
            settled = settle(pending)
            stop_if_broken(settled)
            self._note(run, settled)
            rows = quarantine_rows(settled)
            if rows is not None:
                count = settled.quarantined
                self._commit(run, QUARANTINE, rows, "append", "clean", through, count)
            self._set_aside(run, settled, "clean", through)
            self._to_cleaned(run, settled, "clean", through)
            return self._cleanup(settled)

    def rebuild(self, number: int) -> Cleanup:
        """Make all three tables anew from the raw rows that were taken in, by today's contract."""
        with self._run("rebuild", number) as run:
            pending = self._raw(run, 0, self.taken_in, None)
            settled = settle(pending)
            stop_if_broken(settled)
            self._note(run, settled)
            aside, _ = aside_rows(settled)
            for zone, rows, count in (
                (QUARANTINE, quarantine_rows(settled), settled.quarantined),
                (ASIDE, aside, settled.dropped + settled.moved),
            ):
                if rows is None and self._table(zone).exists():
                    rows = self.engine.read(self._table(zone), where="1 = 0")
                if rows is not None:
                    self._commit(run, zone, rows, "overwrite", "rebuild", number, count)
            cleaned, _ = cleaned_rows(settled)
            kept = settled.kept
            self._commit(run, CLEANED, cleaned, "overwrite", "rebuild", number, kept)
            return self._cleanup(settled)

    def replay(self, number: int) -> Cleanup:
        """Check quarantined rows again; those that pass now go on to cleaned or set_aside."""
        with self._run("replay", number) as run:
            if not self._table(QUARANTINE).exists():
                run.metrics["unchanged"] = True
                return self._cleanup(None)
            rows = self.engine.read(self._table(QUARANTINE))
            cleaned = as_declared(self.ctx, self.table)
            processed = self.taken_in
            pending = Pending(
                self.ctx, self.table, rows, self._delivered(rows), processed, cleaned, True
            )
            settled = settle(pending)
            changes = quarantine_changes(settled, rows)
            if changes is None:
                run.metrics["unchanged"] = True
                return self._cleanup(settled)
            self._note(run, settled)
            if settled.rows > settled.quarantined:
                self._set_aside(run, settled, "replay", number)
                self._to_cleaned(run, settled, "replay", number)
            left = settled.quarantined
            self._commit(
                run, QUARANTINE, self.engine.from_arrow(changes), "merge", "replay", number, left
            )
            return self._cleanup(settled)

    @property
    def taken_in(self) -> int:
        """The newest raw batch that the cleaned table holds; -1 where there is no table."""
        return self._applied(CLEANED, "clean")

    def next_number(self, verb: Verb) -> int:
        """The transaction number of the next rebuild or replay."""
        return max(self._next(zone, verb) for zone in ZONES)

    def finish(self) -> list[Cleanup]:
        """Finish a run that was cut short between its commits, as it was begun."""
        done = []
        for verb in ("clean", "rebuild"):
            begun = max(self._applied(QUARANTINE, verb), self._applied(ASIDE, verb))
            if begun > self._applied(CLEANED, verb):
                runs = self._as_begun(verb, begun)
                done.append(runs.clean(begun) if verb == "clean" else runs.rebuild(begun))
        aside, cleaned, quarantine = (
            self._applied(zone, "replay") for zone in (ASIDE, CLEANED, QUARANTINE)
        )
        if aside > max(cleaned, quarantine):
            done.append(self._as_begun("replay", aside).replay(aside))
        elif cleaned > quarantine:
            self._leave_quarantine(cleaned)
            done.append(self._as_begun("replay", cleaned).replay(cleaned + 1))
        return done

    def _as_begun(self, verb: Verb, number: int) -> Runs:
        configuration = configuration_of(
            self.ctx.records, self.ctx.domain.name, self.table.name, self._application(verb), number
        )
        if configuration is None:
            return self
        return Runs(self.ctx, from_data(configuration["declaration"]))

    def _leave_quarantine(self, number: int) -> None:
        """Take from quarantine what a replay brought to cleaned or set_aside."""
        frames = {
            zone: self.engine.read(self._table(zone), columns=IDENTITY)
            for zone in (CLEANED, ASIDE)
            if self._table(zone).exists()
        }
        there = " UNION ALL ".join(f"SELECT * FROM {zone}" for zone in frames)
        frames["quarantine"] = self.engine.read(self._table(QUARANTINE))
        rows = self.engine.query(
            "SELECT q.*, TRUE AS `_delete` FROM quarantine q WHERE EXISTS "
            f"(SELECT 1 FROM ({there}) t WHERE {literals.same(IDENTITY, 't', 'q')})",
            frames,
        )
        with self._run("replay", number) as run:
            self._commit(run, QUARANTINE, rows, "merge", "replay", number, None)

    def _raw(self, run: Run, after: int, through: int, cleaned: Frame | None) -> Pending:
        raw = self.table.raw
        version = self.ctx.version(raw)
        run.read(self.ctx.table("raw", raw.name).id, version)
        rows = self.engine.read(
            self._table("raw", raw.name),
            version,
            where=f"`_batch` > {after} AND `_batch` <= {through}",
        )
        return Pending(self.ctx, self.table, rows, self._delivered(rows), after, cleaned)

    def _set_aside(self, run: Run, settled: Settled, verb: Verb, number: int) -> None:
        rows, merges = aside_rows(settled)
        if rows is not None:
            mode: Literal["merge", "append"] = "merge" if merges else "append"
            count = settled.dropped + settled.moved
            self._commit(run, ASIDE, rows, mode, verb, number, count)

    def _to_cleaned(self, run: Run, settled: Settled, verb: Verb, number: int) -> None:
        rows, merges = cleaned_rows(settled)
        if settled.latest_event_us is not None:
            # Before the commit: a clock lost to a crash would not be moved by the next run.
            self.ctx.records.tick(self.ctx.domain.name, settled.latest_event_us)
        mode: Literal["merge", "append"] = "merge" if merges else "append"
        self._commit(run, CLEANED, rows, mode, verb, number, settled.kept)

    def _widened(self, run: Run) -> bool:
        """Give the table the columns that its contract came to name, with nothing new to clean."""
        if not lacks(self.ctx, self.table):
            return False
        rows = empty(self.ctx, self.table)
        self._commit(run, CLEANED, rows, "append", "widen", self._next(CLEANED, "widen"), 0)
        return True

    def _commit(
        self,
        run: Run,
        zone: str,
        rows: Frame,
        mode: Literal["append", "overwrite", "merge"],
        verb: str,
        number: int,
        count: int | None,
    ) -> None:
        self.ctx.write(
            run,
            self._table(zone),
            rows,
            mode,
            rows=count,
            transaction=Transaction(self._application(verb), number),
            keys=IDENTITY if mode == "merge" else (),
        )

    def _cleanup(self, settled: Settled | None) -> Cleanup:
        version = self._table(CLEANED).version()
        if settled is None:
            return Cleanup(0, 0, 0, 0, 0, version)
        return Cleanup(
            settled.kept,
            settled.quarantined,
            settled.count("superseded"),
            settled.dropped,
            settled.count("duplicate"),
            version,
        )

    def _note(self, run: Run, settled: Settled) -> None:
        run.metrics.update(
            delivered=settled.rows,
            rows=settled.kept,
            quarantined=settled.quarantined,
            superseded=settled.count("superseded"),
            dropped=settled.dropped,
            duplicates=settled.count("duplicate"),
        )

    @contextmanager
    def _run(self, verb: Verb, number: int) -> Iterator[Run]:
        stage = "replay" if verb == "replay" else "cleaned"
        with self.ctx.run(
            stage,
            self.table.name,
            application=self._application(verb),
            number=number,
            declaration=to_data(self.table),
        ) as run:
            yield run

    def _application(self, verb: str) -> str:
        return f"{verb}/{self.ctx.domain.name}/{self.table.name}"

    def _applied(self, zone: str, verb: str) -> int:
        return self._table(zone).applied(self._application(verb))

    def _next(self, zone: str, verb: str) -> int:
        return self._table(zone).next_number(self._application(verb))

    def _table(self, zone: str, name: str = "") -> TableRef:
        return self.ctx.table(zone, name or self.table.name)

    def _delivered(self, rows: Frame) -> list[str]:
        return delivered_columns(self.engine.columns(rows))
