"""From how many rows on point-in-time features are computed in parts."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """How many rows, of the spine and the tables together, are computed how.

    Up to `one_piece` rows are computed in memory, in one piece. More are computed in parts of
    about `part` rows, which lie in files before and after, written in batches of `batch` rows.
    """

    one_piece: int = 2_000_000
    part: int = 400_000
    batch: int = 524_288
