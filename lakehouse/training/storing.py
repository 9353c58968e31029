"""A training set's own table: what a registered version learnt from, for any Delta reader."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lakehouse.context import Context
from lakehouse.engines.protocol import Frame
from lakehouse.records.store import Run
from lakehouse.training.staging import Staged
from lakehouse.training.training_set import PART, Built
from lakehouse.zones.derivation import derive, same_facts

DIGEST, AS_OF = "lakehouse.digest", "lakehouse.as_of"
"""What a commit's metadata keeps besides inputs and rows: the rows' digest, and their moment."""


def store(ctx: Context, built: Built | Staged, run: Run) -> int:
    """Write a training set to its table, unless the same rows were the last written; their version.

    A staged one goes from table to table within the engine.
    """
    columns = _stored_columns(built)

    def make() -> tuple[Frame, int]:
        if isinstance(built, Staged):
            return ctx.engine.read(built.table, columns=columns), built.rows
        return ctx.engine.from_arrow(built.frame.select(columns)), built.rows

    ref = ctx.table("training", built.training_set.name)
    facts = {DIGEST: built.digest, AS_OF: built.as_of.isoformat()}
    return derive(ctx, run, ref, built.pins, facts, make, _same_rows).version


def _same_rows(written: Mapping[str, Any], meant: Mapping[str, str]) -> bool:
    """Whether a commit holds these rows, whatever they were built from."""
    return same_facts(written, {DIGEST: meant[DIGEST]})


def _stored_columns(built: Built | Staged) -> list[str]:
    """What is kept on disk: no request column that is neither key nor input."""
    table, label = built.training_set.table, built.training_set.label.name
    return list(dict.fromkeys([*table.keys, str(table.event_time), label, *built.inputs, PART]))
