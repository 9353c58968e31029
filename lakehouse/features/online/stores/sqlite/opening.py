"""The kind of online store that needs nothing: a file of the lake for each domain."""

from __future__ import annotations

from lakehouse.errors import LakehouseError
from lakehouse.features.online.stores.opening import StorePlace
from lakehouse.features.online.stores.sqlite.store import SqliteStore


def open_store(place: StorePlace) -> SqliteStore:
    """Open the file of a domain."""
    if place.url not in (None, "sqlite"):
        raise LakehouseError(
            "LAKEHOUSE_ONLINE_URL: the SQLite store is a file of the lake and takes no address; "
            "write 'sqlite' alone, or leave the variable out."
        )
    return SqliteStore(place.home.online(place.domain), place.must_exist)
