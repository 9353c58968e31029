"""A training set's own table: what a registered version learnt from, for any Delta reader."""

from __future__ import annotations

from lakehouse.context import Context
from lakehouse.engines.protocol import Transaction
from lakehouse.records.store import Run
from lakehouse.training.staging import Staged
from lakehouse.training.training_set import PART, Built

DIGEST = "lakehouse.digest"


def store(ctx: Context, built: Built | Staged, run: Run) -> int:
    """Write a training set to its table, unless the same rows were the last written; their version.

    A staged one goes from table to table within the engine.
    """
    name = built.training_set.name
    ref = ctx.table("training", name)
    written = ref.written()
    if written.get(DIGEST) == built.digest:
        return int(written["version"])
    application = ref.id
    columns = _stored_columns(built)
    if isinstance(built, Staged):
        frame = ctx.engine.read(built.table, columns=columns)
    else:
        frame = ctx.engine.from_arrow(built.frame.select(columns))
    version = ctx.engine.write(
        ref,
        frame,
        "overwrite",
        Transaction(application, ref.applied(application) + 1),
        metadata={DIGEST: built.digest, "lakehouse.as_of": built.as_of.isoformat()},
    )
    run.wrote(application, version, built.rows)
    return version


def _stored_columns(built: Built | Staged) -> list[str]:
    """What is kept on disk: no request column that is neither key nor input."""
    table, label = built.training_set.table, built.training_set.label.name
    return list(dict.fromkeys([*table.keys, str(table.event_time), label, *built.inputs, PART]))
