"""Declared views from the lake's online stores, at any moment; and new rows for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from feast import FeatureView
from feast.errors import FeastError
from feast.protos.feast.types.EntityKey_pb2 import EntityKey
from feast.protos.feast.types.Value_pb2 import Value

from lakehouse.adapters.feast import declarations
from lakehouse.adapters.feast.values import from_proto, parsed
from lakehouse.declare.domain import Domain
from lakehouse.declare.features import StoredView
from lakehouse.declare.tables import Table, table_column
from lakehouse.errors import LakehouseError, unknown
from lakehouse.features.online.answering.reading import open_reader
from lakehouse.features.online.read.reader import FeatureReader, NotKept
from lakehouse.features.online.read.windows import Values
from lakehouse.features.online.stores.opening import open_store
from lakehouse.features.online.write.known_time import whole_row
from lakehouse.features.online.write.push import TablePusher
from lakehouse.language.provenance import KNOWN_AT
from lakehouse.records.clock import LakeClock
from lakehouse.records.home import Home
from lakehouse.sdk import composition
from lakehouse.times import microseconds, moment

Pushed = tuple[EntityKey, dict[str, Value], datetime, datetime | None]
"""A row as Feast pushes it: key, features, event time, created time."""


Clock = Callable[[str], int]
"""The moment now in UTC microseconds, of a domain."""


class MomentNotKept(FeastError):
    """A moment lies before what the online store keeps; over HTTP the caller's mistake."""

    def http_status_code(self) -> int:
        return 422


class DeclaredOnline:
    """One lake's online stores, opened when first read."""

    def __init__(self, home: Home) -> None:
        self.home = home
        records = composition.open_records(home)
        self._clock = LakeClock(home.clock, composition.now, records.latest_event_us)
        self._settings = composition.online_settings()
        self._readers: dict[str, FeatureReader] = {}

    def clock_us(self, domain: str) -> int:
        """The moment now by the lake's clock, in UTC microseconds; raises NoDataYet."""
        return self._clock.us(domain)

    def values(
        self,
        domain: Domain,
        view: StoredView,
        keys: Sequence[tuple[Any, ...]],
        at_us: Sequence[int],
    ) -> list[Values]:
        """A view's features of entities, each at its own moment, by `view__feature`."""
        reader = self._readers.get(domain.name)
        if reader is None:
            reader = open_reader(self.home, domain.name, self._settings, domain.stored_views)
            self._readers[domain.name] = reader
        try:
            return reader.get_many(view, keys, at_us)
        except NotKept as error:
            raise MomentNotKept(str(error)) from error

    def push(self, domain: Domain, table: Table, rows: Sequence[Pushed]) -> None:
        """Add rows of a table to every view of it; a row pushed again counts once.

        A row counts from its known time: the contract's, else the moment of the push. Views
        that are not materialised yet are left to their materialising.
        """
        now = cache(lambda: self._clock.now(domain.name))
        taken = [whole_row(table, _values(table, row), now) for row in rows]
        store = open_store(self.home, domain.name, self._settings)
        try:
            pusher = TablePusher(store, table, domain.stored_views)
            pusher.push(taken)
        finally:
            store.close()

    def close(self) -> None:
        for reader in self._readers.values():
            reader.close()
        self._readers.clear()


def entity_key(view: StoredView, key: EntityKey) -> tuple[Any, ...]:
    """The values of an entity's key in declared order and types."""
    given = dict(zip(key.join_keys, key.entity_values, strict=True))
    return typed_key(view, {name: from_proto(value) for name, value in given.items()})


def typed_key(view: StoredView, value: Mapping[str, Any]) -> tuple[Any, ...]:
    """The values of an entity's key in declared order and types, from plain ones by name."""
    typed = []
    for name in view.by.keys:
        if name not in value:
            raise LakehouseError(unknown("key", name, value, f"The request for '{view.name}'"))
        column = table_column(view.of, name)
        where = f"Entity '{view.by.name}', key '{name}'"
        typed.append(parsed(column.kind, column.scale, value[name], where))
    return tuple(typed)


def _values(table: Table, pushed: Pushed) -> dict[str, Any]:
    """What a pushed row says of the table's columns; what does not happen is known as it comes."""
    key, features, event_at, created_at = pushed
    given = {n: from_proto(v) for n, v in zip(key.join_keys, key.entity_values, strict=True)}
    given |= {name: from_proto(value) for name, value in features.items()}
    known_column = table.contract.known_at
    if table.event_time is not None:
        given[table.event_time] = event_at
    if known_column is not None and known_column != table.event_time:
        given[known_column] = created_at or event_at
    row = {
        c.name: parsed(c.kind, c.scale, given.get(c.name), f"Pushed rows, column '{c.name}'")
        for c in table.columns
    }
    if known_column is None and table.event_time is None:
        row[KNOWN_AT] = moment(microseconds(event_at))
    return row


def check_readable(table: FeatureView) -> None:
    """Refuse to read the rows of a declared table online, where only its views are kept."""
    if declarations.TABLE in table.tags:
        raise LakehouseError(
            f"'{table.name}' takes pushed rows and is not read online; ask the views of table "
            f"'{table.tags[declarations.TABLE]}'."
        )
