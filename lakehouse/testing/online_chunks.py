"""What checks of online stores are made of: chunks that mean nothing, and what is asked of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial

from lakehouse.features.online.layout.slots import (
    Grain,
    LatestLayout,
    Layout,
    StoredColumn,
    WindowLayout,
)
from lakehouse.features.online.stores.protocol import (
    Change,
    Chunk,
    EntityChunks,
    OnlineStore,
    Pushed,
    Replaced,
    Span,
    Stored,
)
from lakehouse.testing.conformance.comparing import NotConforming

MakeStore = Callable[[], OnlineStore]
Check = Callable[[MakeStore], None]
WINDOWS = WindowLayout((), (), 0, 60_000_000, False)
LATEST = LatestLayout((StoredColumn("amount", "decimal", 2),))


def stored(view: str, version: int = 1, layout: Layout = WINDOWS) -> Stored:
    """What is said of a view whose chunks mean nothing."""
    return Stored(view, version, "digest", layout, 1, 1)


def event(entity: bytes, begin: int, payload: bytes) -> Chunk:
    return Chunk("event", entity, begin, begin, payload)


def put(grain: Grain, begin: int, payload: bytes) -> Change:
    return lambda chunks: chunks.put(grain, begin, begin, payload)


def listing(rows: Iterable[Pushed]) -> dict[bytes, Change]:
    """The changes that list rows as pushed, and nothing else."""
    by_entity: dict[bytes, list[Pushed]] = {}
    for row in rows:
        by_entity.setdefault(row.entity, []).append(row)

    def change(own: Sequence[Pushed], chunks: EntityChunks) -> None:
        for row in own:
            chunks.list_pushed(row)

    return {entity: partial(change, own) for entity, own in by_entity.items()}


def together(first: Change, second: Change) -> Change:
    """Two changes of one entity as one."""

    def change(chunks: EntityChunks) -> None:
        first(chunks)
        second(chunks)

    return change


def of_spans(store: OnlineStore, here: Stored, entity: bytes, *spans: Span) -> list[list[bytes]]:
    """One entity's chunks in some spans."""
    ((found,),) = store.chunks([(here, [(entity, spans)])])
    return [[bytes(chunk) for chunk in of_span] for of_span in found]


def events(store: OnlineStore, here: Stored, entity: bytes, first: int, end: int) -> list[bytes]:
    """An entity's chunks of events in a span of times."""
    (found,) = of_spans(store, here, entity, ("event", first, end))
    return found


def require_replaced(use: Callable[[], object]) -> None:
    try:
        use()
    except Replaced:
        return
    raise NotConforming("What was replaced is still read or written to.")
