"""The online store of a domain, as a lake is set: kinds of stores are found by their entry points.

An installed package brings a kind by an entry point of the group `lakehouse.online_stores`. It
names a function that takes a `StorePlace` and gives an `OnlineStore`; its own name is the scheme
of the URLs, or the bare word, that LAKEHOUSE_ONLINE_URL holds for stores of this kind.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from lakehouse import plugins
from lakehouse.features.online.stores.protocol import OnlineStore
from lakehouse.records.home import Home
from lakehouse.records.online import OnlineSettings

GROUP = "lakehouse.online_stores"


@dataclass(frozen=True)
class StorePlace:
    """Where one domain's store is.

    `url` is what LAKEHOUSE_ONLINE_URL holds, None where nothing is set; its errors must not quote
    it, for it may hold a password. `options` are the variables LAKEHOUSE_ONLINE_… that are not
    general ones, by their whole names. A store opened with `must_exist`, as by a service, raises
    NotFound where nothing was written yet.
    """

    home: Home
    domain: str
    url: str | None = None
    options: Mapping[str, str] = field(default_factory=dict)
    must_exist: bool = False


OpenStore = Callable[[StorePlace], OnlineStore]
"""What an entry point of the group names."""


def open_store(
    home: Home, domain: str, settings: OnlineSettings, must_exist: bool = False
) -> OnlineStore:
    """Open a domain's store; raises NotFound naming the kinds there are, if this is none.

    With `must_exist` raises NotFound where nothing was written yet.
    """
    hint = "LAKEHOUSE_ONLINE_URL names one, as in redis://host:6379/0."
    opened: OpenStore = plugins.load(GROUP, "kind of online store", settings.kind, hint)
    return opened(StorePlace(home, domain, settings.url, settings.options, must_exist))
