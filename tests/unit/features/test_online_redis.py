"""The Redis store keeps the contract of online stores, and what is its own."""

from __future__ import annotations

from itertools import count

import pytest

from lakehouse.features.online_redis import RedisStore
from lakehouse.testing.online_conformance import CHECKS


@pytest.mark.parametrize("name", CHECKS)
def test_conforms(name: str, redis_url: str) -> None:
    numbers = count()
    CHECKS[name](lambda: RedisStore(redis_url, f"{next(numbers)}"))
