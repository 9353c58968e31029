"""What one run is given to settle."""

from __future__ import annotations

from dataclasses import dataclass

from lakehouse.context import Context
from lakehouse.declare.tables import Cleaned
from lakehouse.engines.protocol import Frame


@dataclass(frozen=True)
class Pending:
    """Rows of text to be settled, and what stands already.

    `delivered` are the text columns of `rows`. `processed` is the newest raw batch that the
    cleaned table holds, 0 for none; `cleaned` its rows in the contract's columns, None for none.
    `again` says that the rows come back from quarantine, so that their place in time may lie
    anywhere among the rows already processed.
    """

    ctx: Context
    table: Cleaned
    rows: Frame
    delivered: list[str]
    processed: int
    cleaned: Frame | None
    again: bool = False
