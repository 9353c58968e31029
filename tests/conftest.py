"""What tests share: one embedded engine, and contexts of small lakes in temporary folders."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import settings

from lakehouse.declare.domain import Domain
from lakehouse.engines.context import Context
from lakehouse.engines.embedded import EmbeddedEngine
from lakehouse.records.home import Clock, Home
from lakehouse.records.store import CodeVersion, Records

settings.register_profile("steady", derandomize=True, deadline=None)
# A suite that everybody runs gives everybody the same verdict; search on with
# --hypothesis-profile=default.
settings.load_profile("steady")

NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
"""The wall clock of every test's lake."""


@pytest.fixture(scope="session")
def engine() -> EmbeddedEngine:
    """One engine for all tests: it keeps nothing between queries."""
    return EmbeddedEngine(memory_limit="1GB")


@pytest.fixture
def make_context(tmp_path: Path, engine: EmbeddedEngine) -> Callable[..., Context]:
    """`make_context(domain, clock="data")`: the domain in a lake of its own.

    A second call with the same domain opens the same lake anew, as a new process would.
    """

    def make(domain: Domain, clock: Clock = "data") -> Context:
        home = Home.create(tmp_path / f"lake_of_{domain.name}", clock)
        records = Records(home.records, lambda: NOW)
        return Context(home, records, engine, domain, CodeVersion("test", False))

    return make
