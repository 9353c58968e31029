"""The online store: the rows from which a view's features are computed at the moment of asking.

A store keeps chunks of bytes by view, entity, and bucket of event time, and knows nothing of what
is in them. Values are exact at any moment asked, past ones too, because rows are kept and not
results: a result stored at the last event is wrong a moment later.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from lakehouse.engines.protocol import Transaction
from lakehouse.features.online_layout import Grain, Layout


class Chunk(NamedTuple):
    """Some rows of one entity: those of one bucket of event time, or a few added later."""

    grain: Grain
    entity: bytes
    bucket: int
    payload: Any
    """Bytes, or a view of some."""


@dataclass(frozen=True)
class Stored:
    """What a store holds of a view: where it came from, and how it is laid out.

    `version` is that of the view's table, `digest` that of the view's declaration. `generation`
    grows whenever the view is replaced; it is the store's own.
    """

    view: str
    version: int
    digest: str
    layout: Layout
    rows: int
    entities: int
    generation: int = 0


class Replaced(Exception):
    """The view was replaced since it was looked up: look it up again."""


class OnlineStore(Protocol):
    """Chunks by view, entity and bucket. `lakehouse.testing.online_conformance` says the rest."""

    def stored(self, view: str) -> Stored | None:
        """What is held of a view; None if nothing is."""
        ...

    def chunks(
        self, stored: Stored, grain: Grain, entity: bytes, first: int, last: int
    ) -> Sequence[bytes]:
        """An entity's chunks in a range of buckets; raises Replaced if they are another's."""
        ...

    def newest_first(
        self, stored: Stored, entity: bytes, first: int, last: int
    ) -> Iterator[tuple[int, bytes]]:
        """An entity's buckets and chunks in a range, from the last bucket back.

        Raises Replaced if they are another's.
        """
        ...

    def replace(self, stored: Stored, chunks: Iterable[Chunk]) -> Stored:
        """Put a view's chunks in the place of all it had, at once for every reader."""
        ...

    def append(self, stored: Stored, chunks: Iterable[Chunk], transaction: Transaction) -> bool:
        """Add chunks beside those there are, once per transaction; False if it was seen before.

        Raises Replaced if the view is another's. All that is added is there, or nothing.
        """
        ...

    def close(self) -> None: ...
