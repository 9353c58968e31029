"""The kind of online store that is a Redis server; all domains of a lake share it."""

from __future__ import annotations

from lakehouse.errors import LakehouseError
from lakehouse.features.online.stores.opening import StorePlace
from lakehouse.features.online.stores.protocol import OnlineStore


def open_store(place: StorePlace) -> OnlineStore:
    """Open the part of the server that is a domain's."""
    try:
        from lakehouse.features.online.stores.redis.store import RedisStore
    except ModuleNotFoundError as error:
        raise LakehouseError(
            "LAKEHOUSE_ONLINE_URL names a Redis server, and what speaks with one is not "
            "installed here; install lakehouse[redis]."
        ) from error
    prefix = f"lakehouse:{place.home.path.name}:{place.domain}"
    return RedisStore(place.url or "", prefix, place.must_exist)
