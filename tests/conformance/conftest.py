"""Every test of this folder runs on every engine."""

from __future__ import annotations

import pytest

from lakehouse.engines.embedded import EmbeddedEngine
from lakehouse.engines.protocol import Engine


@pytest.fixture(scope="session", params=["embedded", "spark"])
def engine(request: pytest.FixtureRequest) -> Engine:
    """Each engine in turn, one of a kind for all tests."""
    if request.param == "embedded":
        return EmbeddedEngine(memory_limit="1GB")
    spark: Engine = request.getfixturevalue("spark")
    return spark
