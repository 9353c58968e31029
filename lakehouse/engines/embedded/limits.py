"""From how many rows on point-in-time features are computed in parts, and put aside in files."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """How many rows, of the spine and the tables together, are computed how.

    Up to `in_memory` rows are computed in one piece, more in parts of about `part` rows that lie in
    files before and after. Rows are read in batches of `batch`.
    """

    in_memory: int = 2_000_000
    part: int = 400_000
    batch: int = 524_288
