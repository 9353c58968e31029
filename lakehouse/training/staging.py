"""Training sets whose rows stay with the engine, in a table of their own while a model is fitted.

What a process has of them is a count, a digest that was streamed, and scores of the test rows: no
part of the set has to fit in memory.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from lakehouse.context import Context
from lakehouse.declare.training import Distributed, Model, TrainingSet
from lakehouse.engines.protocol import Engine, Frame, Transaction
from lakehouse.engines.temporary import temporary_folder
from lakehouse.language.sql import literals
from lakehouse.records.store import Run
from lakehouse.storage.tables import TableRef
from lakehouse.training.training_set import PART, Bounds, Built, Part, Plan, build, plan
from lakehouse.zones.streamed_digest import streamed_digest


@dataclass(frozen=True)
class Staged:
    """A training set built for a moment, its rows in a table that the engine wrote.

    It holds what `training_set.Built` holds, but for the rows: those are columns of `table`.
    `order` is what tells rows apart, the event time and the keys.
    """

    training_set: TrainingSet
    engine: Engine
    table: TableRef
    order: Sequence[str]
    rows: int
    digest: str
    pins: dict[str, int]
    as_of: datetime
    bounds: Bounds

    @property
    def inputs(self) -> tuple[str, ...]:
        """The model's inputs in declared order, as columns of the table."""
        return tuple(f.full_name for f in self.training_set.features)

    def part(self, part: Part, columns: Sequence[str]) -> Frame:
        """Some columns of the rows of one part, as the engine's frame."""
        return self.engine.read(self.table, columns=columns, where=f"{PART} = '{part}'")


@contextmanager
def built(
    ctx: Context,
    model: Model,
    as_of: datetime,
    *,
    run: Run | None = None,
    bounds: Bounds | None = None,
) -> Iterator[Built | Staged]:
    """Build a model's training set as its fit needs it: in memory, or staged until this ends.

    Raises LakehouseError where the train or test part has no row.
    """
    if not isinstance(model.fit, Distributed):
        yield build(ctx, model.learns_from, as_of, run=run, bounds=bounds)
        return
    staging = ctx.home.path / "staging"  # in the lake, which every worker sees
    staging.mkdir(exist_ok=True)
    folder, locked = temporary_folder(staging)
    try:
        yield stage(ctx, plan(ctx, model.learns_from, as_of, run=run, bounds=bounds), folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(locked)


def stage(ctx: Context, planned: Plan, folder: Path) -> Staged:
    """Compute a planned training set into a table in a folder, and take its digest from there."""
    table = TableRef.in_folder(folder / "rows")
    version = ctx.engine.write(table, planned.rows, "overwrite", Transaction("staging", 1))
    counted = ctx.engine.query(
        f"SELECT {PART} AS part, count(*) AS n FROM staged GROUP BY {PART}",
        {"staged": ctx.engine.read(table, version, [PART])},
    )
    counts = {row["part"]: int(row["n"]) for row in ctx.engine.to_arrow(counted).to_pylist()}
    planned.check_parts(counts)
    frame = ctx.engine.query(
        f"SELECT {literals.names(planned.digested)} FROM staged",
        {"staged": ctx.engine.read(table, version)},
    )
    found = streamed_digest(
        ctx.engine.batches(frame, [planned.at]), planned.order, planned.digested
    )
    return Staged(
        planned.training_set,
        ctx.engine,
        table,
        planned.order,
        sum(counts.values()),
        found,
        dict(planned.reads.reads),
        planned.as_of,
        planned.bounds,
    )
