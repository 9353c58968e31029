"""The embedded engine gives the oracle's answers also where it computes them in small parts."""

from __future__ import annotations

from pathlib import Path

import pytest

from lakehouse.engines.embedded import EmbeddedEngine
from lakehouse.engines.embedded.limits import Limits
from lakehouse.testing.conformance import CHECKS

ABOUT_FEATURES = {
    name: check
    for name, check in CHECKS.items()
    if check.__module__.rpartition(".")[2] not in ("batches", "tables")
}


@pytest.fixture(scope="module")
def engine() -> EmbeddedEngine:
    """Parts of a few rows, in batches of fewer."""
    return EmbeddedEngine(memory_limit="1GB", limits=Limits(one_piece=0, part=7, batch=5))


@pytest.mark.parametrize("check", ABOUT_FEATURES)
def test_engine_passes_in_parts(check: str, engine: EmbeddedEngine, tmp_path: Path) -> None:
    ABOUT_FEATURES[check](engine, tmp_path)
