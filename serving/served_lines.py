"""Rows of the log of served features: one for each view and entity that is logged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import uuid4

import msgspec

from lakehouse.declare.features import Feature, StoredView
from serving.online import OnlineStores
from serving.values import exact

_encode = msgspec.json.Encoder().encode


class _Row(msgspec.Struct):
    """A row of the ServedFeatures contract."""

    served_id: str
    served_at: datetime
    asked_for: datetime
    view: str
    model: str
    version: int
    table_version: int | None
    entity: str
    features: str


class ServedRows:
    """The rows to log of one answer, encoded as they are added.

    `wanted` are the views and features asked for, `asked_for` their moment, `served_at` the
    lake's clock.
    """

    def __init__(
        self,
        wanted: Sequence[tuple[StoredView, Sequence[Feature]]],
        stores: OnlineStores,
        domain: str,
        asked_for: datetime,
        served_at: datetime,
    ) -> None:
        self._views = [
            (v.name, stores.origin(domain, v.name), v.by.keys, [f.full_name for f in chosen])
            for v, chosen in wanted
        ]
        self._stores, self._domain = stores, domain
        self._asked_for, self._served_at = asked_for, served_at
        self._answer = uuid4().hex
        self.lines: list[bytes] = []

    def add(self, entity: Mapping[str, Any], values: Mapping[str, Any]) -> None:
        """Add an entity and its features by full name, which were read just now."""
        held = self._stores.held(self._domain)
        for view, (model, version), keys, names in self._views:
            row = _Row(
                f"{self._answer}-{len(self.lines)}",
                self._served_at,
                self._asked_for,
                view,
                model,
                version,
                held.get(view),
                _encode({key: exact(entity[key]) for key in keys}).decode(),
                _encode({name: exact(values[name]) for name in names}).decode(),
            )
            self.lines.append(_encode(row))
