"""What a run over a cleaned table did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Cleanup:
    """Rows by what became of them, and the cleaned table's version after the run.

    `rows` are those the cleaned table gained, `quarantined` those that the run sent to quarantine
    (in a replay: left there); the others are counted as they were set aside.
    """

    rows: int
    quarantined: int
    superseded: int
    dropped: int
    duplicates: int
    version: int | None


def total(done: Sequence[Cleanup]) -> Cleanup:
    """The sum of what several runs did, with the version after the last."""
    return Cleanup(
        rows=sum(c.rows for c in done),
        quarantined=sum(c.quarantined for c in done),
        superseded=sum(c.superseded for c in done),
        dropped=sum(c.dropped for c in done),
        duplicates=sum(c.duplicates for c in done),
        version=done[-1].version,
    )
