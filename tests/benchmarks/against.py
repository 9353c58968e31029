"""Every figure of the benchmarks here and in another checkout, each against its peer, in turns.

    python -m tests.benchmarks.against CHECKOUT [NAME ...] [--runs 5] [--raw FILE] [--worse]

The other checkout has an environment of its own in `.venv`. A benchmark is run here and there, one
after the other, the first one in turn; without names all are run but `starts`, which has `--beside`
itself. A run takes the options below, which keep it short, and both sides the same.

A figure's ratio is ours to that of the quickest peer in the same run, in a unit of which less is
better, and ours alone where there is no peer: also of Feast's historical features, which take more
than ten times as long and are stopped. `then` and `now` are the medians over the runs with the
least and the greatest, `change` is the ratio now to that then of the same turn. A figure is worse
if every turn's change is beyond 1.1, and better if every one is below 1 / 1.1.

What was printed goes to `--raw`, turn by turn: the same command goes on where it was stopped, adds
benchmarks and turns, and shows at once what is there already. Ends with 1 if a figure is worse.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.benchmarks.printed import READERS, Figures

ROOT = Path(__file__).resolve().parents[2]
BEYOND = 1.1
LAKE = "{lakes}/handbook"
HISTORICAL = (
    *("lakehouse, moments", "Polars, rolling sums of cents", "lakehouse, payments"),
    "lakehouse, handbook",
)
OPTIONS: dict[str, tuple[str, ...]] = {
    "windows": ("--rounds", "2"),
    "historical": ("--lake", LAKE, "--repeat", "1", "--only", *HISTORICAL),
    "latest": ("--lake", LAKE, "--repeat", "1", "--limit", "1"),
    "scale": ("--lakes", "{lakes}"),
    "online": ("--json", "--rounds", "1", "--times", "2000"),
    "serving": ("--requests", "3000"),
    "spark": ("--days", "61", "--peer-rows", "10000"),
    "spark_windows": ("--days", "61", "--lake", "{lakes}/two_months"),
    "distributed_fit": ("--rows", "1000000"),
}
"""What each benchmark is run with; lakes are made once for each side and kept for all turns."""


@dataclass(frozen=True)
class Compared:
    """A figure over all turns: its ratios then and now, and what they come to."""

    name: str
    peer: str
    then: Sequence[float]
    now: Sequence[float]

    @property
    def changes(self) -> list[float]:
        """The ratio now to that then, turn by turn."""
        return [now / then for then, now in zip(self.then, self.now, strict=True)]

    @property
    def verdict(self) -> str:
        """Worse or better where the whole spread says so."""
        if min(self.changes) > BEYOND:
            return "worse"
        return "better" if max(self.changes) < 1 / BEYOND else "same"


def compared(turns: Iterable[tuple[Figures, Figures]]) -> list[Compared]:
    """The figures that every turn (then, now) has on both sides, in their order.

    Those of what only one of the checkouts measures are left out.
    """
    every = list(turns)
    names = [name for name in every[0][1] if all(name in of for turn in every for of in turn)]
    return [
        Compared(
            name,
            every[0][1][name].peer_name,
            [then[name].ratio for then, _ in every],
            [now[name].ratio for _, now in every],
        )
        for name in names
    ]


def show(name: str, figures: Sequence[Compared]) -> None:
    """Print figures as a table of Markdown."""
    print(f"\n| {name} | beside | then | now | change | |\n| --- | --- | --- | --- | --- | --- |")
    for one in figures:
        cells = [_spread(values) for values in (one.then, one.now, one.changes)]
        print(f"| {one.name} | {one.peer or '-'} | {' | '.join(cells)} | {one.verdict} |")


def _spread(values: Sequence[float]) -> str:
    return f"{_short(statistics.median(values))} ({_short(min(values))} to {_short(max(values))})"


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 1_000 else f"{value:.3g}"


@dataclass(frozen=True)
class Side:
    """A checkout, and the folder of its lakes."""

    checkout: Path
    lakes: Path

    def run(self, name: str) -> str:
        """What a benchmark prints."""
        self.lakes.mkdir(exist_ok=True)
        command = [str(self.checkout / ".venv" / "bin" / "python"), "-m"]
        command += [f"tests.benchmarks.bench_{name}"]
        command += [option.format(lakes=self.lakes) for option in OPTIONS[name]]
        done = subprocess.run(command, cwd=self.checkout, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"{name} failed in {self.checkout}:\n{done.stderr[-3000:]}")
        return done.stdout


class Raw:
    """What was printed so far, turn by turn, in a file if there is one."""

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._held: dict[str, Any] = {}
        if file is not None and file.exists():
            self._held = json.loads(file.read_text())

    def turns(self, name: str) -> list[tuple[str, str]]:
        """What a benchmark printed there and here; raises SystemExit if it had other options."""
        held = self._held.setdefault(name, {"options": [*OPTIONS[name]], "turns": []})
        if held["options"] != [*OPTIONS[name]]:
            raise SystemExit(f"{self._file} holds runs of {name} with other options: move it away.")
        return [(then, now) for then, now in held["turns"]]

    def add(self, name: str, then: str, now: str) -> None:
        """Keep a turn."""
        self._held[name]["turns"].append((then, now))
        if self._file is not None:
            self._file.write_text(json.dumps(self._held, indent=1))


def take_turns(name: str, there: Side, here: Side, runs: int, raw: Raw) -> list[Compared]:
    """Run what is left of a benchmark's turns; its figures over all of them."""
    for turn in range(len(raw.turns(name)), runs):
        began = time.monotonic()
        order = (there, here) if turn % 2 == 0 else (here, there)
        printed = {side: side.run(name) for side in order}
        raw.add(name, printed[there], printed[here])
        seconds = time.monotonic() - began
        print(f"{name}: turn {turn + 1} of {runs}, {seconds:.0f} s", file=sys.stderr, flush=True)
    read = READERS[name]
    return compared((read(then), read(now)) for then, now in raw.turns(name)[:runs])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("checkout", type=Path)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(OPTIONS))
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--raw", type=Path, help="a JSON file of what was printed, to go on from")
    parser.add_argument("--worse", action="store_true", help="show only figures that are worse")
    given = parser.parse_intermixed_args()
    if unknown := sorted(set(given.names) - set(OPTIONS)):
        parser.error(f"there is no {', '.join(unknown)} to compare; use {', '.join(OPTIONS)}")
    raw, worse = Raw(given.raw), 0
    with tempfile.TemporaryDirectory() as folder:
        there = Side(given.checkout.resolve(), Path(folder) / "there")
        here = Side(ROOT, Path(folder) / "here")
        for name in given.names or OPTIONS:
            figures = take_turns(name, there, here, given.runs, raw)
            found = [one for one in figures if one.verdict == "worse"]
            worse += len(found)
            show(name, found if given.worse else figures)
    print(f"\n{worse} figures are worse.")
    sys.exit(1 if worse else 0)


if __name__ == "__main__":
    main()
