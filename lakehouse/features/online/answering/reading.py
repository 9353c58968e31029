"""Stored features of a domain, as its online store holds them."""

from __future__ import annotations

from collections.abc import Iterable

from lakehouse.declare.features import StoredView
from lakehouse.features.online.read.reader import FeatureReader
from lakehouse.features.online.stores.opening import open_store
from lakehouse.records.home import Home
from lakehouse.records.online import OnlineSettings


def open_reader(
    home: Home, domain: str, settings: OnlineSettings, views: Iterable[StoredView]
) -> FeatureReader:
    """Open a domain's store to read these views of it; raises NotFound where there is none."""
    return FeatureReader(open_store(home, domain, settings, must_exist=True), views)
