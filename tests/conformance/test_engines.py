"""Every engine gives the oracle's answers, and keeps tables as the platform means them."""

from __future__ import annotations

from pathlib import Path

import pytest

from lakehouse.engines.protocol import Engine, load
from lakehouse.testing.conformance import CHECKS

ENGINES = ("embedded",)


@pytest.fixture(scope="module", params=ENGINES)
def engine(request: pytest.FixtureRequest) -> Engine:
    return load(request.param)


@pytest.mark.parametrize("check", CHECKS)
def test_engine_passes(check: str, engine: Engine, tmp_path: Path) -> None:
    CHECKS[check](engine, tmp_path)
