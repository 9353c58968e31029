"""Rows count once, whatever the store: a row without a key by all that it says."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from lakehouse.declare import (
    Cleaned,
    Contract,
    Count,
    Entity,
    FeatureView,
    Raw,
    Source,
    event_time,
    last,
)
from lakehouse.declare.durations import HOUR
from lakehouse.engines.protocol import Transaction
from lakehouse.features.online.layout.slots import layout_of
from lakehouse.features.online.read.reader import FeatureReader
from lakehouse.features.online.stores.protocol import EntityChunks, OnlineStore, Stored
from lakehouse.features.online.write.once import change_once
from lakehouse.features.online.write.push import TablePusher
from lakehouse.language.provenance import KNOWN_AT
from lakehouse.testing.conformance.world import NOON
from lakehouse.testing.online_chunks import events, put, stored
from lakehouse.times import moment


class Visit(Contract):
    """Somebody came; nothing tells one visit from another."""

    guest: str
    shop: str | None
    came_at: datetime = event_time()


visits = Cleaned(
    "visits", Raw("visits_raw", Source("visit_feed", Visit, path="{delivered_at}.csv"))
)
guest = Entity("guest", key="guest")
COUNTS = FeatureView("counts", of=visits, by=guest, n=Count(over=last("1d")))
IN_SHOPS = FeatureView(
    "in_shops", of=visits, by=guest, n=Count(over=last("1d"), where="shop is not null")
)


def visit(who: str, shop: str | None = "a") -> dict[str, Any]:
    at = moment(NOON - HOUR)
    return {"guest": who, "shop": shop, "came_at": at, KNOWN_AT: at}


def counts(store: OnlineStore) -> Mapping[str, tuple[int, int]]:
    reader = FeatureReader(store, [COUNTS, IN_SHOPS])
    found = {who: reader.get_views([COUNTS, IN_SHOPS], [(who,)], [NOON]) for who in ("ada", "bob")}
    return {who: tuple(row.values()) for who, (row,) in found.items()}


def test_rows_without_a_key_count_once_in_every_view_however_often_they_come(
    store: OnlineStore,
) -> None:
    for view in (COUNTS, IN_SHOPS):
        store.replace(Stored(view.name, 1, "digest", layout_of(view), 0, 0), [], {})
    for _ in range(2):
        pusher = TablePusher(store, visits, [COUNTS, IN_SHOPS])
        pusher.push([visit("ada"), visit("ada", "b"), visit("bob", None), visit("ada")])
        pusher.push([visit("bob", None) | {KNOWN_AT: moment(NOON - 1)}])  # said again later
    assert {"ada": (2, 2), "bob": (1, 0)} == counts(store)


def test_what_a_call_left_to_make_is_made_by_the_same_call_again(store: OnlineStore) -> None:
    here = store.replace(stored("v"), [], {})
    transaction = Transaction("s", 1)
    made = change_once(store, here, {b"a": put("event", 0, b"a")}, {}, transaction)

    def twice(chunks: EntityChunks) -> None:
        raise AssertionError("a change was made twice")

    rest = change_once(store, here, {b"a": twice, b"b": put("event", 0, b"b")}, {}, transaction)
    none = change_once(store, here, {b"a": twice, b"b": twice}, {}, transaction)
    assert (True, True, False) == (made, rest, none)
    assert [[b"a"], [b"b"]] == [events(store, here, entity, 0, 1) for entity in (b"a", b"b")]
