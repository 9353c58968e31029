"""From how many rows on point-in-time features are computed in parts, and put aside in files."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """How many rows, of the spine and the tables together, are computed how.

    Up to `part` rows are computed in one piece, more in parts of about so many rows; beyond
    `in_memory` rows these lie in files before and after. Files are written in batches of `batch`
    rows.
    """

    part: int = 400_000
    in_memory: int = 6_000_000
    batch: int = 524_288
