"""How far back a view's last rows are read, where they may be of any age.

Entities differ: one has its last twenty rows within a minute, another within years. Rows are read
as far back as proved enough for those that were asked for before, and all of them for an entity
that has fewer there. A reach that was too short is doubled, one that read many rows too many is
halved: most entities take one round trip, and one with very many rows is not read whole.
"""

from __future__ import annotations

from collections.abc import Sequence

from lakehouse.declare.durations import DAY
from lakehouse.features.online.read.windows import WindowAnswers
from lakehouse.features.online.stores.protocol import OnlineStore, Span, Stored

MANY_TIMES = 16
"""A reach that reads so many times what is needed is halved."""

EntityChunks = Sequence[Sequence[bytes]]
"""The chunks of each span of an entity."""


class LastRowsReach:
    """The reach of one view as it is stored; threads may read by it, and learn, at once."""

    def __init__(self, answers: WindowAnswers, stored: Stored) -> None:
        self._answers, self._stored = answers, stored
        self._most = max((group.last.rows for group in answers.rows), default=0)
        self.us = DAY

    def needed(self, at_us: int) -> tuple[Span, ...]:
        """The spans to be read first."""
        return self._answers.needed(at_us, self.us)

    def completed(
        self,
        store: OnlineStore,
        lookups: Sequence[tuple[bytes, int]],
        chunks: Sequence[EntityChunks],
    ) -> Sequence[EntityChunks]:
        """The chunks of entities and moments, of any age where what was read has too few rows."""
        if not self._most:
            return chunks
        short = []
        for place, ((_, at_us), own) in enumerate(zip(lookups, chunks, strict=True)):
            extent = self._answers.extent(at_us, own)
            if extent.reach_us is None:
                short.append(place)
            elif extent.rows > MANY_TIMES * self._most:
                self.us = max(self.us // 2, extent.reach_us)
        if not short:
            return chunks
        completed = list(chunks)
        spans = [(lookups[n][0], self._answers.needed(lookups[n][1])) for n in short]
        (whole,) = store.chunks([(self._stored, spans)])
        for place, own in zip(short, whole, strict=True):
            completed[place] = own
            reach_us = self._answers.extent(lookups[place][1], own).reach_us
            if reach_us is not None:
                self.us = max(self.us, min(self.us * 2, reach_us))
        return completed
