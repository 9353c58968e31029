"""The SQLite store keeps the contract of online stores."""

from __future__ import annotations

from itertools import count
from pathlib import Path

import pytest

from lakehouse.features.online.stores.sqlite.store import SqliteStore
from lakehouse.testing.online_conformance import CHECKS


@pytest.mark.parametrize("name", CHECKS)
def test_conforms(name: str, tmp_path: Path) -> None:
    numbers = count()
    CHECKS[name](lambda: SqliteStore(tmp_path / f"{next(numbers)}.db"))
