"""What tests share: one engine of each kind, and contexts of small lakes in temporary folders."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import prometheus_client  # noqa: F401, before Feast sets it up for several processes
import pytest
from hypothesis import settings

from lakehouse.context import Context
from lakehouse.declare.domain import Domain
from lakehouse.engines.embedded import EmbeddedEngine
from lakehouse.engines.spark import jars
from lakehouse.engines.spark.engine import SparkEngine
from lakehouse.engines.spark.settings import SparkSettings, from_environment
from lakehouse.records.home import Clock, Home
from lakehouse.records.store import CodeVersion, Records
from tests import distribution
from tests.redis_server import ask, redis_server

settings.register_profile("steady", derandomize=True, deadline=None)
# A suite that everybody runs gives everybody the same verdict; search on with
# --hypothesis-profile=default.
settings.load_profile("steady")

NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
"""The wall clock of every test's lake."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Spread the tests as tests/distribution.py says, unless another way is chosen."""
    if config.getvalue("dist") == "loadfile":
        return distribution.ByFileAndSession(config, log)
    return None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse a file that would start a second Spark session."""
    if files := distribution.unnamed(items):
        raise pytest.UsageError(
            f"{', '.join(sorted(files))} use the Spark session: name them in tests/distribution.py."
        )


@pytest.fixture(scope="session")
def engine() -> EmbeddedEngine:
    """One engine for all tests: it keeps nothing between queries."""
    return EmbeddedEngine(memory_limit="1GB")


@pytest.fixture(scope="session")
def spark_settings() -> SparkSettings:
    """A Spark of two cores in this process; without Java there is none, which CI does not accept.

    The jars are fetched the first time, as `lakehouse setup spark` does.
    """
    if shutil.which("java") is None:
        why = "no java on the PATH: the Spark engine needs Java 17 or newer"
        if os.environ.get("CI") == "true":
            pytest.fail(why, pytrace=False)
        pytest.skip(why)
    # Half the work of a JVM that lives some minutes is compiling its code to the full.
    os.environ.setdefault("SPARK_SUBMIT_OPTS", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")
    settings = replace(from_environment(), master="local[2]")
    jars.set_up(settings.jars)
    return settings


@pytest.fixture(scope="session")
def spark(spark_settings: SparkSettings) -> SparkEngine:
    """One Spark engine, whose session starts with its first use."""
    return SparkEngine(spark_settings)


@pytest.fixture(scope="session")
def redis_of_the_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a Redis server; without the program there is none, which CI does not accept."""
    with redis_server(tmp_path_factory.mktemp("redis")) as url:
        yield url


@pytest.fixture
def redis_url(redis_of_the_session: str) -> Iterator[str]:
    """The URL of an empty Redis server."""
    yield redis_of_the_session
    ask(redis_of_the_session, b"FLUSHALL")


@pytest.fixture
def make_context(tmp_path: Path, engine: EmbeddedEngine) -> Callable[..., Context]:
    """`make_context(domain, clock="data")`: the domain in a lake of its own.

    A second call with the same domain opens the same lake anew, as a new process would.
    """

    def make(domain: Domain, clock: Clock = "data") -> Context:
        home = Home.create(tmp_path / f"lake_of_{domain.name}", clock)
        records = Records(home.records, lambda: NOW)
        return Context(home, records, engine, domain, CodeVersion("test"))

    return make
