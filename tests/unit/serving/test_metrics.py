from __future__ import annotations

import re
from pathlib import Path

import pytest

from serving.metrics import Metrics


def releases(metrics: Metrics) -> list[tuple[str, ...]]:
    """The domain, model and version of each release that a scrape shows."""
    gauge = r'^lakehouse_release_version\{domain="(.+)",model="(.+)"\} (.+)$'
    return re.findall(gauge, metrics.text().decode(), re.MULTILINE)


def test_only_the_releases_that_serve_are_shown() -> None:
    metrics = Metrics()
    metrics.released([("shop", "fraud", 1), ("shop", "returns", 3)])
    metrics.released([("shop", "fraud", 2)])
    assert [("shop", "fraud", "2.0")] == releases(metrics)


def test_releases_are_shown_where_prometheus_was_told_of_several_processes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As Feast does on import, in whatever order the tests of a process come."""
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    test_only_the_releases_that_serve_are_shown()
