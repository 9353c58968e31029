"""Every engine gives the oracle's answers, and keeps tables as the platform means them."""

from __future__ import annotations

from pathlib import Path

import pytest

from lakehouse.engines.protocol import Engine
from lakehouse.testing.conformance import CHECKS

ENGINES = {"embedded": "engine", "spark": "spark"}
"""Every engine by name, and the fixture that hands it over."""


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("name", ENGINES)
def test_engine_passes(
    name: str, check: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    engine: Engine = request.getfixturevalue(ENGINES[name])
    CHECKS[check](engine, tmp_path)
