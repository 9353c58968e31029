"""Training sets: labelled moments with the features known at each, pinned to their inputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

import pyarrow as pa
import pyarrow.compute as pc

from lakehouse.declare.tables import table_column
from lakehouse.declare.training import TrainingSet
from lakehouse.engines import delta
from lakehouse.engines.context import Context, microseconds
from lakehouse.engines.protocol import KNOWN_AT, Transaction
from lakehouse.errors import LakehouseError
from lakehouse.features.binding import timestamp_sql
from lakehouse.features.historical import historical
from lakehouse.records.store import Run
from lakehouse.zones.digest import digest

if TYPE_CHECKING:
    import pandas as pd

Part = Literal["train", "gap", "test"]
PART = "_part"
DIGEST = "lakehouse.digest"


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
    """

    training_set: TrainingSet
    frame: pa.Table
    digest: str
    pins: dict[str, int]
    as_of: datetime
    bounds: Bounds

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

        columns = {name: _float32(rows[name]) for name in self.inputs}
        label = rows[self.training_set.label.name]
        classes = pa.types.is_boolean(label.type)
        y = label.cast(pa.int8()) if classes else label.cast(pa.float64(), safe=False)
        return pd.DataFrame(columns), pd.Series(y.to_numpy(), name=self.training_set.label.name)


def build(
    ctx: Context,
    training_set: TrainingSet,
    as_of: datetime,
    *,
    run: Run | None = None,
    bounds: Bounds | None = None,
) -> Built:
    """Build a training set as it could be known at `as_of`.

    `bounds` replaces the declared split, as an evaluation by a published protocol does. Raises
    LakehouseError where the train or test part has no row.
    """
    from lakehouse.declare.compiled import digest as declaration_digest

    table = training_set.table
    event_time = table.event_time
    assert event_time is not None  # the declaration made sure
    parts = bounds or Bounds.of(training_set, as_of)
    reads = Run("", ctx.domain.name, "training", training_set.name) if run is None else run
    spine = ctx.engine.query(
        _spine_sql(training_set, parts, as_of), {"labelled": ctx.read(table, reads)}
    )
    views = (*training_set.stored_views, *training_set.request_views)
    frame = ctx.engine.to_arrow(historical(ctx, spine, event_time, views, reads))
    keys = [k for k in table.keys if k != event_time]
    request = [c.name for c in training_set.request.columns]
    inputs = [f.full_name for f in training_set.features]
    columns = list(
        dict.fromkeys([*keys, event_time, *request, training_set.label.name, *inputs, PART])
    )
    frame = frame.select(columns).sort_by(
        [(event_time, "ascending"), *((k, "ascending") for k in keys)]
    )
    for part in ("train", "test"):
        if not pc.any(pc.equal(frame[PART], part)).as_py():
            begin, end = (
                (parts.train_begin, parts.train_end)
                if part == "train"
                else (parts.test_begin, parts.test_end)
            )
            raise LakehouseError(
                f"Training set '{training_set.name}' has no row in its {part} part, "
                f"{begin:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M}, as of {as_of:%Y-%m-%d %H:%M}; "
                "choose another --as-of, a shorter split, or take in more data."
            )
    named = [*keys, event_time, training_set.label.name, *inputs]
    found = digest(frame, sort_by=[event_time, *keys], columns=named)
    # The declaration is part of what the set is: the same numbers under another meaning differ.
    reads.metrics["declaration"] = declaration_digest(training_set)
    return Built(training_set, frame, found, dict(reads.reads), as_of, parts)


def _spine_sql(training_set: TrainingSet, parts: Bounds, as_of: datetime) -> str:
    """Portable SQL that gives the labelled moments, from a frame called `labelled`."""
    table = training_set.table
    label = training_set.label.name
    at = table.event_time

    def sql(moment: datetime) -> str:
        return timestamp_sql(microseconds(moment))

    known = f"{KNOWN_AT} <= {sql(as_of)}"
    where = [f"{at} >= {sql(parts.train_begin)}", f"{at} < {sql(parts.test_end)}"]
    if training_set.label_matures.us and table_column(table, label).kind == "bool":
        # A label that was not there when it should have ripened means "no".
        labelled = f"coalesce(CASE WHEN {known} THEN {label} END, false)"
    else:
        labelled = label
        where += [known, f"{label} IS NOT NULL"]
    if training_set.where is not None:
        from lakehouse.declare.expressions import parse
        from lakehouse.features.expressions_sql import to_sql

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


def store(ctx: Context, built: Built, run: Run) -> int:
    """Write a training set to its table, unless its newest version holds the same; its version."""
    name = built.training_set.name
    path = ctx.path("training", name)
    if delta.exists(path):
        newest = delta.commits(path, 1)[0]
        if newest.get(DIGEST) == built.digest:
            return int(newest["version"])
    application = ctx.table_id("training", name)
    transaction = Transaction(application, delta.applied(path, application) + 1)
    columns = _stored_columns(built)
    version = ctx.engine.write(
        path,
        ctx.engine.from_arrow(built.frame.select(columns)),
        "overwrite",
        transaction,
        metadata={DIGEST: built.digest, "lakehouse.as_of": built.as_of.isoformat()},
    )
    run.wrote(application, version, built.frame.num_rows)
    return version


def _stored_columns(built: Built) -> Sequence[str]:
    """What is kept on disk: no request column that is neither key nor input."""
    table = built.training_set.table
    return list(
        dict.fromkeys(
            [*table.keys, str(table.event_time), built.training_set.label.name, *built.inputs, PART]
        )
    )


def _float32(column: pa.ChunkedArray) -> Any:
    # Through float64, as the service goes from a request's numbers: one rounding for both.
    return column.cast(pa.float64(), safe=False).cast(pa.float32(), safe=False).to_numpy()
