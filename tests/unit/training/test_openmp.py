"""Threads that wait for one another while a model is fitted."""

from __future__ import annotations

import os

import pytest

from lakehouse.training.openmp import wait_passively


@pytest.mark.parametrize(("said", "holds"), [(None, "passive"), ("active", "active")])
def test_waiting_threads_sleep_unless_the_environment_says_otherwise(
    said: str | None, holds: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_WAIT_POLICY", said or "")
    if said is None:
        monkeypatch.delenv("OMP_WAIT_POLICY")
    wait_passively()
    assert holds == os.environ["OMP_WAIT_POLICY"]
