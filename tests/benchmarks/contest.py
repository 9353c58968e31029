"""Contestants side by side: each in a process of its own, on the same data.

A process does its work twice, the first time to load and warm what it needs, and measures the
second. The best of some rounds counts. What every contestant ran is printed below the figures.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Contestant:
    """Work to be measured: it takes a lake's folder and a number of rows, and gives Arrow.

    `ran` is the query, or the calls, in a few lines. A `slow` one is given fewer rows, and does
    its work once only.
    """

    run: Callable[[Path, int | None], Any]
    ran: str
    slow: bool = False


@dataclass(frozen=True)
class Measured:
    """What the best round took, and the greatest peak of memory of all rounds."""

    seconds: float
    cpu: float
    mib: float
    rows: int
    sums: dict[str, str]


def run_one(contestant: Contestant, lake: Path, rows: int | None) -> None:
    """Do the work here, and print what it took for `measure` to read."""
    if not contestant.slow:
        contestant.run(lake, rows)
    started, used_before = time.perf_counter(), time.process_time()
    answer = contestant.run(lake, rows)
    seconds, cpu = time.perf_counter() - started, time.process_time() - used_before
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
    print(json.dumps([seconds, cpu, peak, len(answer), sums_of(answer)]))


def sums_of(answer: Any) -> dict[str, str]:
    """The sum of each numeric column whose name two contestants may have in common."""
    import pyarrow as pa
    import pyarrow.compute as pc

    sums = {}
    for name in answer.column_names:
        column = answer.column(name)
        if pa.types.is_decimal(column.type):
            column = column.cast(pa.decimal128(38, 2))
        elif not pa.types.is_integer(column.type):
            continue
        total = pc.sum(column).as_py()
        sums[name] = "0" if not total else str(total)
    return sums


class TooSlow(Exception):
    """A contestant had not ended in its time."""


def measure(
    module: str,
    name: str,
    lake: Path,
    rows: int | None,
    rounds: int,
    limit_s: float | None = None,
) -> Measured:
    """Run a contestant of a benchmark in processes of its own; raises TooSlow."""
    command = [sys.executable, "-m", module, "--one", name, "--lake", str(lake)]
    if rows is not None:
        command += ["--rows", str(rows)]
    found = []
    for _ in range(rounds):
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=limit_s)
        except subprocess.TimeoutExpired as error:
            raise TooSlow(
                f"{name:44}{rows or 'all':>11} rows, not done after {limit_s} s"
            ) from error
        if done.returncode:
            raise SystemExit(f"'{name}' failed:\n{done.stderr[-3000:]}")
        found.append(json.loads(done.stdout.splitlines()[-1]))
    best = min(found, key=lambda one: float(one[0]))
    return Measured(best[0], best[1], max(one[2] for one in found), best[3], best[4])


def show(name: str, took: Measured, beside: Measured | None = None) -> None:
    """Print a contestant's figures, and its time in that of another with as many rows."""
    times = f"{took.seconds / beside.seconds:7.2f} ×" if beside is not None else " " * 9
    print(
        f"{name:44}{took.rows:>11,} rows{took.seconds:9.2f} s{times}"
        f"{took.cpu:9.2f} s of processors{took.mib:8.0f} MiB",
        flush=True,
    )


def show_ran(contestants: Mapping[str, Contestant], names: Sequence[str]) -> None:
    """Print what contestants ran."""
    for name in names:
        ran = textwrap.dedent(contestants[name].ran).strip()
        print(f"\n{name}:\n{textwrap.indent(ran, '    ')}")
