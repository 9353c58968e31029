"""Training sets: labelled moments with the features known at each, pinned to their inputs."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

import pyarrow as pa
import pyarrow.compute as pc

from lakehouse.context import Context
from lakehouse.declare.tables import table_column
from lakehouse.declare.training import TrainingSet
from lakehouse.engines.batches import float32, targets
from lakehouse.engines.protocol import Frame
from lakehouse.errors import LakehouseError
from lakehouse.features.historical import historical
from lakehouse.language.provenance import KNOWN_AT
from lakehouse.language.sql import literals
from lakehouse.records.store import Run
from lakehouse.times import microseconds
from lakehouse.zones.digest import digest

if TYPE_CHECKING:
    import pandas as pd

Part = Literal["train", "gap", "test"]
PART = "_part"


@dataclass(frozen=True)
class Bounds:
    """The parts of a training set in time, each [begin, end): train, gap, test."""

    train_begin: datetime
    train_end: datetime
    test_begin: datetime
    test_end: datetime

    @staticmethod
    def of(training_set: TrainingSet, as_of: datetime) -> Bounds:
        """Count the declared split back from the last moment whose labels are ripe."""
        end = as_of - timedelta(microseconds=training_set.label_matures.us)
        test_begin = end - timedelta(microseconds=training_set.test_last.us)
        train_end = test_begin - timedelta(microseconds=training_set.gap.us)
        train_begin = train_end - timedelta(microseconds=training_set.train_last.us)
        return Bounds(train_begin, train_end, test_begin, end)


@dataclass(frozen=True)
class Built:
    """A training set built for a moment.

    `frame` has one row a labelled moment, sorted by event time and key: the label table's keys,
    the event time, the request's columns, the label, every input as `view__feature`, and `_part`.
    `digest` is over keys, event time, label and inputs; `pins` name the table versions read.
    `staging.Staged` is the same for rows that stay with the engine.
    """

    training_set: TrainingSet
    frame: pa.Table
    digest: str
    pins: dict[str, int]
    as_of: datetime
    bounds: Bounds

    @property
    def rows(self) -> int:
        return int(self.frame.num_rows)

    @property
    def inputs(self) -> tuple[str, ...]:
        """The model's inputs in declared order, as columns of the frame."""
        return tuple(f.full_name for f in self.training_set.features)

    def part(self, part: Part) -> pa.Table:
        """The rows of one part."""
        return self.frame.filter(pc.equal(self.frame[PART], part))

    def matrix(self, rows: pa.Table) -> tuple[pd.DataFrame, pd.Series[Any]]:
        """X and y of some rows: X float32 as the served model will see it, null as NaN."""
        import pandas as pd

        label = self.training_set.label.name
        columns = {name: float32(rows[name]) for name in self.inputs}
        return pd.DataFrame(columns), pd.Series(targets(rows[label]), name=label)


@dataclass(frozen=True)
class Plan:
    """A training set before it is computed: the engine's lazy frame of its rows, and its parts.

    `reads` names the table versions behind the frame.
    """

    training_set: TrainingSet
    rows: Frame
    reads: Run
    as_of: datetime
    bounds: Bounds

    @property
    def at(self) -> str:
        return str(self.training_set.table.event_time)

    @property
    def order(self) -> list[str]:
        """What rows are sorted by: the event time, then the keys."""
        return [self.at, *(k for k in self.training_set.table.keys if k != self.at)]

    @property
    def digested(self) -> list[str]:
        """The columns that the digest is over, in order."""
        training_set = self.training_set
        inputs = [f.full_name for f in training_set.features]
        return [*self.order[1:], self.at, training_set.label.name, *inputs]

    def check_parts(self, filled: Collection[str]) -> None:
        """Raise LakehouseError unless train and test are among the parts that hold a row."""
        begins = {"train": self.bounds.train_begin, "test": self.bounds.test_begin}
        ends = {"train": self.bounds.train_end, "test": self.bounds.test_end}
        for part in ("train", "test"):
            if part not in filled:
                raise LakehouseError(
                    f"Training set '{self.training_set.name}' has no row in its {part} part, "
                    f"{begins[part]:%Y-%m-%d %H:%M} to {ends[part]:%Y-%m-%d %H:%M}, as of "
                    f"{self.as_of:%Y-%m-%d %H:%M}; choose another --as-of, a shorter split, or "
                    "take in more data."
                )


def plan(
    ctx: Context,
    training_set: TrainingSet,
    as_of: datetime,
    *,
    run: Run | None = None,
    bounds: Bounds | None = None,
) -> Plan:
    """Plan a training set as it could be known at `as_of`; the engine computes nothing large yet.

    `bounds` replaces the declared split, as an evaluation by a published protocol does.
    """
    from lakehouse.declare.compiled import digest as declaration_digest

    parts = bounds or Bounds.of(training_set, as_of)
    reads = Run("", ctx.domain.name, "training", training_set.name) if run is None else run
    spine = ctx.engine.query(
        _spine_sql(training_set, parts, as_of), {"labelled": ctx.read(training_set.table, reads)}
    )
    views = (*training_set.stored_views, *training_set.request_views)
    at = str(training_set.table.event_time)  # the declaration made sure that there is one
    rows = historical(ctx, spine, at, views, reads)
    # The declaration is part of what the set is: the same numbers under another meaning differ.
    reads.metrics["declaration"] = declaration_digest(training_set)
    planned = Plan(training_set, rows, reads, as_of, parts)
    request = [c.name for c in training_set.request.columns]
    inputs = [f.full_name for f in training_set.features]
    columns = [*planned.order[1:], at, *request, training_set.label.name, *inputs, PART]
    listed = literals.names(dict.fromkeys(columns))
    return replace(
        planned, rows=ctx.engine.query(f"SELECT {listed} FROM featured", {"featured": rows})
    )


def build(
    ctx: Context,
    training_set: TrainingSet,
    as_of: datetime,
    *,
    run: Run | None = None,
    bounds: Bounds | None = None,
) -> Built:
    """Build a training set as it could be known at `as_of`, in this process's memory.

    Raises LakehouseError where the train or test part has no row.
    """
    planned = plan(ctx, training_set, as_of, run=run, bounds=bounds)
    frame = ctx.engine.to_arrow(planned.rows)
    frame = frame.sort_by([(name, "ascending") for name in planned.order])
    planned.check_parts(pc.unique(frame[PART]).to_pylist())
    found = digest(frame, sort_by=planned.order, columns=planned.digested)
    return Built(training_set, frame, found, dict(planned.reads.reads), as_of, planned.bounds)


def _spine_sql(training_set: TrainingSet, parts: Bounds, as_of: datetime) -> str:
    """Portable SQL that gives the labelled moments, from a frame called `labelled`."""
    table = training_set.table
    label = training_set.label.name
    at = table.event_time

    def sql(moment: datetime) -> str:
        return literals.timestamp(microseconds(moment))

    known = f"{KNOWN_AT} <= {sql(as_of)}"
    where = [f"{at} >= {sql(parts.train_begin)}", f"{at} < {sql(parts.test_end)}"]
    if training_set.label_matures.us and table_column(table, label).kind == "bool":
        # A label that was not there when it should have ripened means "no".
        labelled = f"coalesce(CASE WHEN {known} THEN {label} END, false)"
    else:
        labelled = label
        where += [known, f"{label} IS NOT NULL"]
    if training_set.where is not None:
        from lakehouse.language.expressions import parse
        from lakehouse.language.expressions.sql import to_sql

        names = {c.name: c.name for c in table.columns}
        where.append(f"({to_sql(parse(training_set.where), names)})")
    request = [c.name for c in training_set.request.columns]
    columns = dict.fromkeys([*table.keys, str(at), *request])
    return f"""
        SELECT {", ".join(columns)}, {labelled} AS {label},
               CASE WHEN {at} < {sql(parts.train_end)} THEN 'train'
                    WHEN {at} < {sql(parts.test_begin)} THEN 'gap'
                    ELSE 'test' END AS {PART}
        FROM labelled
        WHERE {" AND ".join(where)}
    """
