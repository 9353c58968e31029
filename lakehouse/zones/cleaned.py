"""The cleaned zone: raw rows that keep their contract, typed; the others kept with every reason.

`clean` takes the raw batches that are new. Every row ends in exactly one place: cleaned,
quarantine, or set_aside as superseded, dropped or duplicate.

Rows of one key with equal content are one row and its duplicates. With other content:

- `on_conflict="quarantine"`: the row that arrived first stays, the others are quarantined.
- `"latest"`: the row known last stays; of equal rows that follow each other the first, so that
  it counts as known since then. Yesterday's file may come after today's: today's row stays.
- `"history"`: every change is a row of its own.

Deliveries of a snapshot source are whole states. Under "latest" a key that the newest snapshot
lacks leaves the table, superseded by that snapshot; a row that broke its contract still shows that
its key is there, and the last good version stays. A snapshot without any good row is not taken
for a state. Under "history" a key's last version stays when the key is gone: absence is not kept.

Without a key nothing is a duplicate: equal rows are rows.

A `unique` value stays with the row that arrived first; a later row of another key fails. It is
held against the cleaned table and the batch, so under "latest" a value that was given up may be
taken by a later run, not within the same one.

A changed policy counts for the keys that come after it; `from_start` applies it to all rows.
"""

from __future__ import annotations

from lakehouse.context import Context
from lakehouse.declare.tables import Cleaned
from lakehouse.zones.cleaning_runs import Runs
from lakehouse.zones.cleanup import Cleanup, total

__all__ = ["Cleanup", "clean"]


def clean(ctx: Context, table: Cleaned, from_start: bool = False) -> Cleanup:
    """Clean the raw batches that are new and return what became of their rows.

    First a run that was cut short is finished. With nothing new there is no commit. A contract
    that came to name a further column gives the table that column, null in the rows cleaned
    before. `from_start` makes cleaned, quarantine and set_aside anew from every raw row, by
    today's contract. Moves the domain's data clock to the latest event time of the good rows.

    Raises ContractViolation, before anything is written, for a table that stops at broken rows;
    LakehouseError where the table holds a column in another type than the contract says.
    """
    runs = Runs(ctx, table)
    done = runs.finish()
    through = ctx.table_of(table.raw).applied()
    if from_start and runs.taken_in > 0:
        done.append(runs.rebuild(runs.next_number("rebuild")))
    done.append(runs.clean(through))
    return total(done)
