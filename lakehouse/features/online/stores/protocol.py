"""The online store: the rows from which a view's features are computed at the moment of asking.

A store keeps chunks of bytes by view, entity and time, and knows nothing of what is in them.
Each chunk holds an entity's rows from its own beginning up to that of the next. Values are exact
at any moment asked, because rows are kept and not results: a result stored at the last event is
wrong a moment later.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from lakehouse.errors import LakehouseError
from lakehouse.features.online.layout.slots import BEGINNING, Grain, Layout

Span = tuple[Grain, int, int]
"""Rows of a grain from one time up to, without, another."""


class Chunk(NamedTuple):
    """Some rows of one entity: those from `begin` on, the last of them at `until`."""

    grain: Grain
    entity: bytes
    begin: int
    until: int
    payload: Any
    """Bytes, or a view of some."""


class Held(NamedTuple):
    """A chunk that is stored for an entity whose name is known."""

    begin: int
    payload: bytes


class Pushed(NamedTuple):
    """A row that was pushed and is not in the view's table as far as the store knows."""

    entity: bytes
    event_us: int
    id: int
    row: bytes
    """What packs it again: the row as `push` keeps it."""


@dataclass(frozen=True)
class Horizon:
    """What is kept: events and tiles from these times on.

    Where windows reach back over rows of any age nothing goes by its time, and these are the
    beginning. Then not all events from before `whole_events_us` are there, only an entity's last
    rows, and tiles from before `whole_tiles_us` may be merged into one. Both are None where what
    is kept is whole.
    """

    events_us: int = BEGINNING
    tiles_us: int = BEGINNING
    whole_events_us: int | None = None
    whole_tiles_us: int | None = None

    def whole(self, grain: Grain) -> int:
        """From when on every event, or each tile by itself, is there."""
        if grain == "event":
            return self.events_us if self.whole_events_us is None else self.whole_events_us
        return self.tiles_us if self.whole_tiles_us is None else self.whole_tiles_us

    @property
    def of_rows(self) -> int:
        """From when on a row counts at some moment, as an event or in a tile."""
        return min(self.events_us, self.tiles_us)


@dataclass(frozen=True)
class Stored:
    """What a store holds of a view: where it came from, and how it is laid out.

    `version` is that of the view's table, `digest` that of the view's declaration. Moments from
    `kept_from_us` on can be asked for; what no such moment needs lies before the `horizon` and is
    not kept. `newest_us` is the time of the newest row. `generation` is the store's own, another
    whenever the view is replaced.
    """

    view: str
    version: int
    digest: str
    layout: Layout
    rows: int
    entities: int
    kept_from_us: int = BEGINNING
    horizon: Horizon = field(default_factory=Horizon)
    newest_us: int = BEGINNING
    generation: int = 0


ALL = Horizon()


class Replaced(Exception):
    """The view was replaced since it was looked up: look it up again."""


class StoreUnreachable(LakehouseError):
    """The online store cannot be read or written now."""


class TextsCollide(LakehouseError):
    """One number stands for two texts."""

    def __init__(self, view: str) -> None:
        super().__init__(
            f"View '{view}': two texts of its table have the same 63-bit number; leave one of "
            "them out."
        )


class EntityChunks(Protocol):
    """One entity's chunks while they are changed: all changes become visible at once."""

    def holding(self, grain: Grain, at_us: int) -> Held | None:
        """The chunk that holds a time: the last that begins at or before it."""
        ...

    def put(self, grain: Grain, begin: int, until: int, payload: bytes) -> None:
        """Put a chunk in the place of the one that begins then, or between its neighbours."""
        ...

    def added(self, grain: Grain, after: Held, at_us: int, row: bytes) -> bool:
        """Put a row of this time behind all others of the entity, in a chunk of the store's choice.

        `after` is the chunk that holds its time, whose rows are all earlier. False if the store
        leaves it to `put`, or if the chunk is not the last.
        """
        ...

    def forget(self) -> None:
        """Remove all of the entity's chunks."""
        ...

    def pushed(self) -> list[Pushed]:
        """The rows of the entity that are listed as pushed, whose chunks these are."""
        ...

    def list_pushed(self, row: Pushed) -> None:
        """List a row of the entity as pushed; one that is listed already stays so."""
        ...

    def noted(self) -> int | None:
        """The number that an earlier change noted of the entity under the same name, if any."""
        ...

    def note(self, number: int) -> None:
        """Note a number of the entity, until the view is replaced."""
        ...


Change = Callable[[EntityChunks], None]
"""A change of one entity. It may be made again from the start, on what is there by then."""
Texts = Mapping[int, bytes]
"""What numbers in rows stand for."""
Again = Callable[[Sequence[Pushed]], tuple[Mapping[bytes, Change], Texts]]
"""The changes that put pushed rows beside a view's chunks, and the texts that they need."""


class OnlineStore(Protocol):
    """Chunks by view, entity and time. `lakehouse.testing.online_conformance` says the rest."""

    def stored(self, view: str) -> Stored | None:
        """What is held of a view; None if nothing is."""
        ...

    def chunks(
        self, lookups: Sequence[tuple[Stored, Sequence[tuple[bytes, Sequence[Span]]]]]
    ) -> list[list[list[list[bytes]]]]:
        """Of views of windows, their entities and each one's spans: the chunks, in one round trip.

        Of each span (grain, from, until) those that have rows in it, in order; the one that holds
        the span's beginning may come first without a row in it. All spans of an entity are of one
        state of the store. Raises Replaced if the chunks are another's.
        """
        ...

    def newest_first(self, stored: Stored, entity: bytes, end_us: int) -> Iterator[bytes]:
        """An entity's chunks of events that begin before `end_us`, from the last one back.

        For views of latest values, of which each chunk has one event time. Raises Replaced, also
        where what was given is no more.
        """
        ...

    def newest_first_of_many(
        self, stored: Stored, lookups: Sequence[tuple[bytes, int]]
    ) -> list[Iterator[bytes]]:
        """The same for several entities, the first chunks of each in one round trip."""
        ...

    def texts(self, stored: Stored, numbers: Iterable[int]) -> dict[int, bytes]:
        """What numbers stand for; raises Replaced if one of them stands for nothing."""
        ...

    def replace(
        self,
        stored: Stored,
        chunks: Iterable[Chunk],
        texts: Texts,
        again: Again = lambda pushed: ({}, {}),
    ) -> Stored:
        """Put a view's chunks in the place of all it had, at once for every reader.

        No two chunks of an entity and grain begin at once. `texts` is read after the chunks.
        `again` is asked then, once or more, about all rows that were pushed until readers have
        the new chunks; they stay listed in `pushed`.
        """
        ...

    def change(
        self,
        stored: Stored,
        changes: Mapping[bytes, Change],
        texts: Texts,
        notes: str | None = None,
        confirmed: Iterable[tuple[bytes, int]] = (),
    ) -> None:
        """Change entities, each with all that is noted and listed of it at once.

        `notes` is the name that numbers are noted under; changes without one note nothing. Rows
        `confirmed` (entity, id) are listed as pushed no longer. Raises Replaced if the view is
        another's. A crash in the middle leaves some entities changed and the others as they were.
        """
        ...

    def advance(self, stored: Stored) -> None:
        """Tell this from now on, and remove what lies before its horizon.

        Of latest values the last row that is visible at `kept_from_us` stays. Raises Replaced.
        """
        ...

    def pushed(self, view: str) -> list[Pushed]:
        """The rows pushed to a view that its table has not confirmed."""
        ...

    def close(self) -> None: ...
