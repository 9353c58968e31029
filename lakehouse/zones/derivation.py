"""How any derived table is made: curated tables, scores, training sets, and what comes after them.

A derived table is the whole result of something computed from other tables. Each commit of one
says in its metadata what it was made from, so that the next run can tell whether there is anything
to do; the records only follow.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from lakehouse.context import Context
from lakehouse.engines.protocol import Frame
from lakehouse.records.store import Run
from lakehouse.storage.tables import TableRef

INPUTS, ROWS = "lakehouse.inputs", "lakehouse.rows"
"""What each commit says of itself: which versions gave its inputs their rows, and its rows."""

Covers = Callable[[Mapping[str, Any], Mapping[str, str]], bool]
"""Whether a commit, by its metadata, holds what is meant now."""


@dataclass(frozen=True)
class Derivation:
    """A derived table after a run: its rows, the version that gave it them, and if the run did."""

    rows: int
    version: int
    changed: bool

    @property
    def metrics(self) -> dict[str, Any]:
        """What a run says that had nothing else to do."""
        return {"rows": self.rows} if self.changed else {"unchanged": True}


def same_facts(written: Mapping[str, Any], meant: Mapping[str, str]) -> bool:
    """Whether a commit was made from the same inputs by the same of everything else."""
    return all(written.get(name) == value for name, value in meant.items())


def derive(
    ctx: Context,
    run: Run,
    table: TableRef,
    inputs: Mapping[str, int | None],
    facts: Mapping[str, str],
    make: Callable[[], tuple[Frame, int]],
    covers: Covers = same_facts,
) -> Derivation:
    """Make a derived table anew, in one commit, unless it is there already.

    `inputs` are `Context.data_versions` of the tables it is made from, `facts` whatever else is to
    be known of a commit; all of it becomes the commit's metadata. The table is left as it is where
    `covers(written, meant)` says so of the newest commit that changed its rows. Else `make` gives
    its rows and counts them. A commit that a crash left out of the records is noted on the run.
    """
    meant = {INPUTS: json.dumps(inputs, sort_keys=True), **facts}
    written = table.written()
    if ROWS in written and covers(written, meant):
        ctx.note_unrecorded(run, table)
        return Derivation(int(written[ROWS]), int(written["version"]), changed=False)
    frame, rows = make()
    metadata = meant | {ROWS: str(rows)}
    version = ctx.write(run, table, frame, "overwrite", rows=rows, metadata=metadata)
    return Derivation(rows, version, changed=True)
