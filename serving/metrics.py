"""What Prometheus is told: requests, latency, decisions, releases, outcomes."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Histogram,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

CONTENT_TYPE = CONTENT_TYPE_LATEST
_BUCKETS = (0.0005, 0.001, 0.002, 0.003, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1.0, 5.0)


class Metrics:
    """The counters of one application, in a registry of their own."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._requests = Counter(
            "lakehouse_requests", "Requests answered.", ["route", "status"], registry=self._registry
        )
        self._seconds = Histogram(
            "lakehouse_request_seconds",
            "Seconds from a request's headers to its answer.",
            ["route"],
            buckets=_BUCKETS,
            registry=self._registry,
        )
        self._decisions = Counter(
            "lakehouse_decisions",
            "Decisions served.",
            ["domain", "model", "decision"],
            registry=self._registry,
        )
        self._outcomes = Counter(
            "lakehouse_feedback_rows",
            "Outcomes taken in.",
            ["domain", "model"],
            registry=self._registry,
        )
        self._releases = _Releases()
        self._registry.register(self._releases)
        # Looking a label up costs more than counting does, so children are kept.
        self._counts: dict[tuple[str, int], Counter] = {}
        self._timers: dict[str, Histogram] = {}
        self._decided: dict[tuple[str, str, str], Counter] = {}

    def answered(self, route: str, status: int, seconds: float) -> None:
        count = self._counts.get((route, status))
        if count is None:
            count = self._counts[route, status] = self._requests.labels(route, str(status))
            self._timers[route] = self._seconds.labels(route)
        count.inc()
        self._timers[route].observe(seconds)

    def decided(self, domain: str, model: str, decision: str) -> None:
        count = self._decided.get((domain, model, decision))
        if count is None:
            count = self._decisions.labels(domain, model, decision)
            self._decided[domain, model, decision] = count
        count.inc()

    def reported(self, domain: str, model: str, rows: int) -> None:
        self._outcomes.labels(domain, model).inc(rows)

    def released(self, versions: Iterable[tuple[str, str, int]]) -> None:
        """Show these releases, and no other."""
        self._releases.versions = tuple(versions)

    def text(self) -> bytes:
        return generate_latest(self._registry)


class _Releases(Collector):
    """The releases that serve, as one gauge: those of a moment, so that none is shown too long.

    A gauge whose labels are taken back would be refused where something in the process, such as
    Feast, told Prometheus of several processes.
    """

    def __init__(self) -> None:
        self.versions: tuple[tuple[str, str, int], ...] = ()

    def collect(self) -> Iterable[GaugeMetricFamily]:
        family = GaugeMetricFamily(
            "lakehouse_release_version",
            "Version of the release that serves.",
            labels=["domain", "model"],
        )
        for domain, model, version in self.versions:
            family.add_metric([domain, model], version)
        yield family
