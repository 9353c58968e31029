"""A small lake with tables written as they are, for stages that read them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from lakehouse.context import Context
from lakehouse.declare import Domain
from lakehouse.declare.features import StoredView
from lakehouse.declare.tables import Table
from lakehouse.engines.embedded import EmbeddedEngine
from lakehouse.engines.protocol import Transaction
from lakehouse.features.online.stores.protocol import OnlineStore
from lakehouse.features.online.stores.redis.store import RedisStore
from lakehouse.features.online.stores.sqlite.store import SqliteStore
from lakehouse.records.home import Home
from lakehouse.records.online import OnlineSettings
from lakehouse.records.store import CodeVersion, Records

NOW = datetime(2026, 1, 2, tzinfo=UTC)
"""The time of day, long after the rows of these tests."""
MakeContext = Callable[..., Context]


@pytest.fixture
def context_of(tmp_path: Path) -> MakeContext:
    """Make a context of a domain with these views, in one lake for each test."""

    def make(*views: StoredView, keep_us: int | None = None) -> Context:
        home = Home.create(tmp_path / "lake")
        records = Records(home.records, lambda: NOW)
        domain = Domain("cards", description="Movements of cards.", views=views)
        code, settings = CodeVersion("test"), OnlineSettings(keep_us=keep_us)
        return Context(home, records, EmbeddedEngine(), domain, code, online=settings)

    return make


@pytest.fixture(params=["sqlite", "redis"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[OnlineStore]:
    """An empty online store of each kind."""
    made: OnlineStore
    if request.param == "redis":
        made = RedisStore(request.getfixturevalue("redis_url"), "test")
    else:
        made = SqliteStore(tmp_path / "online" / "cards.db")
    yield made
    made.close()


def written(ctx: Context, table: Table, rows: Any, mode: str = "append") -> int:
    """Write rows to a table of the lake as they are; each call is a commit."""
    path = ctx.table_of(table)
    version = len(list(path.folder.glob("_delta_log/*.json")))
    how: Any = mode
    return ctx.engine.write(path, ctx.engine.from_arrow(rows), how, Transaction("test", version))
