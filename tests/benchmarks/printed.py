"""What benchmarks print, read back: each figure beside that of its peer, so that less is better.

Benchmarks print for people. Reading that again, and not a form of their own, compares them with
those of a checkout from before there was any.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

NUMBER = r"([\d,]+(?:\.\d+)?)"


@dataclass(frozen=True)
class Figure:
    """A figure, and that of the quickest of its peers in the same run; None if it has none."""

    ours: float
    peer: float | None = None
    peer_name: str = ""

    @property
    def ratio(self) -> float:
        """Ours in the peer's, or ours alone."""
        return self.ours if self.peer is None else self.ours / self.peer


Figures = dict[str, Figure]
Values = Mapping[str, float]
"""The figures of one contestant, by unit."""


def windows(text: str) -> Figures:
    """Of `bench_windows`: the kernels beside the faster Polars."""
    line = rf"^(\w+: .+?) +{NUMBER} s \( *{NUMBER} s of processors\)"
    found = {name: _units(row, "s", "processors, s") for name, *row in _lines(line, text)}
    peers = {name: of for name, of in found.items() if name.startswith("polars")}
    return {
        figure: value
        for name, of in found.items()
        if name not in peers
        for figure, value in _beside(name, of, peers).items()
    }


def contest(text: str) -> Figures:
    """Of `bench_historical` and `bench_latest`: the platform beside those asked for as many."""
    line = (
        rf"^(.+?) +{NUMBER} rows +{NUMBER} s(?: +[\d.]+ ×)? +{NUMBER} s of processors"
        rf" +{NUMBER} MiB"
    )
    figures: Figures = {}
    found = [
        (name, rows, _units(row, "s", "processors, s", "MiB"))
        for name, rows, *row in _lines(line, text)
    ]
    for name, rows, of in found:
        if name.startswith("lakehouse"):
            peers = {
                other: values
                for other, as_many, values in found
                if as_many == rows and not other.startswith("lakehouse")
            }
            figures |= _beside(f"{name}, {rows} rows", of, peers)
    return figures


def scale(text: str) -> Figures:
    """Of `bench_scale`: the large size beside the small one, and the small one alone."""
    line = (
        rf"^(small|large): .+ in {NUMBER} s \({NUMBER} \+ {NUMBER} s of processors\), "
        rf"at most {NUMBER} GiB"
    )
    of = {}
    for size, seconds, user, system, memory in _lines(line, text):
        row = (seconds, str(_number(user) + _number(system)), memory)
        of[size] = _units(row, "s", "processors, s", "GiB")
    return _beside("small", of["small"], {}) | _beside("large", of["large"], {"small": of["small"]})


def online(text: str) -> Figures:
    """Of `bench_online --json`: each store beside Feast's own SDK on the same."""
    figures: Figures = {}
    for what, by in json.loads(text.splitlines()[-1]).items():
        for who, found in by.items():
            if not who.startswith("Feast"):
                peer = f"Feast, {who}"
                peers = {peer: _of_store(by[peer])} if peer in by else {}
                figures |= _beside(f"{what}, {who}".rstrip(", "), _of_store(found), peers)
    return figures


def _of_store(found: Any) -> Values:
    if not isinstance(found, dict):
        return {"": float(found)}
    rates = {"events/s": "s an event", "events/cpu s": "processors, s an event"}
    return {
        rates.get(unit, f"{unit}, µs"): 1 / value if unit in rates else value
        for unit, value in found.items()
        if value
    }


def serving(text: str) -> Figures:
    """Of `bench_serving`: features beside `feast serve` on the same store, and decisions."""
    line = (
        rf"^(.+?) +1 connection: p50 {NUMBER} ms, p99 {NUMBER} ms; "
        rf"16 connections: {NUMBER} requests/s, p50 {NUMBER} ms, p99 {NUMBER} ms"
    )
    found: dict[str, Values] = {}
    for name, p50, p99, rate, *busy in _lines(line, text):
        units = ("p50, ms", "p99, ms", "p50 of 16, ms", "p99 of 16, ms")
        of_name = _units((p50, p99, *busy), *units)
        found[name] = {**of_name, "s a request of 16": 1 / _number(rate)}
    figures: Figures = {}
    for name, of in found.items():
        kind, _, store = name.partition(", ")
        if kind != "feast serve":
            peer = f"feast serve, {store}"
            beside = {peer: found[peer]} if kind == "features" and peer in found else {}
            figures |= _beside(name, of, beside)
    return figures


def spark(text: str) -> Figures:
    """Of `bench_spark`: some rows beside Feast on Spark, all of them alone."""
    line = rf"^(.+?) +{NUMBER} rows +{NUMBER} s  \("
    found = {name: _units((seconds,), "s") for name, _, seconds in _lines(line, text)}
    peers = {name: of for name, of in found.items() if name.startswith("Feast")}
    figures: Figures = {}
    for name, of in found.items():
        if name not in peers:
            figures |= _beside(name, of, peers if name[-1].isdigit() else {})
    return figures


def spark_windows(text: str) -> Figures:
    """Of `bench_spark_windows`: the last round, beside each of the range windows."""
    line = rf"^(lakehouse|range windows, \w+) +{NUMBER} s +{NUMBER} s of processors"
    found = {name: _units(row, "s", "processors, s") for name, *row in _lines(line, text)}
    ours = found.pop("lakehouse")
    figures: Figures = {}
    for name, of in found.items():
        figures |= _beside(f"lakehouse beside {name}", ours, {name: of})
    return figures


def distributed_fit(text: str) -> Figures:
    """Of `bench_distributed_fit`, which has no peer."""
    figures: Figures = {}
    for what, seconds in _lines(rf"^.*(written|fitted|scored) .*?in {NUMBER} s", text):
        figures[f"{what}, s"] = Figure(_number(seconds))
    for who, memory in _lines(
        rf"(JVM|driver's Python|workers' Python together) {NUMBER} MiB", text
    ):
        figures[f"{who}, MiB"] = Figure(_number(memory))
    return figures


READERS: Mapping[str, Callable[[str], Figures]] = {
    "windows": windows,
    "historical": contest,
    "latest": contest,
    "scale": scale,
    "online": online,
    "serving": serving,
    "spark": spark,
    "spark_windows": spark_windows,
    "distributed_fit": distributed_fit,
}
"""By the name of a benchmark."""


def _beside(name: str, of: Values, peers: Mapping[str, Values]) -> Figures:
    """Each of the figures beside the least of the peers'."""
    figures = {}
    for unit, value in of.items():
        having = {peer: values[unit] for peer, values in peers.items() if unit in values}
        figure = Figure(value)
        if having:
            peer = min(having, key=lambda one: having[one])
            figure = Figure(value, having[peer], peer)
        figures[f"{name}, {unit}".rstrip(", ")] = figure
    return figures


def _lines(pattern: str, text: str) -> Iterator[tuple[str, ...]]:
    return (found.groups() for found in re.finditer(pattern, text, re.MULTILINE))


def _units(row: tuple[str, ...] | list[str], *units: str) -> Values:
    return {unit: _number(value) for unit, value in zip(units, row, strict=True)}


def _number(text: str) -> float:
    return float(text.replace(",", ""))
