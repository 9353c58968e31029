"""The online store of a domain, as a lake is set: a file of the lake, or a Redis server."""

from __future__ import annotations

from lakehouse.errors import LakehouseError
from lakehouse.features.online.stores.protocol import OnlineStore
from lakehouse.features.online.stores.sqlite.store import SqliteStore
from lakehouse.records.home import Home
from lakehouse.records.online import OnlineSettings


def open_store(
    home: Home, domain: str, settings: OnlineSettings, must_exist: bool = False
) -> OnlineStore:
    """Open a domain's store; with `must_exist` raises NotFound where nothing was written yet."""
    if settings.url is not None:
        try:
            from lakehouse.features.online.stores.redis.store import RedisStore
        except ModuleNotFoundError as error:
            raise LakehouseError(
                "LAKEHOUSE_ONLINE_URL names a Redis server, and what speaks with one is not "
                "installed here; install lakehouse[redis]."
            ) from error
        return RedisStore(settings.url, f"lakehouse:{home.path.name}:{domain}", must_exist)
    return SqliteStore(home.online(domain), must_exist)
