"""Every engine gives the oracle's answers, and keeps tables as the platform means them."""

from __future__ import annotations

from pathlib import Path

import pytest

from lakehouse.engines.protocol import Engine
from lakehouse.testing.conformance import CHECKS


@pytest.mark.parametrize("check", CHECKS)
def test_engine_passes(check: str, engine: Engine, tmp_path: Path) -> None:
    CHECKS[check](engine, tmp_path)
